"""Studies of rendered subjects with known truth: the sample recordings and the benchmark."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ubam.core.errors import StudyError
from ubam.core.files import atomic_path, write_text
from ubam.evaluation.synthetic.recording import KINDS, Rendered, check, render_recording
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


def synthesise_study(
    out: Path,
    *,
    kind: str = "human",
    subjects: int = 12,
    recordings_per_subject: int = 1,
    seed: int = 0,
    scene: str = "walkway",
    null: bool = False,
    seconds: float = 5.0,
    impairment: str | None = None,
    confound: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Render a study into the folder `out` and return its study.csv; the same arguments give the same study.

    The groups are `healthy` (the larger half) and `impaired`, whose subjects have a static and a dynamic impairment in
    turn (or all of them `impairment`) at a severity between 0.25 and 1. null: nobody is impaired, the groups differ in
    clothes, walls and light only. confound: the probability that the wall goes with the group. progress: (recordings
    done, all). truth/<recording>.npz holds what `Rendered.truth` names, with `area` [T] (share of the picture) and
    `box` [T, 4] px. StudyError for a kind, scene or impairment that does not exist.
    """
    if subjects < 2 or recordings_per_subject < 1:
        raise StudyError(f"{subjects} subjects with {recordings_per_subject} recordings: at least 2 and 1 are needed")
    if seed < 0:
        raise StudyError(f"the seed is {seed}, expected 0 or more")
    if not 0 <= confound <= 1:
        raise StudyError(f"the confound is {confound}, expected a probability from 0 to 1")
    check(kind, scene, impairment or "", 0.0, seconds)
    rows: list[dict[str, Any]] = []
    for plan in _plan(np.random.default_rng([seed, 11]), kind, subjects, null, impairment, confound):
        for number in range(recordings_per_subject):
            session = str(number + 1) if recordings_per_subject > 1 else ""
            stem = f"{plan.name}_{session}" if session else plan.name
            write_recording(out, stem, _render(plan, kind, scene, number, seconds))
            rows.append(_row(plan, stem, session))
            if progress:
                progress(len(rows), subjects * recordings_per_subject)
    return write_table(out / "study.csv", rows)


def render_again(
    subject: str,
    number: int,
    factor: float,
    *,
    kind: str,
    subjects: int,
    seed: int,
    scene: str,
    seconds: float,
    null: bool = False,
    impairment: str | None = None,
    confound: float = 0.0,
) -> Rendered:
    """Recording `number` (from 0) of one subject of the study that the same arguments give, at another factor.

    Its truth tells where every keypoint is then; nothing is drawn before `frames()`. StudyError for a subject that the
    study does not have.
    """
    plans = _plan(np.random.default_rng([seed, 11]), kind, subjects, null, impairment, confound)
    found = next((plan for plan in plans if plan.name == subject), None)
    if found is None:
        raise StudyError(f"no subject {subject!r}; this study has {plans[0].name} to {plans[-1].name}")
    return _render(found, kind, scene, number, seconds, factor)


def _render(plan: _Plan, kind: str, scene: str, number: int, seconds: float, factor: float = 1.0) -> Rendered:
    return render_recording(
        plan.seed,
        kind=kind,
        scene=scene,
        recording=number,
        seconds=seconds,
        factor=factor,
        impairment=plan.impairment,
        severity=plan.severity,
        palette=plan.palette,
        wall_seed=plan.wall_seed,
    )


def _plan(
    rng: np.random.Generator, kind: str, subjects: int, null: bool, impairment: str | None, confound: float
) -> list[_Plan]:
    affected = subjects - subjects // 2 - 1 if subjects > 3 else subjects // 2
    groups = np.array([GROUPS[0]] * (subjects - affected) + [GROUPS[1]] * affected)
    severities = 0.25 + 0.75 * (rng.permutation(affected) + rng.uniform(size=affected)) / max(affected, 1)
    names = [impairment] if impairment else list(KINDS[kind].IMPAIRMENTS)
    group_walls = dict(zip(GROUPS, rng.integers(2**31, size=2).tolist(), strict=True))
    order, cases, plans = rng.permutation(groups), iter(range(affected)), []
    for index, group in enumerate(order.tolist()):
        case = next(cases) if group == GROUPS[1] else None
        ill = case is not None and not null
        palette = {GROUPS[0]: "light", GROUPS[1]: "dark"}[group] if null else "any"
        wall = group_walls[group] if rng.uniform() < confound else None
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


def _row(plan: _Plan, stem: str, session: str) -> dict[str, Any]:
    return {
        "video": f"{stem}.mp4",
        "subject": plan.name,
        "group": plan.group,
        "session": session,
        "impairment": plan.impairment,
        "severity": f"{plan.severity:.3f}" if plan.severity else "0",
    }


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write study.csv and return its path; sessions and days have a column where a row fills it."""
    visits = {name for name in ("session", "day") if any(str(row.get(name, "")) for row in rows)}
    columns = [name for name in COLUMNS if name not in ("session", "day") or name in visits]
    lines = [",".join(columns)] + [",".join(str(row.get(name, "")) for name in columns) for row in rows]
    write_text(path, "\n".join(lines) + "\n")
    return path
