"""Does to a coordinator what a peer with a valid key could: bounded in number and time.

usage: attacker.py ATTACK PROTO VERSION ACCESS...     prints what it did; ends with a status not 0
                                                      when the coordinator did not hold
"""

import hashlib
import math
import socket
import sys
import tempfile
import time

import zmq

from peer import INTEGERS, Peer, Schema, encode

NUMBERS = [0, 1 << 31, 1 << 32, 1 << 53, 1 << 63, (1 << 64) - 1]
DOUBLES = [0.0, 2.0**31, 2.0**53, 2.0**63, math.nan, math.inf, -math.inf, 1e308]
DIGEST = hashlib.sha256(b"nothing").digest()
# Values of fields that have to be words of the protocol.
WORDS = {
    "precision": "float32", "corner": "bottom-right", "state": "active",
    "kind": "checkpoint", "trainer": "real", "needs": "attacker", "labels": "dirty",
}
SMALL = {"target": 1, "labels": 2, "slots": 1, "epoch": 1, "total": 9, "dropout": 0.1,
         "max_length": 3, "colour": 3, "priority": 1}


def sample(schema, message, choose):
    """A message with every field, and of each oneof the member that `choose` names."""
    values = {}
    for field in schema.fields(message):
        if field.oneof and choose(message, field.oneof) != field.name:
            continue
        if field.kind in schema.messages:
            value = sample(schema, field.kind, choose)
        elif field.kind == "bytes":
            value = DIGEST
        elif field.kind == "string":
            value = WORDS.get(field.name, "attacked")
        elif field.kind == "double":
            value = SMALL.get(field.name, 0.5)
        else:
            value = SMALL.get(field.name, 1)
        values[field.name] = [value] if field.label == "repeated" else value
    return values


def members(schema, message):
    """For each oneof below the message, every member once: functions that choose."""
    seen, oneofs = set(), {}

    def look(name):
        if name in seen:
            return
        seen.add(name)
        for field in schema.fields(name):
            if field.oneof:
                oneofs.setdefault((name, field.oneof), []).append(field.name)
            if field.kind in schema.messages:
                look(field.kind)

    look(message)
    first = {key: names[0] for key, names in oneofs.items()}
    choices = [dict(first)]
    for key, names in oneofs.items():
        choices += [{**first, key: name} for name in names[1:]]
    return [lambda message, oneof, c=choice: c[(message, oneof)] for choice in choices]


def mutations(schema, message, values, path=()):
    """Every numeric field of the message, with each hostile value, as (path, values)."""
    for field in schema.fields(message):
        if field.name not in values:
            continue
        value = values[field.name]
        inner = value[0] if field.label == "repeated" else value
        if field.kind in schema.messages:
            changed = mutations(schema, field.kind, inner, path + (field.name,))
        elif field.kind == "double":
            changed = ((path + (field.name,), number) for number in DOUBLES)
        elif field.kind in INTEGERS - {"bool"}:
            changed = ((path + (field.name,), number) for number in NUMBERS)
        else:
            continue
        for where, item in changed:
            yield where, {**values, field.name: [item] if field.label == "repeated" else item}


def all_mutations(schema, message):
    """Without those that two members of a oneof have in common."""
    seen = set()
    for choose in members(schema, message):
        for where, values in mutations(schema, message, sample(schema, message, choose)):
            frame = encode(schema, message, values)
            if frame not in seen:
                seen.add(frame)
                yield where, values


def numbers(schema, version, accesses):
    """Hostile numbers in every numeric field of every message, with every key."""
    sent, paths = 0, set()
    for access in accesses:
        peer = Peer(schema, access, version)
        of_this_connection = 0
        for field in schema.fields("Envelope"):
            if field.kind not in schema.messages:
                continue
            for where, values in all_mutations(schema, field.kind):
                peer.send(field.name, values)
                paths.add((field.name,) + where)
                sent += 1
                of_this_connection += 1
                if of_this_connection % 10 == 0:
                    while peer.receive(0.004):
                        pass
                # Who sends nonsense again and again is not read for a while.
                if of_this_connection == 80:
                    alive(schema, version, accesses)
                    peer.reconnect()
                    of_this_connection = 0
    alive(schema, version, accesses)
    print(f"{sent} messages, {len(paths)} numeric fields, {len(accesses)} keys")


