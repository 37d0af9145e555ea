#!/usr/bin/env python3
"""Writes parity.json: logits, loss and gradients of every PET on every text model, in float64.

usage: make_parity.py MINILM_DIR MPNET_DIR TRAIN_TSV
  MINILM_DIR, MPNET_DIR   all-MiniLM-L6-v2 and all-mpnet-base-v2 in Hugging Face layout
  TRAIN_TSV               the movie-review training file that the set-up makes

Needs torch, transformers, peft, tokenizers and numpy. Small models are made anew only if their folders
are not there. For each tensor of gradients there are four figures, those of `figures.summary`.
"""
import hashlib
import json
import sys
from pathlib import Path

import torch
from transformers import AutoConfig, AutoTokenizer, BertTokenizer, RobertaTokenizer

from figures import batch_of, formula, read_sentences, rounded, summary
from tiny_models import HERE, NAMES, make_models
from tunings import load, tunings

BATCH = 4
# With a prefix of 24 it fits into the small models' positions.
LENGTH = 100
BOTTLENECK = 3
INPUT = 2


def tokenizer_of(path):
    if (path / "merges.txt").exists():
        return RobertaTokenizer(vocab=str(path / "vocab.json"), merges=str(path / "merges.txt"))
    if (path / "tokenizer.json").exists():
        return AutoTokenizer.from_pretrained(path)
    return BertTokenizer(vocab=str(path / "vocab.txt"))


def generators(groups):
    """z, W1 and W2 of each group."""
    leaves = []
    for number, group in enumerate(groups):
        count = sum(tensor.numel() for tensor in group)
        shapes = [(INPUT,), (BOTTLENECK, INPUT), (count, BOTTLENECK)]
        leaves.append([formula(int(torch.Size(shape).numel()), place + number, size).double().view(shape)
                       for place, (shape, size) in enumerate(zip(shapes, (0.8, 0.7, 0.06)), start=1)])
    return leaves


def generate(leaves, groups):
    """θ = W₂ tanh(W₁ z), cut into the slots of each group."""
    generated = []
    for (z, w1, w2), group in zip(leaves, groups):
        pieces = (w2 @ torch.tanh(w1 @ z)).split([tensor.numel() for tensor in group])
        generated.append([piece.view_as(tensor) for piece, tensor in zip(pieces, group)])
    return generated


def recorded(result, gradients):
    return {"logits": rounded(result.logits.flatten().tolist()), "loss": result.loss.item(),
            "gradients": [summary(gradient) for gradient in gradients]}


def figures_of(tuning, batch, bottleneck):
    values = tuning.values()
    leaves = generators(values) if bottleneck else values
    flat = [leaf.requires_grad_() for group in leaves for leaf in group]
    result = tuning.result(generate(leaves, values) if bottleneck else leaves, batch)
    gradients = torch.autograd.grad(result.loss, flat)
    return recorded(result, gradients)


def model_figures(path, sentences, labels):
    batch = dict(batch_of(tokenizer_of(path), sentences[:BATCH], LENGTH), labels=torch.tensor(labels[:BATCH]))
    family = AutoConfig.from_pretrained(path).model_type
    if family == "roberta":
        batch.pop("token_type_ids", None)
    figures = {}
    if path.name in NAMES:
        # The head that the file has; others have none.
        figures["untouched"] = recorded(load(path)(**batch), [])
    for name, make in tunings(family).items():
        for bottleneck in (False, True) if name in ("lora", "adapter", "prefix") else (False,):
            label = name + (f"-{BOTTLENECK}" if bottleneck else "")
            figures[label] = figures_of(make(path), batch, bottleneck)
            print(path.name, label, figures[label]["logits"][:2], figures[label]["loss"], flush=True)
    return figures


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    torch.set_num_threads(2)
    train = Path(sys.argv[3])
    sentences, labels = read_sentences(train)
    if not all((HERE / name).exists() for name in NAMES):
        make_models(sentences)
    paths = [Path(argument) for argument in sys.argv[1:3]] + [HERE / name for name in NAMES]
    parity = {
        "sentences_sha256": hashlib.sha256(train.read_bytes()).hexdigest(),
        "models": {path.name: model_figures(path, sentences, labels) for path in paths},
    }
    out = HERE / "parity.json"
    out.write_text(json.dumps(parity, separators=(",", ":")) + "\n")
    print(f"wrote {out}: {out.stat().st_size} bytes")


main()
