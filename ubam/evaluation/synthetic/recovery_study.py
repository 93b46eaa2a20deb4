"""A rendered recovery study: the same subjects on several days, some get well, some do not, the truth in the table."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ubam.core.errors import StudyError
from ubam.core.typing import Progress
from ubam.evaluation.synthetic.recording import KINDS, SCENES, RecordingSpec, check, render_recording
from ubam.evaluation.synthetic.study import GROUPS, write_recording, write_table

DAYS = (0, 3, 7, 14, 28)
RECOVERY_GROUPS = (GROUPS[0], "recovering", "lasting")
AT_ONSET = (0.6, 1.0)  # severity on day 0
DAYS_TO_A_THIRD = (5.0, 9.0)  # time constant of getting well: 1/e of the severity is left
FROM_DAY_TO_DAY = 0.04  # severity, standard deviation


def synthesise_recovery(
    out: Path,
    *,
    kind: str = "human",
    subjects: int = 14,
    seconds: float = 4.0,
    seed: int = 0,
    scene: str = SCENES[0],
    progress: Progress | None = None,
) -> Path:
    """Render every subject on days 0, 3, 7, 14 and 28 into `out` and return its study.csv; one seed, one study.

    Groups: `healthy`; `recovering`, impaired on day 0 and well after weeks; `lasting`, impaired throughout. All have
    the kind's static impairment (a lean, a hunch). The column `severity`, 0 to 1, is the truth, which no analysis
    reads. StudyError for fewer than 6 subjects and for a kind or scene that does not exist.
    """
    if subjects < 6:
        raise StudyError(f"a recovery study of {subjects} subjects: at least 6 are needed, 2 in each group")
    if seed < 0:
        raise StudyError(f"the seed is {seed}, expected 0 or more")
    check(kind, scene, "", 0.0, seconds)
    rng = np.random.default_rng([seed, 13])
    impairment = next(name for name, how in KINDS[kind].IMPAIRMENTS.items() if how == "static")
    rows: list[dict[str, Any]] = []
    for number, group in enumerate(rng.permutation(_groups(subjects)).tolist(), 1):
        name, subject_seed = f"{kind}{number:02d}", int(rng.integers(2**31))
        for visit, (day, severity) in enumerate(zip(DAYS, _course(rng, group), strict=True)):
            stem = f"{name}_day{day:02d}"
            how = RecordingSpec(kind=kind, scene=scene, recording=visit, seconds=seconds, severity=severity)
            rendered = render_recording(subject_seed, replace(how, impairment=impairment if severity else ""))
            write_recording(out, stem, rendered)
            rows.append({
                "video": f"{stem}.mp4", "subject": name, "group": group, "day": day,
                "impairment": impairment if severity else "", "severity": f"{severity:.3f}" if severity else "0",
            })  # fmt: skip
            if progress:
                progress(len(rows), subjects * len(DAYS))
    return write_table(out / "study.csv", rows)


def _groups(subjects: int) -> list[str]:
    """The group of each subject: as many that get well as that do not, the healthy the larger part."""
    each = 2 * subjects // 7
    return [RECOVERY_GROUPS[0]] * (subjects - 2 * each) + [g for g in RECOVERY_GROUPS[1:] for _ in range(each)]


def _course(rng: np.random.Generator, group: str) -> list[float]:
    """The severity of one subject on each day, 0 to 1."""
    onset, slow = rng.uniform(*AT_ONSET), rng.uniform(*DAYS_TO_A_THIRD)
    jitter = rng.normal(0, FROM_DAY_TO_DAY, len(DAYS))
    if group == RECOVERY_GROUPS[0]:
        return [0.0] * len(DAYS)
    days = np.array(DAYS, dtype=float)
    course = onset * (np.exp(-days / slow) if group == RECOVERY_GROUPS[1] else np.ones(len(days)))
    return [round(float(value), 3) for value in np.clip(course + jitter * course.clip(0.2), 0.0, 1.0)]
