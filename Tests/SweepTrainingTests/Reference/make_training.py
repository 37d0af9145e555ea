#!/usr/bin/env python3
"""Writes training.json: ten steps of torch's optimizers, weighted losses, transformers' schedules.

usage: make_training.py

Needs torch, transformers and numpy. What goes in comes from `formula` of figures.py.
"""
import json
from pathlib import Path

import torch
from transformers import get_scheduler

from figures import formula, rounded

COUNT = 50
STEPS = 10
RATE = 0.1
HORIZON = 40
WARM_UP = 7
CLASSES = 3
ROWS = 8


def steps(make):
    """The parameters after each of ten steps, with linear decay and clipping at norm 1."""
    parameter = formula(COUNT, 0, 0.5).requires_grad_()
    optimizer = make([parameter])
    values = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        # The norm is above 1 in every other step.
        parameter.grad = formula(COUNT, step + 1, 0.1 if step % 2 else 1.0)
        torch.nn.utils.clip_grad_norm_([parameter], 1.0)
        optimizer.step()
        values += parameter.tolist()
    return rounded(values)


def optimizers():
    def sgd(momentum, decay):
        return lambda parameters: torch.optim.SGD(parameters, lr=RATE, momentum=momentum, weight_decay=decay)

    return {
        "sgd": steps(sgd(0.9, 0.0)),
        "sgd-decay": steps(sgd(0.5, 0.1)),
        "sgd-plain": steps(sgd(0.0, 0.0)),
        "adamw": steps(lambda parameters: torch.optim.AdamW(parameters, lr=RATE, betas=(0.8, 0.99), weight_decay=0.1)),
    }


def weighted_loss(weights):
    logits = formula(ROWS * CLASSES, 3, 2.0).view(ROWS, CLASSES).requires_grad_()
    labels = torch.tensor([0, 1, 2, 0, 0, 1, 0, 0])
    loss = torch.nn.functional.cross_entropy(logits, labels, weight=weights and torch.tensor(weights))
    loss.backward()
    return {"loss": loss.item(), "gradient": rounded(logits.grad.flatten().tolist())}


def factors(name, warm_up):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warm_up, num_training_steps=HORIZON)
    values = []
    for _ in range(HORIZON):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rounded(values)


def main():
    names = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine", "inverse-sqrt": "inverse_sqrt"}
    training = {
        "optimizers": optimizers(),
        "unweighted": weighted_loss(None),
        "weighted": weighted_loss([0.5, 2.0, 1.25]),
        "schedules": {name: {str(warm_up): factors(other, warm_up) for warm_up in (0, WARM_UP)}
                      for name, other in names.items()},
    }
    out = Path(__file__).with_name("training.json")
    out.write_text(json.dumps(training, separators=(",", ":")) + "\n")
    print(f"wrote {out}: {out.stat().st_size} bytes")


main()