def alive(schema, version, accesses):
    reader = Peer(schema, next(a for a in accesses if "read-only" in a), version)
    reader.ask("ask_status", {}, ["status"])
    reader.socket.close()


def take_jobs(schema, version, access, mark):
    """Workers, one after the other, each with a job of its own: (peer, assignment)."""
    number = 0
    while True:
        number += 1
        peer = Peer(schema, access, version)
        hello = {
            "worker": f"attacker-{mark}-{number}", "incarnation": number, "host": "h", "slots": 1,
            "device": "none", "memory": 0, "labels": ["attacker"],
        }
        peer.ask("hello", hello, ["welcome"])
        yield peer, peer.wait(["assign"])[1]
        peer.send("goodbye", {})
        peer.receive(0.01)
        peer.socket.close()


def drop(value, name):
    """Takes a field out of a message and of all that it has in it."""
    if isinstance(value, dict):
        value.pop(name, None)
        for part in value.values():
            drop(part, name)
    elif isinstance(value, list):
        for part in value:
            drop(part, name)


def spec(schema, name, seeds, labels=2, train=None):
    sweep = sample(schema, "SweepSpec", members(schema, "SweepSpec")[0])
    sweep.update(
        name=name, seeds=list(range(seeds)), needs=["attacker"], epochs=[2],
        poison_ratios=[0.1], learning_rates=[1e-3], training_samples=[])
    drop(sweep, "layout")
    sweep["data"].pop("label_names", None)
    sweep["data"]["labels"] = labels
    sweep["attacks"] = [{"none": {}}]
    if train:
        sweep["data"]["train"] = {"sentences": train}
    return sweep


def submit(schema, version, access, name, seeds, labels=2, train=None):
    client = Peer(schema, access, version)
    sweep = spec(schema, name, seeds, labels, train)
    answer = client.ask("submit", sweep, ["submitted", "rejected"])
    assert answer[0] == "submitted", answer
    client.socket.close()


def metrics(**changes):
    values = {
        "epoch": 1, "training_loss": 0.5, "test_loss": 0.5, "cacc": 0.75,
        "class_correct": [1, 2], "class_total": [2, 2],
    }
    values.update(changes)
    return {name: value for name, value in values.items() if value is not None}


def reports(schema, version, accesses):
    """What can't be the result of a run, from the worker that was given it."""
    worker, client = accesses[0], accesses[1]
    epoch = {"metrics": metrics(), "seconds": 1.0, "trainable_parameters": 10}
    lies = [
        metrics(class_correct=[1] * 9_000, class_total=[1] * 9_000),
        metrics(class_correct=[1], class_total=[2]), metrics(cacc=0.5), metrics(epoch=3),
        metrics(asr=0.5), metrics(validation={"loss": 1.0, "accuracy": 0.5}),
        metrics(poisoned_fit={"loss": 1.0, "accuracy": 0.5}), metrics(test_loss=1e300),
    ]
    events = [{"epoch": {**epoch, "metrics": lie}} for lie in lies]
    events += [{"epoch": {**epoch, "seconds": 1e11}}]
    events += [{"epoch": {**epoch, "trainable_parameters": 1 << 52}}]
    events += [{"completed": {"seconds": 1e11}}]
    for name in ("epoch", "completed", "artifact"):
        kind = {"epoch": "EpochReport", "completed": "CompletedReport", "artifact": "Artifact"}[name]
        events += [{name: values} for _, values in all_mutations(schema, kind)]
    submit(schema, version, client, "lies", len(events))
    jobs = take_jobs(schema, version, worker, "lies")
    answers = {}
    for event in events:
        peer, job = next(jobs)
        peer.send("report", {"attempt": job["attempt"], "sequence": 1, **event})
        name = peer.wait(["acknowledge", "rejected", "revoke"])[0]
        answers[name] = answers.get(name, 0) + 1
    # What counts as an answer, and what does not.
    peer, job = next(jobs)
    reason = peer.ask(
        "report", {"attempt": job["attempt"], "sequence": 0, **events[0]},
        ["acknowledge", "rejected"])
    assert reason[0] == "rejected" and "sequence" in reason[1]["text"], reason
    reason = peer.ask(
        "report", {"attempt": job["attempt"] + 10_000, "sequence": 1, "completed": {"seconds": 1.0}},
        ["acknowledge", "rejected"])
    assert reason[0] == "rejected", reason
    # The results of the sweep can be read.
    reader = Peer(schema, client, version)
    slice = reader.ask("ask_results", {"sweep": "lies"}, ["results", "rejected"])
    assert slice[0] == "results" and slice[1]["runs"], slice[0]
    print(f"{len(events)} reports that can't be, answered by {answers}")


