"""Ray: tasks that do nothing, a head without cores and two nodes of one core each."""
import os
import sys
import time

os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ENABLE_UV_RUN_RUNTIME_ENV="0")
import ray

import figures

ADDRESS = "127.0.0.1:16379"
program = os.path.join(os.path.dirname(sys.executable), "ray")
COMMON = [
    "--block", "--node-ip-address=127.0.0.1", "--min-worker-port=0", "--max-worker-port=0",
    "--dashboard-agent-listen-port=0", "--disable-usage-stats",
]


@ray.remote(num_cpus=1)
def nothing(number):
    return number


with figures.scratch() as folder:
    processes = [
        figures.start(
            folder, "head", program, "start", "--head", "--port=16379", "--num-cpus=0",
            "--include-dashboard=false", f"--temp-dir={folder}/ray", "--object-store-memory=200000000", *COMMON)
    ]
    try:
        figures.wait(folder, "head", "Ray runtime started", processes[0])
        for number in range(2):
            processes.append(
                figures.start(
                    folder, f"node{number}", program, "start", f"--address={ADDRESS}", "--num-cpus=1",
                    "--object-store-memory=100000000", *COMMON))
            figures.wait(folder, f"node{number}", "Ray runtime started", processes[-1])
        ray.init(ADDRESS, log_to_driver=False, logging_level="error", _node_ip_address="127.0.0.1")
        while ray.cluster_resources().get("CPU", 0) < 2:
            time.sleep(0.05)
        figures.measure(
            lambda count: ray.get([nothing.remote(number) for number in range(count)]),
            lambda: ray.get(nothing.remote(0)))
        ray.shutdown()
    finally:
        # What they started ends with the namespace that `measure` runs this in.
        for process in processes:
            process.kill()
            process.wait()
