"""Studies of rendered subjects with known truth: the sample recordings and the benchmark."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ubam.core.errors import StudyError
from ubam.core.files import atomic_path, write_text
from ubam.core.typing import Progress
from ubam.evaluation.synthetic.recording import KINDS, RecordingSpec, Rendered, check, render_recording
from ubam.recordings.video_writer import write_clip

GROUPS = ("healthy", "impaired")
COLUMNS = ("video", "subject", "group", "session", "day", "impairment", "severity")


@dataclass(frozen=True)
class _Plan:
    """What one subject of a study is and has."""

    name: str
    seed: int
    group: str
    impairment: str
    severity: float
    palette: str
    wall_seed: int | None


@dataclass(frozen=True)
class StudySpec:
    """What a rendered study is made of; the same values give the same study.

    null: nobody is impaired, the groups differ in clothes, walls and light only. impairment: the one that all impaired
    subjects have; None: a static and a dynamic one in turn. confound: the probability that the wall goes
    with the group.
    """

    kind: str = "human"
    subjects: int = 12
    recordings_per_subject: int = 1
    seed: int = 0
    scene: str = "walkway"
    null: bool = False
    seconds: float = 5.0
    impairment: str | None = None
    confound: float = 0.0


def synthesise_study(out: Path, spec: StudySpec | None = None, progress: Progress | None = None) -> Path:
    """Render a study into the folder `out` and return its study.csv.

    The groups are `healthy` (the larger half) and `impaired`, whose subjects have a severity between 0.25 and 1.
    progress: (recordings done, all). truth/<recording>.npz holds what `Rendered.truth` names, with `area` [T] (share
    of the picture) and `box` [T, 4] px. StudyError for a kind, scene or impairment that does not exist.
    """
    spec = spec or StudySpec()
    _check_spec(spec)
    rows = list[dict[str, str]]()
    for plan in _plan(spec):
        for number in range(spec.recordings_per_subject):
            session = str(number + 1) if spec.recordings_per_subject > 1 else ""
            stem = f"{plan.name}_{session}" if session else plan.name
            write_recording(out, stem, _render(plan, spec, number))
            rows.append(_row(plan, stem, session))
            if progress:
                progress(len(rows), spec.subjects * spec.recordings_per_subject)
    return write_table(out / "study.csv", rows)


def _check_spec(spec: StudySpec) -> None:
    if spec.subjects < 2 or spec.recordings_per_subject < 1:
        raise StudyError(
            f"{spec.subjects} subjects with {spec.recordings_per_subject} recordings: at least 2 and 1 are needed"
        )
    if spec.seed < 0:
        raise StudyError(f"the seed is {spec.seed}, expected 0 or more")
    if not 0 <= spec.confound <= 1:
        raise StudyError(f"the confound is {spec.confound}, expected a probability from 0 to 1")
    check(spec.kind, spec.scene, spec.impairment or "", 0.0, spec.seconds)


def render_again(subject: str, number: int, factor: float, spec: StudySpec) -> Rendered:
    """Recording `number` (from 0) of one subject of the study `spec`, at another factor.

    Its truth holds the keypoints at that factor; nothing is drawn before `frames()`. StudyError for a subject that the
    study does not have.
    """
    plans = _plan(spec)
    found = next((plan for plan in plans if plan.name == subject), None)
    if found is None:
        raise StudyError(f"no subject {subject!r}; this study has {plans[0].name} to {plans[-1].name}")
    return _render(found, spec, number, factor)


def _render(plan: _Plan, spec: StudySpec, number: int, factor: float = 1.0) -> Rendered:
    how = RecordingSpec(
        kind=spec.kind, scene=spec.scene, recording=number, seconds=spec.seconds, factor=factor,
        impairment=plan.impairment, severity=plan.severity, palette=plan.palette, wall_seed=plan.wall_seed,
    )  # fmt: skip
    return render_recording(plan.seed, how)


def _plan(spec: StudySpec) -> list[_Plan]:
    rng, kind, subjects = np.random.default_rng([spec.seed, 11]), spec.kind, spec.subjects
    affected = subjects - subjects // 2 - 1 if subjects > 3 else subjects // 2
    groups = np.array([GROUPS[0]] * (subjects - affected) + [GROUPS[1]] * affected)
    severities = 0.25 + 0.75 * (rng.permutation(affected) + rng.uniform(size=affected)) / max(affected, 1)
    names = [spec.impairment] if spec.impairment else list(KINDS[kind].IMPAIRMENTS)
    group_walls = dict(zip(GROUPS, rng.integers(2**31, size=2).tolist(), strict=True))
    order, cases, plans = rng.permutation(groups), iter(range(affected)), []
    for index, group in enumerate(order.tolist()):
        case = next(cases) if group == GROUPS[1] else None
        ill = case is not None and not spec.null
        palette = {GROUPS[0]: "light", GROUPS[1]: "dark"}[group] if spec.null else "any"
        wall = group_walls[group] if rng.uniform() < spec.confound else None
        plans.append(
            _Plan(
                f"{kind}{index + 1:02d}",
                int(rng.integers(2**31)),
                group,
                names[(case or 0) % len(names)] if ill else "",
                float(severities[case]) if case is not None and ill else 0.0,
                palette,
                wall,
            )
        )
    return plans


def write_recording(out: Path, stem: str, rendered: Rendered) -> None:
    """Write out/<stem>.mp4 and out/truth/<stem>.npz."""
    areas: list[float] = []
    boxes: list[tuple[float, float, float, float]] = []

    def frames() -> Iterator[np.ndarray]:
        for picture, alpha in rendered.frames_and_masks():
            areas.append(float((alpha > 0.5).mean()))
            rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
            boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else (0.0, 0.0, 0.0, 0.0))
            yield picture

    write_clip(out / f"{stem}.mp4", frames(), rendered.fps)
    truth = rendered.truth | {"area": np.array(areas, np.float32), "box": np.array(boxes, np.float32)}
    with atomic_path(out / "truth" / f"{stem}.npz") as temporary, open(temporary, "wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **truth)


def _row(plan: _Plan, stem: str, session: str) -> dict[str, str]:
    return {
        "video": f"{stem}.mp4",
        "subject": plan.name,
        "group": plan.group,
        "session": session,
        "impairment": plan.impairment,
        "severity": f"{plan.severity:.3f}" if plan.severity else "0",
    }


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write study.csv and return its path; sessions and days have a column where a row fills it."""
    visits = {name for name in ("session", "day") if any(str(row.get(name, "")) for row in rows)}
    columns = [name for name in COLUMNS if name not in ("session", "day") or name in visits]
    lines = [",".join(columns)] + [",".join(str(row.get(name, "")) for name in columns) for row in rows]
    write_text(path, "\n".join(lines) + "\n")
    return path
