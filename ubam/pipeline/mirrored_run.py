"""A run folder behind a URL: its copy on this machine is brought up to date before a stage, and kept after it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ubam.core.storage import Mirror, StorageError
from ubam.pipeline.job import Job

BROUGHT_WHEN_READ = ("crops/", "embeddings/")  # by whoever reads a recording
KEPT_BY_WORKERS = ("crops", "embeddings", "magnified", "evidence", "preview")
FILE_BY_FILE = ("figures",)  # of which workers write some


def copy_of(url: str) -> Path:
    """The copy on this machine of the run folder at a URL, with all in it but what is brought when it is read."""
    mirror = Mirror(url.rstrip("/"))
    folder = mirror.begin()
    bring(mirror)
    return folder


def bring(mirror: Mirror) -> None:
    """Bring the copy up to date."""
    now = Mirror(mirror.url)  # asks anew what there is
    now.pull(*(now.folder / name for name in sorted(now.known) if not name.startswith(BROUGHT_WHEN_READ)))


def keep(mirror: Mirror) -> None:
    """Bring what this process wrote to the storage; the record of the run last."""
    names = sorted(path.name for path in mirror.folder.iterdir() if not path.name.startswith("."))
    single = [path for name in FILE_BY_FILE for path in sorted((mirror.folder / name).glob("*"))]
    others = [mirror.folder / name for name in names if name not in (*KEPT_BY_WORKERS, *FILE_BY_FILE, "run.json")]
    mirror.push(*single, *others, mirror.folder / "run.json")


@contextmanager
def kept_in_step(job: Job) -> Iterator[None]:
    """Do a stage on a copy that is up to date, and keep what it wrote, also where it fails."""
    if job.mirror is None:
        yield
        return
    bring(job.mirror)
    try:
        yield
    except BaseException:
        with suppress(StorageError):
            keep(job.mirror)
        raise
    keep(job.mirror)
