"""What the peers' scripts share: waiting, and printing figures as `name value` lines."""
import os
import subprocess
import sys
import tempfile
import time

TASKS = 10_000
ROUND_TRIPS = 50


def start(folder, name, *command):
    """A process with a log; its environment's programs come first."""
    environment = dict(os.environ, PATH=os.path.dirname(sys.executable) + ":" + os.environ["PATH"])
    with open(f"{folder}/{name}.log", "w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def wait(folder, name, word, process, seconds=90):
    """Until the word is in the process's log."""
    end = time.time() + seconds
    while time.time() < end and process.poll() is None:
        with open(f"{folder}/{name}.log") as log:
            if word in log.read():
                return
        time.sleep(0.02)
    with open(f"{folder}/{name}.log") as log:
        sys.exit(f"{name} did not start: {log.read()[-500:]}")


def scratch():
    return tempfile.TemporaryDirectory(prefix="moderato-peer-", dir="/tmp")


def measure(many, one):
    """Tasks a second of many at once after a warm-up, and the milliseconds of one on an idle cluster."""
    many(200)
    begin = time.perf_counter()
    many(TASKS)
    print("jobs_per_second", int(TASKS / (time.perf_counter() - begin)))
    times = []
    for _ in range(ROUND_TRIPS):
        begin = time.perf_counter()
        one()
        times.append((time.perf_counter() - begin) * 1e3)
        time.sleep(0.005)
    print("milliseconds", round(sorted(times)[len(times) // 2], 2))
    sys.stdout.flush()
