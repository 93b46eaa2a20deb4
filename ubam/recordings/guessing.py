"""Subject, group, session and day of films by their names and folders: one guess, for command and page.

A guess looks at all files together. It never makes one subject of all files of a group because of their names.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ubam.recordings.cells import clean_name, spelled_alike

DATE = r"\d{4}[-_.]?(?:0\d|1[0-2])[-_.]?(?:[0-2]\d|3[01])|\d{2}[-_.]\d{2}[-_.]\d{2,4}"
DAY_WORD, SESSION_WORD = r"day|tag|dag|d|week|wk|w", r"session|sess|ses|trial|run|rec|take|part|clip|test"
NAMED_DAY = re.compile(rf"[_\-. ](?:{DAY_WORD})[_\- ]?(\d+)(?=$|[_\-. ])", re.IGNORECASE)
NAMED_SESSION = re.compile(rf"[_\-. ](?:{SESSION_WORD})[_\- ]?(\d+)(?=$|[_\-. ])", re.IGNORECASE)
NAMED_DATE = re.compile(rf"[_\-. ]({DATE})(?:[T_\-. ]\d{{2}}[-_:.]?\d{{2}}(?:[-_:.]?\d{{2}})?)?(?=$|[_\-. ])")
DAY_FOLDER = re.compile(rf"(?:{DAY_WORD})[_\- ]?(\d+)", re.IGNORECASE)
SESSION_FOLDER = re.compile(rf"(?:{SESSION_WORD})[_\- ]?(\d+)|{DATE}", re.IGNORECASE)
ONLY_SESSION = re.compile(
    rf"(?:{SESSION_WORD}|{DAY_WORD}|s|t|video|cam|camera|film|movie|gait|walk)?[_\- ]?\d*|{DATE}", re.IGNORECASE
)
PLAIN_FOLDER = re.compile(r"videos?|recordings?|data|raw|mp4s?|files?|films?|movies?", re.IGNORECASE)
SAME_ANIMAL = re.compile(
    r"(?:before|after|pre|post|base ?line|vehicle|saline|drug|treat\w*|early|late|acute|chronic|recover\w*|on|off)"
    rf"(?:[_\- ]\w+|\d+)?|(?:{DAY_WORD})[_\- ]?\d+",
    re.IGNORECASE,
)
LEFTOVER = "_-. "


@dataclass(frozen=True)
class Guess:
    """What the path of a film says: subject, group, session and day; empty where it says nothing."""

    path: str
    subject: str
    group: str = ""
    session: str = ""
    day: str = ""

    def words(self) -> str:
        """How the path was read, in words."""
        parts = [f"subject '{self.subject}'"]
        parts += [f"group '{self.group}'"] if self.group else []
        parts += [f"session '{self.session}'"] if self.session else []
        parts += [f"day {self.day}"] if self.day else []
        return f"'{self.path}' is read as {', '.join(parts)}."


def guess(paths: Sequence[str]) -> list[Guess]:
    """A guess for each path (with slashes, relative to the folder that was given), all seen together."""
    split = [_parts(path) for path in paths]
    shared = _shared_depth([folders for folders, _ in split])
    first = [_alone(path, folders[shared:], stem) for path, (folders, stem) in zip(paths, split, strict=True)]
    named = _by_folder(first, [folders for folders, _ in split])
    read = [_by_name(one) for one in named]
    kept = _never_all_one(named, read)
    return _two_groups_apart(kept)


def _parts(path: str) -> tuple[list[str], str]:
    parts = [clean_name(part) for part in path.replace("\\", "/").split("/") if part.strip()]
    *folders, name = parts or [""]
    return [folder for folder in folders if not PLAIN_FOLDER.fullmatch(folder)], PurePosixPath(name).stem or name


def _shared_depth(chains: Sequence[Sequence[str]]) -> int:
    """How many leading folders all files share, as long as each keeps one of its own: they stand above the groups."""
    depth = 0
    while all(len(_meaningful(chain[depth:])) > 1 for chain in chains) and len({chain[depth] for chain in chains}) == 1:
        if len({tuple(chain) for chain in chains}) == 1:
            return 0
        depth += 1
    return depth


def _meaningful(folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if not (DAY_FOLDER.fullmatch(folder) or SESSION_FOLDER.fullmatch(folder))]


def _alone(path: str, folders: Sequence[str], stem: str) -> Guess:
    """What the folders say of one file: the outermost is the group, dates and days are no subjects."""
    found = Guess(path, stem)
    for folder in folders[1:] if len(folders) == 1 or not _meaningful(folders[:1]) else folders:
        day = DAY_FOLDER.fullmatch(folder)
        if day:
            found = replace(found, day=str(int(day[1])))
        elif SESSION_FOLDER.fullmatch(folder):
            found = replace(found, session=folder)
    left = _meaningful(folders) or list(folders[:1])
    return replace(found, group=left[0] if left else "")


def _by_folder(found: Sequence[Guess], chains: Sequence[Sequence[str]]) -> list[Guess]:
    """Films in a folder of their own below the group are of one subject where their names tell sessions only."""
    folders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, chain in enumerate(chains):
        folders[tuple(_meaningful(chain))].append(number)
    read = list(found)
    for chain, numbers in folders.items():
        if not chain or chain[-1] == found[numbers[0]].group:
            continue
        stems = [found[number].subject for number in numbers]
        if all(ONLY_SESSION.fullmatch(stem) for stem in stems) or len(stems) == 1:
            for number, stem in zip(numbers, stems, strict=True):
                read[number] = _session_of(replace(found[number], subject=chain[-1]), stem)
    return read


def _session_of(found: Guess, stem: str) -> Guess:
    """The session or day that a file's whole name tells."""
    day = DAY_FOLDER.fullmatch(stem)
    if day and not found.day:
        return replace(found, day=str(int(day[1])))
    number = re.search(r"\d+$", stem)
    return found if found.session or not number else replace(found, session=number[0])


