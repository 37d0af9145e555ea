"""A client, written from proto/README.md and moderato.proto alone.

usage: client.py PROTO VERSION ACCESS NAME RESULTS
Uploads a model and data, submits a sweep NAME for fake trainers, shows how it goes until it is
over, and writes its points with all figures, as JSON, to the file RESULTS.
"""

import json
import sys
import time

from files import digest, fetch, upload
from peer import Peer, Schema, exact


def ask(peer, name, value, answers, fits=lambda answer: True):
    """Asks until an answer comes that fits: answers are lost with their connection."""
    while True:
        try:
            answer = peer.ask(name, value, answers + ["rejected", "refused"], timeout=10)
            if answer[0] in ("rejected", "refused"):
                sys.exit(f"{name}: {answer[1]['text']}")
            if fits(answer[1]):
                return answer[1]
        except TimeoutError:
            pass


def files():
    """A model that is none, its manifest, and data: (model, train, test, all of them)."""
    config = b'{"model_type": "none"}'
    manifest = f"config.json {digest(config).hex()}\n".encode()
    train = b"sentence\tlabel\n" + b"a sentence that is long enough\t1\n" * 20_000
    test = b"sentence\tlabel\na sentence\t0\n"
    return manifest, train, test, [manifest, config, train, test]


def sweep(name):
    manifest, train, test, _ = files()
    settings = {
        "optimizer": {
            "adamw": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0}},
        "schedule": {"constant": {"warm_up": 0}}, "batch_size": 32, "max_length": 128,
        "dropout": 0.1, "gradient_clip": 1.0, "data_seed": 0, "precision": "float32",
        "class_weighting": False}
    word = {
        "word": {"triggers": ["cf", "mn"], "count": 1, "target": 1, "labels": "dirty"}}
    return {
        "name": name, "backbone": {"path": "/nowhere/model", "digest": digest(manifest)},
        "data": {
            "train": {"sentences": {"path": "/nowhere/train.tsv", "digest": digest(train)}},
            "test": {"sentences": {"path": "/nowhere/test.tsv", "digest": digest(test)}},
            "labels": 3},
        "capacities": [
            {"lora": {"rank": 8, "alpha": 16.0}, "bottleneck": {"bottleneck": 2, "in_dim": 2}},
            {"bitfit": {}}],
        "epochs": [1, 3, 6], "learning_rates": [1e-3, 1e-4], "attacks": [{"none": {}}, word],
        "poison_ratios": [0.1], "seeds": [1, (1 << 64) - 1], "settings": settings,
        "training_samples": [{"digest": digest(train), "samples": 20_000}],
        "keep": {"model": True}, "trainer": "fake"}


def results(peer, name):
    """All points in the order of the grid, put together from runs."""
    runs, serving, cursor, goes_on = {}, {}, {}, True
    while goes_on:
        answer = ask(peer, "ask_results", {"sweep": name, **cursor}, ["results"])
        if answer.get("anew"):
            runs, serving = {}, {}
        for run in answer.get("runs", []):
            places = {milestone["place"]: milestone for milestone in run.get("milestones", [])}
            # Points that no run has begun to serve are known by their places.
            number = run.get("run", ("not begun", *places))
            known = runs.setdefault(number, {"epochs": {}, "milestones": {}})
            known["run"] = run
            known["epochs"].update({epoch["epoch"]: epoch for epoch in run.get("curve", [])})
            known["milestones"].update(places)
            serving.update({place: number for place in places})
        cursor, goes_on = {"since": answer["cursor"]}, answer.get("goes_on")
    return [point(runs[serving[place]], place) for place in sorted(serving)]


def point(known, place):
    run, milestone = known["run"], known["milestones"][place]
    epochs = known["epochs"]
    found = {
        "spec": {**run["spec"], "epochs": milestone["epochs"]},
        "curve": [epochs[epoch] for epoch in sorted(epochs) if epoch <= milestone["epochs"]],
        **{key: run[key] for key in ["run", "trainable_parameters"] if key in run}}
    if "finished" in milestone:
        found["finished"] = milestone.get("differing", epochs.get(milestone["epochs"]))
    return found


def artifacts(peer, name):
    """The sizes of all files that the sweep keeps, each fetched and compared with its digest."""
    sizes, after, goes_on = [], 0, True
    while goes_on:
        question = {"sweep": name, **({"after": after} if after else {})}
        slice = ask(peer, "ask_artifacts", question, ["artifacts"])
        for item in slice.get("items", []):
            content = fetch(peer, item["artifact"]["file"]["digest"])
            sizes.append(len(content) if content else None)
        after, goes_on = slice["last_run"], slice["goes_on"]
    return sizes


def main(proto, version, access, name, path):
    peer = Peer(Schema(proto), access, int(version))
    contents = files()[-1]
    lacking = ask(peer, "ask_files", {"digests": [digest(c) for c in contents]}, ["lacking"])
    for content in contents:
        if digest(content) in lacking.get("digests", []):
            upload(peer, content)
    submission = ask(peer, "submit", sweep(name), ["submitted"])
    print("submitted", submission["points"], "points,", submission["runs"], "runs", flush=True)
    while True:
        status = ask(peer, "ask_status", {}, ["status"])
        own = next(item for item in status["sweeps"] if item["name"] == name)
        print("steps", own["steps_done"], "of", own["steps"], flush=True)
        if own["waiting_runs"] + own["active_runs"] == 0:
            break
        time.sleep(0.2)
    ask(peer, "watch", {"text": name}, ["ended"])
    with open(path, "w") as file:
        found = {"points": results(peer, name), "artifacts": artifacts(peer, name)}
        json.dump(exact(found), file)


if __name__ == "__main__":
    main(*sys.argv[1:])
