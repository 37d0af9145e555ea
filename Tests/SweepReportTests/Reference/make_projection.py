#!/usr/bin/env python3
"""Writes projection.json: principal components as numpy computes them, for ProjectionTests.

    python3 make_projection.py        needs numpy

A component's entry of largest size is made positive, as PrincipalComponents does.
"""
import json
import pathlib

import numpy


def case(name, values):
    values = numpy.round(values, 4).astype(numpy.float32)
    centred = values.astype(numpy.float64)
    centred -= centred.mean(axis=0)
    _, sizes, directions = numpy.linalg.svd(centred, full_matrices=False)
    directions = directions[:2]
    tops = numpy.abs(directions).argmax(axis=1)
    directions *= numpy.sign(directions[[0, 1], tops])[:, None]
    return {
        "name": name,
        "columns": values.shape[1],
        "values": [float(f"{value:.4f}") for value in values.flatten()],
        "components": directions.flatten().tolist(),
        "scores": (centred @ directions.T).flatten().tolist(),
        "variances": (sizes[:2] ** 2 / (len(values) - 1)).tolist(),
        "shares": (sizes[:2] ** 2 / (sizes**2).sum()).tolist(),
    }


random = numpy.random.default_rng(0)
scales = numpy.linspace(3, 0.2, 12)
shifts = random.normal(size=(3, 30)) * 2
cases = [
    case("more rows than columns", random.normal(size=(40, 12)) * scales + 5),
    case("more columns than rows", random.normal(size=(9, 20))),
    case("three clusters", random.normal(size=(45, 30)) + numpy.repeat(shifts, 15, axis=0)),
    case("two close variances", random.normal(size=(60, 8)) * [2, 1.99, 1.98, 1, 1, 1, 1, 1]),
]
path = pathlib.Path(__file__).with_name("projection.json")
path.write_text(json.dumps(cases) + "\n")