def _by_name(found: Guess) -> Guess:
    """Take day, date and session out of a subject's name where they stand as words of their own."""
    subject, day, session = found.subject, found.day, found.session
    if match := NAMED_DAY.search(subject):
        subject, day = _without(subject, match), day or str(int(match[1]))
    if match := NAMED_SESSION.search(subject):
        subject, session = _without(subject, match), session or match[1]
    if match := NAMED_DATE.search(subject):
        subject, session = _without(subject, match), session or match[1]
    return replace(found, subject=subject.strip(LEFTOVER) or found.subject, day=day, session=session)


def _without(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + text[match.end() :]


def _never_all_one(whole: Sequence[Guess], read: Sequence[Guess]) -> list[Guess]:
    """The names as they were read, or whole where reading them would make one subject of all files of a group."""
    kept = list(read)
    for numbers in _numbers_by(read, lambda one: one.group).values():
        merged = len({read[number].subject for number in numbers}) == 1
        if merged and len({whole[number].subject for number in numbers}) == len(numbers) > 1:
            for number in numbers:
                kept[number] = whole[number]
    return kept


def _numbers_by(found: Sequence[Guess], key: Callable[[Guess], str]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(found):
        numbers[key(one)].append(number)
    return numbers


def _two_groups_apart(found: Sequence[Guess]) -> list[Guess]:
    """Name the subjects of two groups apart that have the same name, unless the groups are times of one subject."""
    groups: dict[str, set[str]] = defaultdict(set)
    for one in found:
        groups[one.subject].add(one.group)
    apart = {
        subject for subject, names in groups.items()
        if len(names) > 1 and not any(SAME_ANIMAL.fullmatch(name) for name in names)
    }  # fmt: skip
    return [replace(one, subject=f"{one.group} {one.subject}") if one.subject in apart else one for one in found]


def describe_guess(found: Sequence[Guess]) -> list[str]:
    """What was made of the files, an example, and what to look at, a sentence each."""
    if not found:
        return []
    subjects = len({one.subject for one in found})
    groups = len({one.group for one in found if one.group})
    said = [f"{_counted(len(found), 'file')}: {_counted(subjects, 'subject')}, {_counted(groups, 'group')}."]
    telling = next((one for one in found if one.day or one.session), found[0])
    return [*said, f"For example, {telling.words()}", *_questions(found)]


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _questions(found: Sequence[Guess]) -> Iterable[str]:
    """What a person should look at: subjects whose names nearly agree, and subjects in two groups."""
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in found:
        stem = re.sub(r"[_\-. ]+[^\W\d]*\d+$", "", one.subject)
        if stem not in (one.subject, one.group) and one.subject not in alike[stem, one.group]:
            alike[stem, one.group].append(one.subject)
    if pair := next((names for names in alike.values() if len(names) > 1), None):
        yield f"Are '{pair[0]}' and '{pair[1]}' one subject? If so, give them one name in the column 'subject'."
    places: dict[str, set[str]] = defaultdict(set)
    for one in found:
        places[one.subject].add(one.group)
    both = next((subject for subject, groups in places.items() if len(groups) > 1), None)
    if both is not None:
        names = " and ".join(f"'{name}'" for name in sorted(places[both])[:2])
        yield f"'{both}' is in {names} and is compared with itself; give two names if these are two subjects."
    spelled: dict[str, str] = {}
    for one in found:
        other = spelled.setdefault(spelled_alike(one.subject), one.subject)
        if other != one.subject:
            yield f"'{other}' and '{one.subject}' differ in spelling only; write them alike if they are one subject."
            return
