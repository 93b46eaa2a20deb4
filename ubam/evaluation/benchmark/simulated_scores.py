"""Everything that `ubam score` computes, of simulated embeddings (synthetic/embeddings.py)."""

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.scores import StudyScores
from ubam.pipeline.score_pieces import score_pieces
from ubam.recordings.study_table import Recording
from ubam.results.controls import CONTROLS
from ubam.results.records.scores import WindowRow
from ubam.statistics.study_statistics import Inference, Question, study_statistics

REFERENCE, QUERY = "reference", "query"


def score_simulated(codes: Sequence[PostureSeries], pool: Executor, seed: int) -> Inference:
    """Scores with intervals, controls and every test of a study; the controls have the same embeddings."""
    rows = [Recording(c.recording_id, k, Path(c.recording_id), c.subject, c.group) for k, c in enumerate(codes, 2)]
    question, controls = Question(REFERENCE, seed), {one.name: codes for one in CONTROLS}
    found = score_pieces(rows, codes, controls, [], question, pool)
    usage = {(code.subject, code.group): np.full(4, 0.25) for code in codes}
    windows = _windows(codes, found.scores)
    return study_statistics(rows, codes, found.scores, found.controls, windows, usage, question, found.ahead)


def _windows(codes: Sequence[PostureSeries], scores: StudyScores) -> list[WindowRow]:
    """Rows of windows, one for each moment."""
    return [
        WindowRow(code.recording_id, code.subject, code.group, frame / code.fps, frame / code.fps + 0.3, value)
        for code in codes
        for frame, value in zip(
            scores.recordings[code.recording_id].frame, scores.recordings[code.recording_id].moment.mean(0), strict=True
        )
    ]  # fmt: skip
