"""Dask: tasks that do nothing, two workers of one thread each, as processes of their own."""
import sys

from distributed import Client, wait as all_done

import figures

ADDRESS = "tcp://127.0.0.1:18786"
dask = sys.executable.replace("python3", "dask").replace("python", "dask")


def nothing(number):
    return number


if __name__ == "__main__":
    with figures.scratch() as folder:
        processes = [
            figures.start(
                folder, "scheduler", dask, "scheduler", "--host", "127.0.0.1", "--port", "18786",
                "--dashboard-address", "127.0.0.1:18787")
        ]
        try:
            figures.wait(folder, "scheduler", "Scheduler at", processes[0])
            for number in range(2):
                processes.append(
                    figures.start(
                        folder, f"worker{number}", dask, "worker", ADDRESS, "--nthreads", "1",
                        "--nworkers", "1", "--no-nanny", "--host", "127.0.0.1", "--no-dashboard",
                        "--local-directory", f"{folder}/{number}"))
            client = Client(ADDRESS)
            client.wait_for_workers(2)
            figures.measure(
                lambda count: all_done(client.map(nothing, range(count), pure=False)),
                lambda: client.submit(nothing, 0, pure=False).result())
        finally:
            for process in processes:
                process.kill()
                process.wait()
