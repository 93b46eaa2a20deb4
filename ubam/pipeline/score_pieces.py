"""The pieces of a study's score that do not wait for each other, side by side in the workers of this machine."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from typing import Any

from ubam.core.progress import Progress
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.scores import StudyScores, score_study
from ubam.motifs.discovery import Motifs, WindowSet, find_motifs
from ubam.recordings.study_table import Recording
from ubam.statistics.study_statistics import Ahead, Question, classify_ahead, match_ahead


@dataclass(frozen=True)
class Scored:
    """The scores of a study and of its controls, its motifs, and what its tests need beside them."""

    scores: StudyScores
    controls: dict[str, StudyScores]
    motifs: Motifs
    ahead: Ahead


def score_pieces(
    recordings: Sequence[Recording],
    codes: Sequence[PostureSeries],
    controls: Mapping[str, Sequence[PostureSeries]],
    windows: Sequence[WindowSet],
    question: Question,
    pool: Executor,
    progress: Progress | None = None,
) -> Scored:
    """Score the study and its controls, with the same recordings in the same order; the longest piece begins first.

    pool: of workers on this machine.
    progress: called with the pieces that are done, and all of them.
    """
    reference, seed = question.reference, question.seed
    study = pool.submit(score_study, codes, reference, seed=seed)
    relations = pool.submit(match_ahead, codes, question)
    classifier = pool.submit(classify_ahead, recordings, codes, question)
    others = {
        name: pool.submit(score_study, control, reference, seed=seed, intervals=False)
        for name, control in controls.items()
    }
    motifs = pool.submit(find_motifs, windows, reference, seed)
    pieces: list[Future[Any]] = [study, relations, classifier, *others.values(), motifs]
    for done, _ in enumerate(as_completed(pieces), 1):
        if progress is not None:
            progress(done, len(pieces))
    ahead = Ahead(relations.result(), classifier.result())
    return Scored(study.result(), {name: other.result() for name, other in others.items()}, motifs.result(), ahead)
