"""Prints a setting's curve (the JSON of `moderato results`, on standard input) above the reference's."""
import csv
import json
import sys
from pathlib import Path

setting = sys.argv[1]
points = json.load(sys.stdin)["points"]
curve = points[0]["curve"]
ours = [(100 * epoch["cacc"], 100 * epoch["asr"]) for epoch in curve]
with open(Path(__file__).parent / "reference.csv") as file:
    row = next(row for row in csv.DictReader(file) if row["setting"] == setting)
theirs = list(zip(map(float, row["cacc_by_epoch"].split()), map(float, row["asr_by_epoch"].split())))
if len(theirs) == 1:  # only the last epoch is known
    theirs = [None] * (len(ours) - 1) + theirs
print("  epoch     " + "".join(f"{epoch:>8}" for epoch in range(1, len(ours) + 1)))
for name, values in [("moderato", ours), ("reference", theirs)]:
    cells = (f"{v[0]:.0f}/{v[1]:.0f}" if v else "–" for v in values)
    print(f"  {name:<10}" + "".join(f"{cell:>8}" for cell in cells))
if ours and theirs and theirs[-1]:
    print(f"  last epoch: CACC {ours[-1][0] - theirs[-1][0]:+.1f}, ASR {ours[-1][1] - theirs[-1][1]:+.1f}")
