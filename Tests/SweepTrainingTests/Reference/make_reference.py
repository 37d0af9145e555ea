#!/usr/bin/env python3
"""Writes reference.json: what transformers and peft compute, for the tests to compare with.

usage: make_reference.py MODEL_DIR TRAIN_TSV
  MODEL_DIR   all-MiniLM-L6-v2 in Hugging Face layout
  TRAIN_TSV   the movie-review training file that the set-up makes

Needs torch, transformers, peft and numpy. Weights that are not in the model file come from the
formula `formula` below, which the tests compute too.
"""
import hashlib
import json
import math
import random
import sys
from pathlib import Path

import numpy
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer

MAX_LENGTH = 128
BATCH = 8


def formula(count, phase, size):
    """`size * sin(phase + 0.7 * k * k mod 1000)`: values without a pattern that matters."""
    k = numpy.arange(count, dtype=numpy.float64)
    return torch.tensor(size * numpy.sin(phase + numpy.mod(0.7 * k * k, 1000.0)), dtype=torch.float32)


def token_hash(ids):
    """16 hexadecimal digits of the SHA-256 of the ids as little-endian 32-bit numbers."""
    return hashlib.sha256(numpy.array(ids, dtype="<i4").tobytes()).hexdigest()[:16]


def read_sentences(path):
    rows = Path(path).read_text(encoding="utf-8").split("\n")[1:]
    pairs = [row.rstrip("\r").rpartition("\t") for row in rows if row]
    return [text.strip(" ") for text, _, _ in pairs], [int(label) for _, _, label in pairs]


def character_hashes(tokenizer):
    """For each 4,096 characters of planes 0 and 1: a hash of the words of `a` character `b`."""
    normalizer, splitter = tokenizer.backend_tokenizer.normalizer, tokenizer.backend_tokenizer.pre_tokenizer
    hashes = ""
    for block in range(0, 0x20000, 0x1000):
        lines = []
        for character in range(max(block, 1), block + 0x1000):
            if 0xD800 <= character < 0xE000:
                continue
            text = normalizer.normalize_str(f"a{chr(character)}b")
            lines.append("\0".join(word for word, _ in splitter.pre_tokenize_str(text)))
        hashes += hashlib.sha256("\0\0".join(lines).encode()).hexdigest()[:16]
    return hashes


def hostile_strings():
    """Strings that tokenizers get wrong: odd Unicode, special tokens, long words."""
    fixed = [
        "", " ", "\t \u00a0 \u3000", "hello\u0000world", "a\ufffdb", "caf\u00e9 cafe\u0301 \u00c5ngstr\u00f6m",
        "\u0130stanbul \u0131 I \u1e9e \u00df \ufb01ne \u01c5", "\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3 \u1f88 \u1fb3",
        "\u4e2d\u6587\u5b57 mixed\u4e2dtext \u3400\U00020000\U0002b820\U0002b920\uf900", "\u3042\u30a2 \uac00\ub098 \u1100\u1161",
        "\u200bzero\u200dwidth\u2060 soft\u00adhyphen \ufeffbom \u202ertl", "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 flags\U0001f1e9\U0001f1ea",
        "x" * 100, "x" * 101, "\u00e9" * 100, "e\u0301" * 100, "e\u0301" * 101, "word" * 60, "one two " * 100,
        "[CLS] inside [SEP] text [MASK][PAD][UNK]", "[cls] [ CLS ] [CLS]x y[SEP]", "[[MASK]] [MASK", "don't can't it's -- ... ?! `'\"",
        "a\u0085b\u2028c\u2029d\u000be\u000cf\u001cg\r\nh", "$5.00 50% #tag @user ~x^y _z_ |q| <b> \u00a9\u00ae\u2122 \u20ac\u00a3\u00a5",
        "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22", "\u00bd \u00b2 \u2460 \u216b \u00aa \u00b5 \u212b \u2126",
        "\u2018single\u2019 \u201cdouble\u201d \u00abguillemets\u00bb \u2014 \u2013 \u2026 \u00b7 \u2022 \u00a1\u00bf", "\ud7a3\u11a8 \u1e69 s\u0323\u0307 s\u0307\u0323 \u0344 \u0374 \u037e \u1fef",
        "\U0001d400\U0001d41a \U00010400 \U0001e900 \U00010330", "\u0f73 \u0f75 \u0958 \ufb1d \u2adc \U0001d15e", "##ing ##", "a##b", "\u2581 \u0149 \u01f0 \u1e96",
    ]
    draw = random.Random(7)
    ranges = [(0x20, 0x7F), (0x80, 0x250), (0x250, 0x700), (0x900, 0xE00), (0x1E00, 0x2000), (0x2000, 0x2C00),
              (0x3000, 0x3200), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xF900, 0xFB50), (0xFE00, 0x10000), (0x1F300, 0x1F700)]
    made = []
    for _ in range(270):
        low, high = draw.choice(ranges)
        parts = []
        for _ in range(draw.randint(3, 24)):
            low2, high2 = (low, high) if draw.random() < 0.6 else draw.choice(ranges)
            parts.append(chr(draw.randrange(low2, high2)) if draw.random() < 0.8 else " ")
        made.append("".join(part for part in parts if not 0xD800 <= ord(part) < 0xE000))
    return fixed + made


