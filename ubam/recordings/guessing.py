"""Subject, group, session and day of films by their names and folders: one guess, for command and page.

A guess looks at all files together. It never makes one subject of all files of a group because of their names.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ubam.recordings.cells import clean_name, spelled_alike

DATE = r"\d{4}[-_.]?(?:0\d|1[0-2])[-_.]?(?:[0-2]\d|3[01])|\d{2}[-_.]\d{2}[-_.]\d{2,4}"
DAY_WORD, SESSION_WORD = r"day|tag|dag|d|week|wk|w", r"session|sess|ses|trial|run|rec|take|part|clip|test"
NAMED_DAY = re.compile(rf"[_\-. ](?:{DAY_WORD})[_\- ]?(\d+)(?=$|[_\-. ])", re.IGNORECASE)
NAMED_SESSION = re.compile(rf"[_\-. ](?:{SESSION_WORD})[_\- ]?(\d+)(?=$|[_\-. ])", re.IGNORECASE)
TIME = r"(?:[T_\-. ]\d{2}[-_:.]?\d{2}(?:[-_:.]?\d{2})?)?"
NAMED_DATE = re.compile(rf"[_\-. ]({DATE}){TIME}(?=$|[_\-. ])")
ONLY_DATE = re.compile(rf"(?:{DATE}){TIME}")  # as recording programs call their files: it names the film, nobody
DAY_FOLDER = re.compile(rf"(?:{DAY_WORD})[_\- ]?(\d+)", re.IGNORECASE)
SESSION_FOLDER = re.compile(rf"(?:{SESSION_WORD})[_\- ]?(\d+)|{DATE}", re.IGNORECASE)
ONLY_SESSION = re.compile(
    rf"(?:{SESSION_WORD}|{DAY_WORD}|s|t|video|cam|camera|film|movie|gait|walk)?[_\- ]?\d*|{DATE}|"
    r"(?:gx|gh|gopr|dsc[nf]?|mvi|img|vid|pxl|mov|dji)[_\-]?\d[\d_\-]*",  # what cameras call their files
    re.IGNORECASE,
)
PLACE_FOLDER = re.compile(
    r"(?:cage|box|arena|batch|cohort|cam|camera|room|rack|rig|set|part)s?[_\- ]?\w{0,3}", re.IGNORECASE
)
CAGE_FOLDER = re.compile(r"(?:cage|box|batch|cohort|rack|litter)s?[_\- ]?\w{0,3}", re.IGNORECASE)  # of several animals
VISIT_FOLDER = re.compile(
    r"(?:base ?line|before|after|pre|post|follow[_\- ]?up|visit|admission|discharge|screening|control|early|late)"
    r"(?:[_\- ]?\w+)?",
    re.IGNORECASE,
)
PLAIN_FOLDER = re.compile(r"videos?|recordings?|data|raw|mp4s?|files?|films?|movies?", re.IGNORECASE)
SAME_ANIMAL = re.compile(
    r"(?:before|after|pre|post|base ?line|vehicle|saline|drug|treat\w*|early|late|acute|chronic|recover\w*|on|off)"
    rf"(?:[_\- ]\w+|\d+)?|(?:{DAY_WORD})[_\- ]?\d+",
    re.IGNORECASE,
)
BIDS = re.compile(r"((?:.*?/)?)(sub-[^\W_]+)/(?:ses-([^\W_]+)/)?")  # Brain Imaging Data Structure
LABELLED = re.compile(r"DLC_.*label+ed\.\w+$|[_\-.]label+ed\.\w+$", re.IGNORECASE)  # films of tracking programs
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
    bids = [match for path in paths if (match := BIDS.match(path.replace("\\", "/")))]
    if paths and len(bids) == len(paths):
        return _by_bids(paths, bids)
    split = [_parts(path) for path in paths]
    shared = _shared_depth([folders for folders, _ in split], [stem for _, stem in split])
    first = [_alone(path, folders[shared:], stem) for path, (folders, stem) in zip(paths, split, strict=True)]
    named = _by_folder(first, [folders for folders, _ in split])
    read = [_by_name(one) if one.subject == stem else one for one, (_, stem) in zip(named, split, strict=True)]
    kept = _never_all_one(named, read)
    return _two_groups_apart(_cages_apart(kept, [folders for folders, _ in split]))


def _by_bids(paths: Sequence[str], named: Sequence[re.Match[str]]) -> list[Guess]:
    """Subject and session of each path by the folders that say so; where they differ, folders above them are groups."""
    above = [[clean_name(part) for part in match[1].split("/") if part] for match in named]
    depth = 0
    while all(len(folders) > depth for folders in above) and len({folders[depth] for folders in above}) == 1:
        depth += 1
    groups = ["".join(folders[depth : depth + 1]) for folders in above]
    found = [Guess(p, clean_name(m[2]), group, m[3] or "") for p, m, group in zip(paths, named, groups, strict=True)]
    return _two_groups_apart(found)


def _parts(path: str) -> tuple[list[str], str]:
    parts = [clean_name(part) for part in path.replace("\\", "/").split("/") if part.strip()]
    *folders, name = parts or [""]
    return [folder for folder in folders if not PLAIN_FOLDER.fullmatch(folder)], PurePosixPath(name).stem or name


def _shared_depth(chains: Sequence[Sequence[str]], stems: Sequence[str]) -> int:
    """How many leading folders all files share above their groups; each file keeps a folder of its own."""
    if (
        len({tuple(_meaningful(chain)) for chain in chains}) == 1
    ):  # one folder: of a group, or of a subject in its group
        kept = 2 if all(ONLY_SESSION.fullmatch(stem) for stem in stems) else 1
        return max(0, len(_meaningful(chains[0])) - kept)
    depth = 0
    while all(len(_meaningful(chain[depth:])) > 1 for chain in chains) and len({chain[depth] for chain in chains}) == 1:
        depth += 1
    return depth


def _meaningful(folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if not (DAY_FOLDER.fullmatch(folder) or SESSION_FOLDER.fullmatch(folder))]


def _alone(path: str, folders: Sequence[str], stem: str) -> Guess:
    """What the folders say of one file: the outermost is the group, dates and days are no subjects."""
    found = Guess(path, stem)
    for folder in folders if _meaningful(folders) else folders[1:]:
        day = DAY_FOLDER.fullmatch(folder)
        if day:
            found = replace(found, day=str(int(day[1])))
        elif SESSION_FOLDER.fullmatch(folder):
            found = replace(found, session=folder)
    left = _meaningful(folders) or list(folders[:1])
    return replace(found, group=left[0] if left else "")


def _by_folder(found: Sequence[Guess], chains: Sequence[Sequence[str]]) -> list[Guess]:
    """Films in a folder below their group are of one subject, where the group has several such folders.

    In a single one they are only where their names tell nothing but sessions; cages and the like are no subjects.
    """
    inner: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, chain in enumerate(chains):
        folders = _below(found[number].group, chain)
        if folders:
            inner[(found[number].group, *folders)].append(number)
    read = list(found)
    for chain, numbers in inner.items():
        several = sum(other[0] == chain[0] for other in inner) > 1
        names = [found[number].subject for number in numbers]
        animals = CAGE_FOLDER.fullmatch(chain[-1]) and all(re.fullmatch(r"\d{1,3}", name) for name in names)
        sessions = not animals and all(ONLY_SESSION.fullmatch(name) for name in names)
        if sessions or (several and not PLACE_FOLDER.fullmatch(chain[-1])):
            subject, visit = _subject_of(chain, list(inner))
            for number in numbers:
                one = replace(found[number], subject=subject, session=found[number].session or visit)
                read[number] = _session_of(one, found[number].subject)
    return read


def _below(group: str, chain: Sequence[str]) -> list[str]:
    """The folders below the one of the group, without days and sessions."""
    folders = _meaningful(chain)
    return folders[folders.index(group) + 1 :] if group in folders else []


def _subject_of(chain: tuple[str, ...], chains: Sequence[tuple[str, ...]]) -> tuple[str, str]:
    """The subject whose films lie in a folder, and the visit, by the folders from the group's down.

    A folder of visits has names that other subjects' folders have, too, or that tell of a time. Animals of two cages
    may have one number.
    """
    *outer, last = chain
    beside = {other[-1] for other in chains if list(other[:-1]) == outer}
    again = any(other[0] == chain[0] and other[-1] == last and list(other[:-1]) != outer for other in chains)
    if len(outer) < 2:
        return last, ""
    if PLACE_FOLDER.fullmatch(outer[-1]):
        return (f"{outer[-1]} {last}" if again else last), ""
    visits = again or any(VISIT_FOLDER.fullmatch(name) for name in beside)
    return (outer[-1], last) if visits else (last, "")


def _cages_apart(found: Sequence[Guess], chains: Sequence[Sequence[str]]) -> list[Guess]:
    """Name the subjects of two cages of a group apart that have the same name."""
    cages = [
        next((name for name in _below(one.group, chain)[-1:] if CAGE_FOLDER.fullmatch(name)), "")
        for one, chain in zip(found, chains, strict=True)
    ]
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one, cage in zip(found, cages, strict=True):
        places[one.group, one.subject].add(cage)
    return [
        replace(one, subject=f"{cage} {one.subject}") if cage and len(places[one.group, one.subject]) > 1 else one
        for one, cage in zip(found, cages, strict=True)
    ]


def _session_of(found: Guess, stem: str) -> Guess:
    """The session or day that the name of a file in its subject's folder tells."""
    day = DAY_FOLDER.fullmatch(stem)
    if day and not found.day:
        return replace(found, day=str(int(day[1])))
    number = re.search(r"\d+$", stem)
    session = number[0] if number and ONLY_SESSION.fullmatch(stem) else ""
    return found if found.session else replace(found, session=session)


def _by_name(found: Guess) -> Guess:
    """Take day, date and session out of a subject's name where they stand as words of their own."""
    subject, day, session = found.subject, found.day, found.session
    if ONLY_DATE.fullmatch(subject):
        return found
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
    yield from _doubtful_films(found)
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


def _doubtful_films(found: Sequence[Guess]) -> Iterable[str]:
    """Films that lie together and may be of several subjects, and films that may be copies of others."""
    films = Counter((one.subject, one.group) for one in found)
    for one in found:
        path = PurePosixPath(one.path.replace("\\", "/"))
        folders = [clean_name(part) for part in path.parent.parts]
        if films[one.subject, one.group] > 1 and one.subject in folders and not ONLY_SESSION.fullmatch(path.stem):
            place = PurePosixPath(*path.parent.parts[: folders.index(one.subject) + 1])
            yield f"Are all films in '{place}' of one subject? If not, give each its own name."
            break
    copy = next((one for one in found if LABELLED.search(one.path)), None)
    if copy is not None:
        yield f"'{copy.path}' looks like a copy with drawn points; remove it where it is, else n is too large."
