#!/usr/bin/env python3
"""Writes intervals.json: 95 % intervals as scipy computes them, for VerdictTests.

    python3 make_intervals.py        needs numpy and scipy
"""
import json
import pathlib

import numpy
from scipy import stats

wilson = []
for hits, count in [(0, 10), (5, 10), (1, 3), (419, 1000), (1000, 1000), (3, 100_000)]:
    interval = stats.binomtest(hits, count).proportion_ci(method="wilson")
    wilson.append({"hits": hits, "count": count, "low": interval.low, "high": interval.high})
random = numpy.random.default_rng(0)
student = []
for size in [2, 3, 5, 31, 32, 50, 500]:
    values = random.normal(0.4, 0.1, size=size)
    low, high = stats.t.interval(0.95, size - 1, values.mean(), stats.sem(values))
    student.append({"values": values.tolist(), "low": low, "high": high})
path = pathlib.Path(__file__).with_name("intervals.json")
path.write_text(json.dumps({"wilson": wilson, "student": student}) + "\n")
