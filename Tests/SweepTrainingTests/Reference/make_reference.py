#!/usr/bin/env python3
"""Writes reference.json: what transformers and peft compute, for the tests to compare with.

usage: make_reference.py MODEL_DIR TRAIN_TSV
  MODEL_DIR   all-MiniLM-L6-v2 in Hugging Face layout
  TRAIN_TSV   the movie-review training file that the set-up makes

Needs torch, transformers, peft and numpy. Weights that are not in the model file come from the
`formula` of figures.py, which the tests compute too.
"""
import hashlib
import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from figures import batch_of, formula, probes, read_sentences, rounded

BATCH = 8


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
    sentences, labels = read_sentences(Path(sys.argv[2]))
    reference = {
        "sentences_sha256": hashlib.sha256(Path(sys.argv[2]).read_bytes()).hexdigest(),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "step": one_step(model, tokenizer, sentences, labels),
        "training": ten_steps(model, tokenizer, sentences, labels),
        "bottleneck": bottleneck(model, tokenizer, sentences, labels),
    }
    out = Path(__file__).with_name("reference.json")
    out.write_text(json.dumps(reference, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(f"wrote {out}: {out.stat().st_size} bytes, {reference['trainable']} trainable parameters")


main()
