"""Paths of this server are cut out of everything that is served."""

import json
import re
import site
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ubam.core.seals import SEAL

TEXT_SUFFIXES = (".csv", ".json", ".html", ".svg", ".txt", ".log")
# Below the data folder, identifiers say nothing to a person: what is named begins inside the run or the recording.
SEAL_LINE = f' "{SEAL}":'.encode()
OWN = r"(?:/studies/[0-9a-f]{32}(?:/(?:runs|recordings|clips)/[0-9a-f]{32}(?:/run(?![\w-]))?)?(?![\w-]))?"
# What may stand before a path in a text; in front of a piece of base64 or of an address stand other letters.
BEFORE, AFTER = r"(?<![\w+/=.%~-])", r"(?:/|(?![\w-]))"


def places(*folders: Path) -> tuple[str, ...]:
    """The spellings of folders that are to be cut, the longest first so that the most of a path goes."""
    known = {spelling for folder in folders for spelling in (str(folder.absolute()), str(folder.resolve()))}
    return tuple(sorted((spelling for spelling in known if len(Path(spelling).parts) > 1), key=len, reverse=True))


@lru_cache(maxsize=1)
def of_the_program() -> tuple[str, ...]:
    """Where the program and its packages lie, which the lines of an error name."""
    home = Path(__file__).resolve().parents[2]
    return places(home, Path(sys.prefix), *(Path(folder) for folder in site.getsitepackages()), Path.home())


@lru_cache(maxsize=256)
def _pattern(cut: tuple[str, ...]) -> re.Pattern[str]:
    spelt = [one for folder in cut for one in dict.fromkeys((folder, json.dumps(folder)[1:-1]))]
    return re.compile(f"{BEFORE}(?:file://)?(?:{'|'.join(re.escape(folder) for folder in spelt)}){OWN}{AFTER}")


def cut_text(text: str, cut: tuple[str, ...]) -> str:
    """`text` without these folders: what lies in one is named from there on, the folder itself by its last name."""
    if not cut or not any(folder in text or json.dumps(folder)[1:-1] in text for folder in cut):
        return text
    return _pattern(cut).sub(lambda hit: "" if hit[0].endswith("/") else hit[0].rpartition("/")[2], text)


def cut_bytes(data: bytes, cut: tuple[str, ...]) -> bytes:
    """The same for UTF-8; bytes that are none stay as they are."""
    return cut_text(data.decode("utf-8", "surrogateescape"), cut).encode("utf-8", "surrogateescape")


def cut_lines(path: Path, cut: tuple[str, ...]) -> Iterator[bytes]:
    """The lines of a file without these folders; other files than texts as they are, a megabyte at a time."""
    with open(path, "rb") as handle:
        if path.suffix.casefold() in TEXT_SUFFIXES:
            # What is cut here is no damage, so a record goes without its seal.
            yield from (cut_bytes(line, cut) for line in handle if not line.startswith(SEAL_LINE))
        else:
            while piece := handle.read(1024 * 1024):
                yield piece