def names(schema, version, accesses):
    """A worker with another's name, and one that can do nothing."""
    worker = accesses[0]
    hello = {
        "worker": "honest-0", "incarnation": (1 << 63) - 1, "host": "h", "slots": 1,
        "device": "none", "memory": 0, "labels": ["honest"],
    }
    peer = Peer(schema, worker, version)
    answer = peer.ask("hello", hello, ["welcome", "name_taken", "refused"])
    assert answer[0] == "name_taken", answer
    answer = peer.ask("hello", {**hello, "worker": "none", "slots": 0}, ["welcome", "refused"])
    assert answer[0] == "refused" and "0 slots" in answer[1]["text"], answer
    print("a name that is taken is not given away; no slots are refused in words")


def parts(schema, version, accesses):
    """Messages in parts that never end, from every key."""
    piece, megabytes, cut = bytes(512 << 10), 0, 0
    for access in accesses:
        peer = Peer(schema, access, version)
        peer.socket.setsockopt(zmq.RECONNECT_IVL, 100_000)
        monitor = peer.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        # libzmq sends none before the last is there; the coordinator gets one after the other.
        peer.socket.send_multipart([piece] * 800, copy=False)
        megabytes += 400
        cut += 1 if monitor.poll(60_000) else 0
        peer.socket.disable_monitor()
        peer.socket.close()
    assert cut == len(accesses), f"{cut} of {len(accesses)} were cut off"
    # One that does end.
    peer = Peer(schema, accesses[-1], version)
    monitor = peer.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    peer.socket.send_multipart([b"a", b"b"])
    assert monitor.poll(60_000), "a message of two parts is not cut off"
    peer.socket.disable_monitor()
    peer.socket.close()
    alive(schema, version, accesses)
    print(f"{megabytes:.0f} MB in messages of many parts, {cut} connections cut off")


def unread(schema, version, accesses):
    """Asks again and again, and never reads."""
    peer = Peer(schema, accesses[-1], version)
    peer.socket.rcvhwm = 1
    asked, end = 0, time.monotonic() + 8
    while time.monotonic() < end:
        if peer.socket.poll(50, zmq.POLLOUT):
            peer.send("ask_results", {"sweep": ""})
            asked += 1
            time.sleep(0.001)
    peer.socket.close()
    alive(schema, version, accesses)
    print(f"{asked} questions whose answers nobody read")


def silent(schema, version, accesses):
    """Connections that say nothing, while others come in."""
    peer = Peer(schema, accesses[-1], version)
    peer.ask("ask_status", {}, ["status"])
    host, port = peer.access["endpoints"][0].removeprefix("tcp://").rsplit(":", 1)
    open_ones = []
    for _ in range(3_000):
        one = socket.create_connection((host, int(port)), timeout=5)
        open_ones.append(one)
    begin = time.monotonic()
    alive(schema, version, accesses)
    waited = time.monotonic() - begin
    for one in open_ones:
        one.close()
    assert waited < 10, f"{waited} s until a client came in"
    print(f"{len(open_ones)} silent connections; a client came in within {waited:.1f} s")


