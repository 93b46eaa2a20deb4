"""Films in a folder and below it: which files are taken, which look like films and are not."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".qt", ".avi", ".divx", ".mkv", ".webm", ".mpg", ".mpeg", ".m2v", ".vob", ".mod", ".ts",
    ".m2t", ".mts", ".m2ts", ".tod", ".wmv", ".asf", ".flv", ".f4v", ".3gp", ".3g2", ".ogv", ".mxf", ".dv", ".h264",
    ".264", ".h265", ".265", ".hevc", ".mjpeg", ".mjpg", ".mj2", ".y4m", ".ivf", ".gif", ".nut", ".cine",
)  # fmt: skip
MARKS = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"OggS",
    b"FLV\x01",
    b"\x00\x00\x01\xba",  # MPEG
    b"0&\xb2u\x8ef\xcf\x11",  # Windows Media
    b"\x06\x0e+4\x02\x05\x01\x01",  # MXF
)
BRANDS_OF_OTHERS = (b"M4A", b"M4B", b"hei", b"hev", b"mif1", b"msf1", b"avif", b"avis", b"crx", b"jp2", b"jpx")


@dataclass(frozen=True)
class FilmsOfFolder:
    """The films of a folder in the order of their paths, and files that look like films and were left out."""

    films: tuple[Path, ...]
    left_out: tuple[Path, ...]


def is_film_name(name: str) -> bool:
    """Whether a file's name ends as a film's does."""
    return name.casefold().endswith(VIDEO_SUFFIXES)


def find_films(folder: Path) -> FilmsOfFolder:
    """Walk a folder to its ends, links followed, each folder once; hidden files and folders do not count."""
    films, others = [], []
    for path in _files(folder):
        if is_film_name(path.name):
            films.append(path)
        elif looks_like_film(path):
            others.append(path)
    return FilmsOfFolder(tuple(sorted(films)), tuple(sorted(others)))


def _files(folder: Path) -> Iterable[Path]:
    seen: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root) / name for name in names if not name.startswith(".") and (Path(root) / name).is_file())


def sample_folder() -> Path | None:
    """The sample recordings that come with the program; None where they were left out."""
    here = Path(__file__).resolve().parents[1]
    folder = here / "sample_videos" if (here / "sample_videos").exists() else here.parent / "sample_videos"
    return folder if (folder / "study.csv").exists() else None


def looks_like_film(path: Path) -> bool:
    """Whether a file begins as films do, whatever its name."""
    try:
        with open(path, "rb") as handle:
            head = handle.read(400)
    except OSError:
        return False
    if head[4:8] == b"ftyp":
        return not head[8:12].startswith(BRANDS_OF_OTHERS)
    if head[:4] == b"RIFF":
        return head[8:11] == b"AVI"
    return head.startswith(MARKS) or (len(head) > 376 and head[0] == head[188] == head[376] == 0x47)
