#!/usr/bin/env python3
"""Writes vision.json: what torchvision's VGG computes, for the tests to compare with.

usage: make_vision_reference.py

Needs torch, numpy, and the torchvision that belongs to that torch, with pillow:
  pip install --no-deps --target FOLDER torchvision==0.28.0 pillow    # for torch 2.13.0
  PYTHONPATH=FOLDER make_vision_reference.py
Weights and pixels come from formulas, which the tests compute too.
"""
import json
from pathlib import Path

import numpy
import torch
from torch.nn import functional

# torchvision's compiled operations need the CUDA build of torch; its models do not use them, but
# their declarations have to be there.
library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    try:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError:
        pass

from torchvision.models.vgg import VGG, cfgs, make_layers  # noqa: E402

CLASSES = 5


def formula(count, phase, size):
    """`size * sin(phase + 0.7 * k * k mod 1000)`: values without a pattern that matters."""
    k = numpy.arange(count, dtype=numpy.float64)
    return torch.tensor(size * numpy.sin(phase + numpy.mod(0.7 * k * k, 1000.0)), dtype=torch.float32)


def pixels(count, channels, side):
    k = numpy.arange(count * channels * side * side, dtype=numpy.int64)
    values = (k * 37 + k // 7 * 11 + k * k % 251) % 256
    return torch.tensor(values).reshape(count, channels, side, side)


def rounded(values):
    return [float(f"{value:.7g}") for value in values]


def images(count, channels, side, model):
    x = pixels(count, channels, side).float() / 255
    x = x.expand(-1, model["channels"], -1, -1)
    mean = torch.tensor(model["mean"], dtype=torch.float32).view(1, -1, 1, 1)
    std = torch.tensor(model["std"], dtype=torch.float32).view(1, -1, 1, 1)
    x = (x - mean) / std
    size = (model["image_size"], model["image_size"])
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def make_model(model):
    network = VGG(make_layers(model["features"]), num_classes=CLASSES, init_weights=False, dropout=0.0)
    # torchvision's layers begin with three channels.
    network.features[0] = torch.nn.Conv2d(model["channels"], model["features"][0], 3, padding=1)
    pool, classifier = model["pool"], model["classifier"]
    network.avgpool = torch.nn.AdaptiveAvgPool2d((pool, pool))
    layers, inputs = [], [f for f in model["features"] if f != "M"][-1] * pool * pool
    for width in classifier:
        layers += [torch.nn.Linear(inputs, width), torch.nn.ReLU(True), torch.nn.Dropout(0.0)]
        inputs = width
    network.classifier = torch.nn.Sequential(*layers, torch.nn.Linear(inputs, CLASSES))
    with torch.no_grad():
        for phase, parameter in enumerate(network.parameters()):
            inputs = parameter.numel() // parameter.shape[0]
            # He's deviation for the weights, so that the last layer still sees the image.
            size = 0.01 if parameter.dim() == 1 else 2 * inputs ** -0.5
            parameter.copy_(formula(parameter.numel(), phase, size).view_as(parameter))
    return network.eval()


def case(model, channels, side, count=4):
    network = make_model(model)
    labels = torch.arange(count) % CLASSES
    logits = network(images(count, channels, side, model))
    loss = functional.cross_entropy(logits, labels)
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    probes = []
    for (name, _), gradient in zip(network.named_parameters(), gradients):
        flat = gradient.flatten().double()
        # The same places as in the tests: a few, spread over the parameter.
        step = max(1, flat.numel() // 5)
        probes.append({
            "name": name, "norm": float(flat.norm()), "sum": float(flat.sum()),
            "values": rounded(flat[::step][:5].tolist()),
        })
    return {
        "model": model, "channels": channels, "side": side, "count": count,
        "logits": rounded(logits.flatten().tolist()), "loss": loss.item(), "gradients": probes,
    }


def main():
    torch.set_num_threads(2)
    narrow = [feature if feature == "M" else feature // 16 for feature in cfgs["D"]]
    imagenet = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    vgg16 = dict(features=narrow, channels=3, image_size=64, pool=7, classifier=[40, 24], **imagenet)
    small = dict(features=[4, "M", 6, 6, "M", 8], channels=1, image_size=12, pool=3, classifier=[],
                 mean=[0.3], std=[0.4])
    averaged = dict(features=[4, 4, "M", 8, "M"], channels=3, image_size=20, pool=2, classifier=[7], **imagenet)
    reference = {
        # VGG-16's layers with a sixteenth of the channels, on images of another size.
        "vgg16": case(vgg16, channels=3, side=40),
        "small": case(small, channels=1, side=12),
        # Gray images for a model of colour, and averaging.
        "averaged": case(averaged, channels=1, side=28),
    }
    out = Path(__file__).with_name("vision.json")
    out.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    print(f"wrote {out}: {out.stat().st_size} bytes, losses "
          + ", ".join(f"{value['loss']:.4f}" for value in reference.values()))


main()
