"""Everything that showing a deviation needs from a scored run: stores, twins, postures, and the encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ubam.core.files import file_stamp, read_csv
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.twin import Matcher, Twin, blend, matched_subjects, twin_basis
from ubam.encoding.embedding import embed_postures, stride_of
from ubam.encoding.saved_model import Networks
from ubam.magnification.gap_filling_network import GapFillingNetwork, load_gap_filling
from ubam.magnification.magnify import EmbeddedRecording, Magnification, magnify
from ubam.pipeline.job import Job, device_of
from ubam.recordings.study_table import Recording
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CropStore


class ScoredRun:
    """Reads what the stages before wrote, each thing once and only when it is asked for.

    Moments are matched by whole postures, landmarks and keypoints included; what is compared with rendered pictures are
    the network's postures alone, as a rendered picture has no keypoints.
    """

    def __init__(self, job: Job, plan: str | None = None) -> None:
        self.job = job
        self._plan = plan
        self._stores: dict[str, CropStore] = {}
        self._twins: dict[str, Twin] = {}

    @cached_property
    def _embeddings(self) -> dict[str, dict[str, np.ndarray]]:
        return {one.recording_id: self.job.embedding(one.recording_id) for one in self.job.usable()}

    @cached_property
    def codes(self) -> dict[str, PostureSeries]:
        """The postures of every usable recording."""
        recordings = self.job.usable()
        embeddings = list(self._embeddings.values())
        series = posture_series(recordings, embeddings, [self.store(one.recording_id) for one in recordings])
        return {one.recording_id: one for one in series}

    @cached_property
    def matcher(self) -> Matcher:
        """Finds twins in the reference, or among everybody when there is none."""
        reference = self.job.settings.reference
        everyone = list(self.codes.values())
        members = [code for code in everyone if reference is None or code.group == reference]
        return Matcher(members, twin_basis(everyone), matched_subjects(code.subject for code in members))

    @cached_property
    def plan(self) -> str:
        """The plan of the subjects' bodies: the given one, or the likeliest of the study."""
        stores = [self.store(recording.recording_id) for recording in self.job.usable()]
        return self._plan or self.job.run.record.get("plan") or likeliest_plan(stores)

    @cached_property
    def model(self) -> Networks:
        """The trained networks."""
        return Networks.load(self.job.files.model.path, device_of(self.job.settings.device))

    @cached_property
    def generator(self) -> GapFillingNetwork | None:
        """The trained generator, when the run found that it helps."""
        helps = self.job.run.record.get("generator", {}).get("used", False)
        return load_gap_filling(self.job.files.model.path, device_of(self.job.settings.device)) if helps else None

    def embed(self, views: np.ndarray) -> np.ndarray:
        """Views uint8 [n, V, V, 3] to postures float32 [n, D]."""
        return embed_postures(self.model.posture, views, device_of(self.job.settings.device))

    def pictured(self, recording_id: str) -> np.ndarray:
        """The network's postures [T, D] of a recording: the part of its postures that rendered pictures have, too."""
        return pictured_of(self._embeddings[recording_id], self.model.posture.dim)

    def store(self, recording_id: str) -> CropStore:
        """The crops of a recording."""
        if recording_id not in self._stores:
            self._stores[recording_id] = self.job.store(recording_id)
        return self._stores[recording_id]

    def twin(self, recording_id: str) -> Twin:
        """The twin of a recording, the learned part of its posture."""
        if recording_id not in self._twins:
            twin, stride = self.matcher.twin(self.codes[recording_id]), self.codes[recording_id].stride
            self._twins[recording_id] = replace(
                twin, posture=blend([self.pictured(name)[frame] for name, frame in twin.references], stride)
            )
        return self._twins[recording_id]

    def windows(self, recording_id: str) -> np.ndarray:
        """Start, end and deviation [W, 3] of a recording's windows."""
        rows = [row for row in read_csv(self.job.files.scores("windows")) if row["recording_id"] == recording_id]
        return np.array([[float(row[name]) for name in ("t_start_s", "t_end_s", "deviation")] for row in rows])

    def magnification(self, recording_id: str, frames: slice | np.ndarray, factors: Sequence[float]) -> Magnification:
        """The prepared magnification of some frames of a recording, for all of these factors."""
        twin = self.twin(recording_id)
        references = [(self.store(name), path) for name, path in twin.references]
        return magnify(
            self.embedded(recording_id), references, frames, factors, embed=self.embed, twin=twin.posture,
            plan=self.plan, generator=self.generator,
        )  # fmt: skip

    def embedded(self, recording_id: str) -> EmbeddedRecording:
        """A recording with its learned postures."""
        posture = self.pictured(recording_id)
        return EmbeddedRecording(self.store(recording_id), self.job.video(recording_id), posture)


_kept: dict[tuple[Path | int | str | None, ...], ScoredRun] = {}


def kept_run(job: Job, plan: str | None) -> ScoredRun:
    """The scored run of a worker, read once for all clips of it; forgotten for another, or when a stage was done."""
    key = (job.folder, *file_stamp(job.files.run_json), plan)
    if key not in _kept:
        _kept.clear()
        _kept[key] = ScoredRun(job, plan)
    return _kept[key]


def pictured_of(embedding: Mapping[str, np.ndarray], dim: int) -> np.ndarray:
    """The network's postures [T, dim] in an embedding: beside the others, or the first part of all postures."""
    return embedding["pictured"] if "pictured" in embedding else embedding["posture"][:, :dim]


def posture_series(
    recordings: Sequence[Recording], embeddings: Sequence[Mapping[str, np.ndarray]], stores: Sequence[CropStore]
) -> list[PostureSeries]:
    """The postures of recordings, with all that a score or a twin needs to know of them; three lists in one order."""
    return [
        PostureSeries(
            recording.recording_id,
            recording.subject,
            recording.group,
            embedding["posture"],
            stride_of(store.fps),
            store.fps,
            embedding.get("looks"),
        )
        for recording, embedding, store in zip(recordings, embeddings, stores, strict=True)
    ]
