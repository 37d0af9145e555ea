"""A worker with made-up figures, written from proto/README.md and moderato.proto alone.

usage: worker.py PROTO VERSION ACCESS NAME LOG SECONDS    an epoch takes so many seconds
LOG gets a line of JSON for each epoch that is reported. SIGTERM: hand everything back and leave.
"""

import json
import random
import signal
import sys
import time

import zmq

from files import digest, fetch, upload
from peer import Peer, Schema, exact


class Job:
    def __init__(self, assignment):
        self.attempt, self.run = assignment["attempt"], assignment["run"]
        self.spec, self.keep = assignment["spec"], assignment.get("keep", {})
        self.began, self.epochs, self.sequence, self.unacknowledged = None, 0, 0, []
        self.is_over = False

    def metrics(self, epoch):
        """Any attempt at the run makes up the same figures."""
        draw = random.Random(f"{self.run} {epoch}")
        correct = [draw.randint(0, 50) for _ in range(self.spec["data"]["labels"])]
        values = {
            "epoch": epoch, "training_loss": draw.random(), "test_loss": draw.random(),
            "cacc": sum(correct) / (50 * len(correct)), "class_correct": correct,
            "class_total": [50] * len(correct),
            "clean_fit_loss": draw.random(), "clean_fit_accuracy": draw.random(),
        }
        if "none" not in self.spec["attack"]:
            values.update(
                asr=draw.randint(0, 37) / 37, triggered_samples=37,
                plain_error_rate=draw.random(),
                poisoned_fit_loss=draw.random(), poisoned_fit_accuracy=draw.random())
        return values


class Worker:
    def __init__(self, schema, version, access, name, log, seconds):
        Peer.options = {zmq.IMMEDIATE: 1, zmq.HEARTBEAT_IVL: 2_000, zmq.HEARTBEAT_TIMEOUT: 6_000}
        self.peer, self.log, self.seconds = Peer(schema, access, version), open(log, "a"), seconds
        self.hello = {
            "worker": name, "incarnation": time.time_ns() // 1_000_000, "host": "python",
            "slots": 2, "device": "none", "memory": 0, "trainer": "fake", "keeps_states": False}
        self.jobs, self.fetched, self.is_uploading = {}, set(), False
        self.heartbeat, self.greeted, self.beaten, self.resent = None, 0, 0, 0
        self.connected, self.leaves, self.is_asked = time.monotonic(), None, False
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "is_asked", True))
        # A parent may have blocked it.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def work(self):
        while True:
            self.tick()
            if self.is_asked and not self.leaves:
                self.leave()
            if message := self.peer.receive(0.02):
                self.handle(message)
            self.train_all()
            if self.leaves and (not self.jobs or time.monotonic() > self.leaves):
                self.peer.try_send("goodbye", {})
                self.peer.socket.close(linger=500)
                return print("left with", len(self.jobs), "attempts", flush=True)

    def tick(self):
        now = time.monotonic()
        if self.peer.socket.poll(0, zmq.POLLOUT):
            self.connected = now
        elif now - self.connected > 5:
            self.connected, self.heartbeat = now, None
            self.peer.reconnect()
        if self.heartbeat is None:
            if now - self.greeted > 2:
                self.greet()
        elif now - self.beaten > self.heartbeat:
            self.beaten = now
            self.peer.try_send("heartbeat", {"attempts": [
                {"attempt": job.attempt, "steps_done": job.epochs * 10}
                for job in self.jobs.values()]})
        if self.heartbeat is not None and now - self.resent > 3:
            self.resend()

    def greet(self):
        self.greeted, self.heartbeat = time.monotonic(), None
        self.peer.try_send("hello", {**self.hello, "attempts": list(self.jobs)})

    def resend(self):
        self.resent = time.monotonic()
        reports = [report for job in self.jobs.values() for report in job.unacknowledged]
        for report in reports:
            self.peer.try_send("report", report)
        if reports:
            print("sent again:", len(reports), "reports", flush=True)

    def handle(self, message):
        name, value = message
        if name == "welcome":
            self.heartbeat = value["heartbeat_milliseconds"] / 1e3
            print("welcome", flush=True)
            self.resend()
        elif name == "identify" and time.monotonic() - self.greeted > 2:
            self.greet()
        elif name == "assign":
            self.jobs.setdefault(value["attempt"], Job(value))
            if self.leaves:
                self.report(self.jobs[value["attempt"]], {"handed_back": {}})
        elif name == "acknowledge" and (job := self.jobs.get(value["attempt"])):
            job.unacknowledged = [
                report for report in job.unacknowledged if report["sequence"] > value["up_to"]]
            if job.is_over and not job.unacknowledged:
                del self.jobs[job.attempt]
        elif name == "revoke" and (job := self.jobs.get(value["attempt"])):
            self.report(job, {"handed_back": {}})
        elif name == "leave":
            self.leave()
        elif name in ("refused", "name_taken"):
            sys.exit(f"{name}: {value['text']}")
        elif name == "rejected":
            print("rejected:", value["text"], flush=True)

    def report(self, job, event):
        if job.is_over:
            return
        job.is_over = "epoch" not in event and "artifact" not in event
        job.sequence += 1
        report = {"attempt": job.attempt, "sequence": job.sequence, **event}
        job.unacknowledged.append(report)
        self.peer.try_send("report", report)

    def train_all(self):
        self.tick()
        for job in [job for job in self.jobs.values() if not job.is_over][:2]:
            self.train(job)

    def train(self, job):
        job.began = job.began or time.monotonic()
        data = job.spec["data"]["train"]["sentences"]["digest"]
        if data not in self.fetched:
            if fetch(self.peer, data, self.handle, self.tick) is None:
                return self.report(job, {"failed": {"text": "the training file cannot be had"}})
            self.fetched.add(data)
        seconds = time.monotonic() - job.began
        if job.is_over or seconds < self.seconds * (job.epochs + 1):
            return
        metrics = job.metrics(job.epochs + 1)
        is_last = job.epochs + 1 == job.spec["epochs"]
        if is_last and job.keep.get("model"):
            if self.is_uploading:
                return
            self.is_uploading = True
            content = f"the model of run {job.run}\n".encode() * 20_000
            # The other slot goes on training meanwhile.
            upload(self.peer, content, self.handle, self.train_all)
            self.is_uploading = False
            self.report(job, {"artifact": {
                "kind": "checkpoint", "epoch": job.epochs + 1, "size": len(content),
                "file": {"path": "memory", "digest": digest(content)}}})
        if job.is_over:
            return
        job.epochs += 1
        self.log.write(json.dumps({"run": job.run, "metrics": exact(metrics)}) + "\n")
        self.log.flush()
        self.report(job, {"epoch": {
            "metrics": metrics, "seconds": seconds, "trainable_parameters": 7}})
        if is_last:
            self.report(job, {"completed": {"seconds": seconds}})

    def leave(self):
        self.leaves = time.monotonic() + 10
        for job in list(self.jobs.values()):
            self.report(job, {"handed_back": {}})


if __name__ == "__main__":
    proto, version, access, name, log, seconds = sys.argv[1:]
    Worker(Schema(proto), int(version), access, name, log, float(seconds)).work()
