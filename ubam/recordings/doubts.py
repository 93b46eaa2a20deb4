"""What in a study's table is probably not meant: names that differ in spelling only, one film under two names."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ubam.core.issue_codes import LEFT_OUT, SAME_FILM, SPELLED_ALIKE
from ubam.recordings.cells import spelled_alike
from ubam.recordings.study_table import Study

END_BYTES = 1 << 20  # of the beginning and the end of a file that are compared


def doubts(study: Study) -> list[tuple[str, str]]:
    """Code (core/issue_codes.py) and sentence of what a person should look at before a run."""
    found = [(LEFT_OUT, note) for note in study.notes]
    found += [(SPELLED_ALIKE, words) for words in spelling_doubts("groups", study.groups)]
    found += [(SPELLED_ALIKE, words) for words in spelling_doubts("subjects", study.subjects)]
    films = [(recording.video, f"{recording.video.name} (row {recording.row})") for recording in study.recordings]
    return found + [(SAME_FILM, words) for words in film_doubts(films)]


def spelling_doubts(what: str, names: Iterable[str]) -> list[str]:
    """A sentence for every set of names that differ in capitals, spaces, hyphens or leading zeros only."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        alike[spelled_alike(name)].append(name)
    return [
        f"The {what} {' and '.join(repr(name) for name in same)} differ in spelling only and are counted as "
        f"{len(same)}; write them alike if they are one."
        for same in alike.values()
        if len(same) > 1
    ]


def film_doubts(films: Iterable[tuple[Path, str]]) -> list[str]:
    """A sentence for every film that is there as several files, given files and what to call them."""
    sizes: dict[int, dict[Path, str]] = defaultdict(dict)
    for path, name in films:
        if path.is_file():
            sizes[path.stat().st_size].setdefault(path.resolve(), name)
    said = []
    for named in sizes.values():
        same: dict[bytes, list[str]] = defaultdict(list)
        for path, name in named.items() if len(named) > 1 else ():
            same[_ends(path)].append(name)
        said += [
            f"{' and '.join(names)} hold the same film; remove all but one, else n is too large."
            for names in same.values()
            if len(names) > 1
        ]
    return said


def _ends(path: Path) -> bytes:
    """A hash of the beginning and the end of a file."""
    with open(path, "rb") as handle:
        head = handle.read(END_BYTES)
        handle.seek(max(0, path.stat().st_size - END_BYTES))
        return hashlib.sha256(head + handle.read()).digest()
