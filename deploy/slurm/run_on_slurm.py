"""A run of ubam on a Slurm cluster: a Dask scheduler here, and workers that are jobs of Slurm, as many as are needed.

    python run_on_slurm.py --jobs 40 -- run STUDY --out RUN --preset standard

Needs `pip install 'ubam[cluster]'`, and a disk, or a storage (--out s3://...), that all nodes reach. Each job is one
process with one thread: the recordings are spread over the jobs. A job that Slurm ends, or that reaches its walltime,
costs the one recording that it was at. What follows `--` is given to `ubam`, with the address of the scheduler.
"""

import argparse
import subprocess
import sys

from dask_jobqueue import SLURMCluster


def main() -> int:
    """Begin the cluster, do the run on it, and end it; the exit code is that of ubam."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10, help="how many jobs at most")
    parser.add_argument("--memory", default="3GB", help="of each")
    parser.add_argument("--walltime", default="04:00:00", help="of each")
    parser.add_argument("--directive", action="append", default=[], help="of sbatch, such as --directive=--account=LAB")
    parser.add_argument("ubam", nargs="+", help="command and options of ubam")
    asked = parser.parse_args()
    with SLURMCluster(
        cores=1, processes=1, memory=asked.memory, walltime=asked.walltime, job_extra_directives=asked.directive,
        job_script_prologue=["export OMP_NUM_THREADS=1"], scheduler_options={"dashboard_address": None},
    ) as cluster:  # fmt: skip
        print(cluster.job_script(), flush=True)
        cluster.adapt(minimum_jobs=1, maximum_jobs=asked.jobs)
        words = [sys.executable, "-m", "ubam", *asked.ubam, "--scheduler", cluster.scheduler_address]
        return subprocess.run(words, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