def batch_of(tokenizer, sentences):
    return tokenizer(sentences, truncation=True, max_length=MAX_LENGTH, padding=True, return_tensors="pt")


def make_model(path, dropout=0.0):
    model = AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=2, dtype=torch.float32, hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout, classifier_dropout=dropout, attn_implementation="eager")
    return get_peft_model(model, LoraConfig(
        r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["query", "value"], task_type="SEQ_CLS"))


def trained_parameters(model):
    """A of all layers (query, value), head weight, head bias; then B in the same order."""
    named = dict(model.named_parameters())
    layers = [f"base_model.model.bert.encoder.layer.{i}.attention.self.{part}.lora_{{}}.default.weight"
              for i in range(6) for part in ("query", "value")]
    head = "base_model.model.classifier.modules_to_save.default."
    inputs = [named[name.format("A")] for name in layers] + [named[head + "weight"], named[head + "bias"]]
    return inputs, [named[name.format("B")] for name in layers]


def set_formula(model):
    inputs, outputs = trained_parameters(model)
    with torch.no_grad():
        for index, parameter in enumerate(inputs + outputs):
            size = 0.05 if parameter.dim() > 1 else 0.01
            parameter.copy_(formula(parameter.numel(), index, size).view_as(parameter))


def rounded(values):
    return [float(f"{value:.7g}") for value in values]


def probes(vector):
    """The Euclidean norm, and 64 values spread over the vector."""
    vector = vector.double()
    picks = torch.linspace(0, vector.numel() - 1, 64).long()
    return {"norm": float(vector.norm()), "values": rounded(vector[picks].tolist())}


def one_step(model, tokenizer, sentences, labels):
    set_formula(model)
    inputs, outputs = trained_parameters(model)
    result = model(**batch_of(tokenizer, sentences[:BATCH]), labels=torch.tensor(labels[:BATCH]))
    gradients = torch.autograd.grad(result.loss, inputs + outputs)
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    return {"logits": rounded(result.logits.flatten().tolist()), "loss": float(result.loss), "gradient": probes(flat)}


def ten_steps(model, tokenizer, sentences, labels):
    set_formula(model)
    inputs, outputs = trained_parameters(model)
    parameters = inputs + outputs
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01)
    losses = []
    for step in range(10):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (1 - step / 10)
        chosen = slice(step * BATCH, (step + 1) * BATCH)
        loss = model(**batch_of(tokenizer, sentences[chosen]), labels=torch.tensor(labels[chosen])).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(float(loss))
    with torch.no_grad():
        logits = model(**batch_of(tokenizer, sentences[:BATCH])).logits
    return {"losses": losses, "logits": rounded(logits.flatten().tolist())}


def bottleneck(model, tokenizer, sentences, labels, size=3, in_dim=2):
    """Two generators; W2 is large, so its values come from the formula too."""
    inputs, outputs = trained_parameters(model)
    leaves, generated = [], []
    for number, group in enumerate((inputs, outputs)):
        count = sum(parameter.numel() for parameter in group)
        z = formula(in_dim, 1 + number, 0.8)
        w1 = formula(size * in_dim, 2 + number, 0.7).view(size, in_dim)
        w2 = formula(count * size, 3 + number, 0.06).view(count, size)
        for leaf in (z, w1, w2):
            leaf.requires_grad_()
        leaves += [z, w1, w2]
        theta = w2 @ torch.tanh(w1 @ z)
        generated.append([piece.view_as(parameter) for piece, parameter in
                          zip(theta.split([parameter.numel() for parameter in group]), group)])
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    values = {names[id(parameter)]: piece for group, pieces in zip((inputs, outputs), generated)
              for parameter, piece in zip(group, pieces)}
    batch = dict(batch_of(tokenizer, sentences[:BATCH]), labels=torch.tensor(labels[:BATCH]))
    result = torch.func.functional_call(model, values, kwargs=batch)
    gradients = torch.autograd.grad(result.loss, leaves)
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    small = torch.cat([gradients[i].flatten() for i in (0, 1, 3, 4)])
    return {"loss": float(result.loss), "gradient": probes(flat), "small_gradients": rounded(small.tolist())}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    model = make_model(sys.argv[1]).eval()
    sentences, labels = read_sentences(sys.argv[2])
    hostile = hostile_strings()
    encode = lambda text: tokenizer(text, truncation=True, max_length=MAX_LENGTH)["input_ids"]
    reference = {
        "sentences_sha256": hashlib.sha256(Path(sys.argv[2]).read_bytes()).hexdigest(),
        "sentence_tokens": "".join(token_hash(encode(text)) for text in sentences[:2000]),
        "character_words": character_hashes(tokenizer),
        "hostile": [[text, encode(text)] for text in hostile],
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "step": one_step(model, tokenizer, sentences, labels),
        "training": ten_steps(model, tokenizer, sentences, labels),
        "bottleneck": bottleneck(model, tokenizer, sentences, labels),
    }
    out = Path(__file__).with_name("reference.json")
    out.write_text(json.dumps(reference, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(f"wrote {out}: {out.stat().st_size} bytes, {reference['trainable']} trainable parameters")


main()