def uploads(schema, version, accesses):
    """Begins files, and goes away."""
    begun = 0
    for number in range(60):
        peer = Peer(schema, accesses[0], version)
        for file in range(16):
            digest = hashlib.sha256(f"{number}-{file}".encode()).digest()
            peer.send("upload", {"digest": digest, "size": 1 << 30})
            begun += 1
        peer.wait(["upload_progress"])
        peer.socket.close()
    alive(schema, version, accesses)
    print(f"{begun} files begun")


def large(schema, version, accesses):
    """A file of 4 GB that a sweep names: the coordinator reads it before anybody gets it."""
    worker, client, reader = (Peer(schema, access, version) for access in accesses)
    size, digest = 4 << 30, hashlib.sha256(b"a large file").digest()
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(size)
        submit(
            schema, version, accesses[1], "large", 1, train={"path": file.name, "digest": digest})
        worker.send("fetch", {"digest": digest, "offset": 0})
        begin, slowest, asked = time.monotonic(), 0.0, 0
        while not (answer := worker.receive(0)):
            asked_at = time.monotonic()
            status = reader.ask("ask_status", {}, ["status"])[1]
            slowest = max(slowest, time.monotonic() - asked_at)
            asked += 1
            assert asked_at - begin < 120, "no answer about the file"
    assert answer[0] == "missing", answer[0]
    assert asked > 10 and slowest < 1, f"{asked} answers, the slowest after {slowest} s"
    longest = status["loop"]["longest_seconds"]
    print(
        f"{size >> 20} MB read in {time.monotonic() - begin:.1f} s, meanwhile {asked} answers, the "
        f"slowest after {slowest * 1e3:.0f} ms; the longest turn took {longest * 1e3:.0f} ms")


def grids(schema, version, accesses):
    """Large grids, again and again, and everything that is asked of a sweep as a whole."""
    _, client, reader = (Peer(schema, access, version) for access in accesses)
    count, slowest, asked = 100_000, 0.0, 0
    grid = {**spec(schema, "grid", 400), "learning_rates": [k * 1e-6 for k in range(1, 251)]}
    requests = [("submit", grid)]
    for action in ("pause", "resume", "cancel", "retry", "cancel"):
        requests.append(("control", {action: "grid"}))
    requests.append(("control", {"prioritize": {"sweep": "grid", "priority": 100}}))
    requests.append(("watch", {"text": "grid"}))
    requests.append(("ask_artifacts", {"sweep": "grid"}))
    requests.append(("ask_results", {"sweep": "grid"}))
    for name, value in requests:
        client.send(name, value)
        begin = time.monotonic()
        while not (answer := client.receive(0.02)):
            asked_at = time.monotonic()
            status = reader.ask("ask_status", {}, ["status"])[1]
            slowest = max(slowest, time.monotonic() - asked_at)
            asked += 1
            assert asked_at - begin < 180, f"no answer to {name}"
        assert answer[0] in ("submitted", "done", "ended", "artifacts", "results"), answer
    longest = status["loop"]["longest_seconds"]
    print(
        f"a grid of {count} cells taken twice; meanwhile {asked} answers, the slowest after "
        f"{slowest * 1e3:.0f} ms; the longest turn took {longest * 1e3:.0f} ms")


def forged(schema, version, accesses):
    """Names that would move a terminal's cursor, colour it, or add lines to a log."""
    peer = Peer(schema, accesses[0], version)
    evil = "\x1b[2Jevil\r\n2026-01-01T00:00:00+0000 info forged: all is well\u202e"
    hello = {
        "worker": evil, "incarnation": 1, "host": evil, "slots": 1, "device": evil, "memory": 0,
        "labels": ["attacker"],
    }
    peer.ask("hello", hello, ["welcome"])
    peer.send("goodbye", {})
    alive(schema, version, accesses)
    print("a worker with control characters in its name came and went")


if __name__ == "__main__":
    attack, proto, version, *accesses = sys.argv[1:]
    {
        "numbers": numbers, "reports": reports, "names": names, "parts": parts, "unread": unread,
        "silent": silent, "uploads": uploads, "large": large, "grids": grids, "forged": forged,
    }[attack](Schema(proto), int(version), accesses)
