"""Deviation from a reference group, from embeddings alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ubam.core.errors import ModelError
from ubam.deviation import reference_model
from ubam.deviation.normal_variation import summarise
from ubam.deviation.posture_series import PostureSeries
from ubam.encoding.embedding import stride_of
from ubam.results.embeddings import Embeddings


@dataclass(frozen=True)
class RecordingScore:
    """How far one recording deviates from the reference; 0 is the reference's middle, larger is less like it.

    time_s, deviation float64 [M]: the moments, a window's length each, in seconds of the video's own clock. overall: of
    the whole recording. static: of its mean posture. dynamic: of what varies around that.
    """

    recording_id: str
    time_s: np.ndarray
    deviation: np.ndarray
    overall: float
    static: float
    dynamic: float


class Deviation:
    """Deviation from a reference: `fit` on recordings of the reference, `score` any recording, theirs included.

    A reference subject is scored against the others, a query against references that each lack one subject. After `fit`
    or `load`, `subjects_` lists the subjects of the reference.
    """

    def __init__(self) -> None:
        self.subjects_: list[str] = []
        self._fitted: reference_model.ReferenceModel | None = None

    def fit(self, reference: Sequence[Embeddings], everyone: Sequence[Embeddings] | None = None) -> "Deviation":
        """Learn what is normal from recordings of the reference.

        everyone: the recordings that say which directions of posture space are movement; None: the reference. All come
        from one model. ModelError when the reference is empty.
        """
        if not reference:
            raise ModelError("The reference is empty; give the embeddings of at least one recording.")
        codes = [series_of(one) for one in everyone] if everyone is not None else None
        return self._keep(reference_model.ReferenceModel().fit([series_of(one) for one in reference], codes))

    def score(self, one: Embeddings) -> RecordingScore:
        """How far a recording deviates, at every moment and as a whole; ModelError before `fit`."""
        found = self._reference().score(series_of(one))
        return RecordingScore(
            one.recording_id, one.time_s[found.frame], found.moment.mean(0), float(summarise(found.moment).mean()),
            float(found.static.mean()), float(found.dynamic.mean()),
        )  # fmt: skip

    def save(self, folder: Path | str) -> None:
        """Freeze the reference in `folder`: what is scored by it later gets the numbers of today."""
        self._reference().save(Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> "Deviation":
        """The reference that `save` froze, or that a run keeps in model/reference; ModelError when it is damaged."""
        return cls()._keep(reference_model.ReferenceModel.load(Path(folder)))

    def _keep(self, fitted: reference_model.ReferenceModel) -> "Deviation":
        self._fitted, self.subjects_ = fitted, list(fitted.subjects)
        return self

    def _reference(self) -> reference_model.ReferenceModel:
        if self._fitted is None:
            raise ModelError("There is no reference yet; call fit first, or load one.")
        return self._fitted


def series_of(one: Embeddings) -> PostureSeries:
    """The postures of a recording as the modules of `ubam.deviation` take them."""
    stride = stride_of(one.fps)
    return PostureSeries(one.recording_id, one.subject, one.group, one.postures, stride, one.fps, one.looks)
