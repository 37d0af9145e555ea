"""HyperQueue: tasks that run /bin/true, two workers of one core each, as processes of their own.

The wheel has no program but Python bindings: this script is server and workers, too.
"""
import os
import shutil
import sys
import time

from hyperqueue import Client, Job
from hyperqueue.cluster import LocalCluster, WorkerConfig

import figures


def server(folder):
    _cluster = LocalCluster(server_dir=folder)
    time.sleep(3_600)


def worker(of, own):
    # A worker joins the server of its own process, unless it reads the other one's access file.
    cluster = LocalCluster(server_dir=own)
    for name in os.listdir(f"{of}/hq-current"):
        place = f"{own}/hq-current/{name}"
        if os.path.exists(place):
            os.remove(place)
        shutil.copy(f"{of}/hq-current/{name}", place)
    cluster.start_worker(WorkerConfig(cores=1))
    print("joined", flush=True)
    time.sleep(3_600)


class Seen(Exception):
    pass


def run(client, count):
    job = Job(max_fails=None)
    for _ in range(count):
        job.program(["true"], stdout=None, stderr=None)
    submitted = client.submit(job)
    while True:
        # The client's own wait looks once a second.
        state = {}

        def look(found):
            state.update(found)
            raise Seen

        try:
            client.connection.wait_for_jobs((submitted.id,), look)
        except Seen:
            pass
        if state[submitted.id]["completed"]:
            return
        time.sleep(0.0005)


def main():
    with figures.scratch() as folder:
        processes = [figures.start(folder, "server", sys.executable, __file__, "server", f"{folder}/s")]
        try:
            while not os.path.exists(f"{folder}/s/hq-current/access.json"):
                time.sleep(0.02)
            time.sleep(0.3)
            for number in range(2):
                name = f"worker{number}"
                processes.append(
                    figures.start(
                        folder, name, sys.executable, __file__, "worker", f"{folder}/s", f"{folder}/{name}"))
                figures.wait(folder, name, "joined", processes[-1])
            client = Client(f"{folder}/s")
            figures.measure(lambda count: run(client, count), lambda: run(client, 1))
        finally:
            for process in processes:
                process.kill()
                process.wait()


if sys.argv[1:2] == ["server"]:
    server(sys.argv[2])
elif sys.argv[1:2] == ["worker"]:
    worker(sys.argv[2], sys.argv[3])
else:
    main()
