"""Writes the small random models of the parity tests, folders beside this file.

roberta: float32, with vocab.json and merges.txt. roberta-float16, roberta-bfloat16: the same weights as
these types, with tokenizer.json. bert-sharded: float32 in shards, with vocab.txt.
"""
import shutil
from pathlib import Path

import torch
from tokenizers import AddedToken, BertWordPieceTokenizer, ByteLevelBPETokenizer
from tokenizers.processors import RobertaProcessing
from transformers import BertConfig, BertForSequenceClassification, RobertaConfig, RobertaForSequenceClassification

HERE = Path(__file__).parent
NAMES = ["roberta", "roberta-float16", "roberta-bfloat16", "bert-sharded"]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48, "initializer_range": 0.3}
SHARD_BYTES = 40_000


def wakened(model):
    """Fresh biases and norms are 0 and 1, which would hide where they are left out."""
    draw = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter += 0.2 * torch.randn(parameter.shape, generator=draw)
    return model


def make_roberta(sentences):
    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(sentences, vocab_size=340, min_frequency=2, special_tokens=special)
    inner = tokenizer._tokenizer
    inner.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    frame = [(token, inner.token_to_id(token)) for token in ("</s>", "<s>")]
    inner.post_processor = RobertaProcessing(*frame, trim_offsets=True, add_prefix_space=False)
    torch.manual_seed(1)
    model = wakened(RobertaForSequenceClassification(RobertaConfig(
        vocab_size=inner.get_vocab_size(), num_attention_heads=2, max_position_embeddings=130, type_vocab_size=1,
        pad_token_id=1, **SIZES)))
    for name, dtype in zip(NAMES, (torch.float32, torch.float16, torch.bfloat16)):
        model.to(dtype).save_pretrained(HERE / name)
        if name == "roberta":
            tokenizer.save_model(str(HERE / name))
        else:
            inner.save(str(HERE / name / "tokenizer.json"), pretty=False)


def make_bert(sentences):
    tokenizer = BertWordPieceTokenizer()
    tokenizer.train_from_iterator(sentences, vocab_size=340, min_frequency=2, show_progress=False)
    torch.manual_seed(3)
    model = wakened(BertForSequenceClassification(BertConfig(
        vocab_size=tokenizer.get_vocab_size(), num_attention_heads=4, max_position_embeddings=128, **SIZES)))
    folder = HERE / "bert-sharded"
    model.save_pretrained(folder, max_shard_size=SHARD_BYTES)
    tokenizer.save_model(str(folder))


def make_models(sentences):
    for name in NAMES:
        shutil.rmtree(HERE / name, ignore_errors=True)
    make_roberta(sentences)
    make_bert(sentences)
