"""What a Dask scheduler costs for many recordings: each is a piece of work that does nothing.

    python simulate_recordings.py --recordings 1000000 --batch 100

Prints a row of CSV: CPU seconds of the scheduler (with the client that hands over the work), of the workers, the wall
time, and by how much the memory of the scheduler's process grew. Needs `pip install 'ubam[cluster]'`.
"""

import argparse
import resource
import time

import psutil
from distributed import LocalCluster

from ubam.core.parallel import each_done, executor


def nothing(first: int, count: int) -> int:
    """A batch of recordings on which nothing is done; how many they were."""
    return sum(1 for _ in range(first, first + count))


def main() -> None:
    """Hand all batches to two workers, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=1, help="recordings in one piece of work")
    asked = parser.parse_args()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        executor(1, cluster.scheduler_address) as pool,
    ):
        list(each_done(pool, nothing, range(20), 1))
        before, workers, memory, began = _cpu(), _workers_cpu(), _peak_mb(), time.monotonic()
        done = 0
        for _, count in each_done(pool, nothing, range(0, asked.recordings, asked.batch), asked.batch):
            done += count
        words = f"{_cpu() - before:.1f},{_workers_cpu() - workers:.1f},{time.monotonic() - began:.1f}"
        grown = _peak_mb() - memory
    print("recordings,batch,scheduler_cpu_s,workers_cpu_s,wall_s,memory_grown_mb")
    print(f"{done},{asked.batch},{words},{grown:.0f}")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _workers_cpu() -> float:
    times = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return sum(one.user + one.system for one in times)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
