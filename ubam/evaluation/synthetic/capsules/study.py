"""Studies of the second test renderer: folders as `study.py` writes them, of bodies that share nothing with it.

Nothing that learns or chooses may look at these pictures: they judge (docs/benchmark.md).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ubam.core.errors import StudyError
from ubam.core.files import atomic_path, read_arrays, write_arrays
from ubam.evaluation.synthetic.capsules.recording import (
    KINDS,
    CapsuleRecording,
    Change,
    Drawn,
    Place,
    check,
    film_recording,
)
from ubam.evaluation.synthetic.study import GROUPS, write_table
from ubam.recordings.video_writer import write_clip

LOOKS = dict(zip(GROUPS, ("light", "dark"), strict=True))  # of the groups of a null study
MILDEST = 0.25


@dataclass(frozen=True)
class Subject:
    """A subject of the study, and its impairment."""

    name: str
    seed: int
    group: str
    impairment: str
    severity: float
    palette: str


@dataclass(frozen=True)
class CapsuleStudy:
    """A study of capsule people or rats; the same values give the same study.

    The groups are `healthy` (the larger half) and `impaired`, whose subjects have a static and a dynamic impairment in
    turn at severities from 0.25 to 1. null: nobody is impaired, the groups differ in clothes or fur and in light only.
    All subjects face the same way, which goes with the seed; from above each goes its own way.

    Raises
    ------
    StudyError
        A kind, scene or view that does not exist, too few subjects, a negative seed.
    """

    kind: str = "human"
    subjects: int = 12
    recordings: int = 1
    seed: int = 0
    scene: str = "in place"
    view: str = "side"
    seconds: float = 5.0
    null: bool = False

    def __post_init__(self) -> None:
        if self.subjects < 2 or self.recordings < 1:
            raise StudyError(f"{self.subjects} subjects with {self.recordings} recordings: at least 2 and 1 are needed")
        if self.seed < 0:
            raise StudyError(f"the seed is {self.seed}, expected 0 or more")
        check(self.kind, self.place, Change(), self.seconds)

    @property
    def place(self) -> Place:
        """How everybody is filmed."""
        return Place(self.scene, self.view, bool(np.random.default_rng([self.seed, 12]).uniform() < 0.5))

    def film(self, subject: str, number: int = 0, factor: float = 1.0) -> CapsuleRecording:
        """Recording `number` (from 0) of one subject at a factor; nothing is drawn. StudyError for an unknown one."""
        for one in self.everybody():
            if one.name == subject:
                return self._film(one, number, factor)
        raise StudyError(f"no subject {subject!r} in this study")

    def write(self, out: Path, progress: Callable[[int, int], None] | None = None) -> Path:
        """Write the study into the folder `out` and return its study.csv, which is written last.

        truth/<recording>.npz holds what `CapsuleRecording.truth` names, with area [T] (share of the picture), box
        [T, 4] px and visible bool [T, K]; outlines/<recording>.npz the subject's coverage, uint8 [T, H, W] to 255.
        progress: (recordings done, all).
        """
        rows: list[dict[str, object]] = []
        for one in self.everybody():
            for number in range(self.recordings):
                session = str(number + 1) if self.recordings > 1 else ""
                stem = f"{one.name}_{session}" if session else one.name
                write_filmed(out, stem, self._film(one, number, 1.0))
                rows.append({
                    "video": f"{stem}.mp4", "subject": one.name, "group": one.group, "session": session,
                    "impairment": one.impairment, "severity": f"{one.severity:.3f}" if one.severity else "0",
                })  # fmt: skip
                if progress:
                    progress(len(rows), self.subjects * self.recordings)
        return write_table(out / "study.csv", rows)

    def _film(self, one: Subject, number: int, factor: float) -> CapsuleRecording:
        change = Change(one.impairment, one.severity, factor)
        return film_recording(
            one.seed, kind=self.kind, place=self.place, recording=number, seconds=self.seconds, change=change,
            palette=one.palette,
        )  # fmt: skip

    def everybody(self) -> list[Subject]:
        """All subjects, in the order of the table."""
        rng = np.random.default_rng([self.seed, 13])
        affected = (self.subjects - 1) // 2 if self.subjects > 3 else self.subjects // 2
        names = list(KINDS[self.kind].IMPAIRMENTS)
        levels = MILDEST + (1 - MILDEST) * (rng.permutation(affected) + rng.uniform(size=affected)) / max(affected, 1)
        chosen = rng.permutation(self.subjects)[:affected].tolist()
        everybody = []
        for index, seed in enumerate(rng.integers(2**31, size=self.subjects).tolist()):
            case = chosen.index(index) if index in chosen else None
            group = GROUPS[case is not None]
            ill = case is not None and not self.null
            impairment = names[case % len(names)] if case is not None and ill else ""
            severity = float(levels[case]) if case is not None and ill else 0.0
            palette = LOOKS[group] if self.null else "any"
            everybody.append(Subject(f"{self.kind}{index + 1:02d}", seed, group, impairment, severity, palette))
        return everybody


def write_filmed(out: Path, stem: str, filmed: CapsuleRecording) -> None:
    """Write out/<stem>.mp4, out/truth/<stem>.npz and out/outlines/<stem>.npz."""
    drawn: list[Drawn] = []

    def pictures() -> Iterator[np.ndarray]:
        for frame in filmed.frames():
            drawn.append(Drawn(frame.picture[:0], (255 * frame.alpha + 0.5).astype(np.uint8), frame.visible))
            yield frame.picture

    write_clip(out / f"{stem}.mp4", pictures(), float(filmed.truth["fps"]))
    alpha = np.stack([frame.alpha for frame in drawn])
    area = (alpha > 127).mean((1, 2)).astype(np.float32)
    box = np.array([bounds(one > 127) for one in alpha], np.float32)
    visible = np.stack([frame.visible for frame in drawn])
    with atomic_path(out / "outlines" / f"{stem}.npz") as temporary, open(temporary, "wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, alpha=alpha)
    write_arrays(out / "truth" / f"{stem}.npz", area=area, box=box, visible=visible, **filmed.truth)


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The smallest box (x0, y0, x1, y1) around the true pixels of a mask [H, W]; zeros if there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def read_outlines(study: Path, recording_id: str) -> np.ndarray:
    """The true coverage of a recording of a written study, float32 [T, H, W] in 0..1."""
    return np.asarray(read_arrays(study.parent / "outlines" / f"{recording_id}.npz")["alpha"], np.float32) / 255
