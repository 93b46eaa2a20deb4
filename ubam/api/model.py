"""The model of a study: it learns postures and behaviours from crops and encodes recordings with them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ubam.api.subject import CroppedRecording
from ubam.core.errors import ModelError
from ubam.core.settings import preset as settings_of
from ubam.core.typing import Array, View
from ubam.encoding import saved_model
from ubam.encoding.embedding import embed_postures
from ubam.encoding.landmarks.other_looks import block_diagonal, moved_landmarks
from ubam.encoding.landmarks.postures import LandmarkCode, enough, read_landmarks, settle_landmark_code
from ubam.encoding.landmarks.total_variance import total_variance
from ubam.encoding.study_encoder import Embedding, embed, learn
from ubam.pipeline.job import device_of
from ubam.pipeline.posture_parts import posture_of
from ubam.results.embeddings import Embeddings
from ubam.results.run_folder import ModelFolder
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CropStore


class Model:
    """Two networks that give each frame a posture and each window of frames a behaviour, as a run has them.

    Landmarks stand beside the posture network's numbers, except in the model of a run without them.

    Parameters
    ----------
    preset
        "quick" adapts the encoder that ships with ubam, "standard" and "thorough" learn from nothing.
    seed
        The same seed on the same machine gives the same model.
    workers
        Cores to use.
    device
        "auto", "cpu" or "cuda".

    After `fit` or `load`, `networks_` holds the trained networks, and `landmarks_` how landmarks become numbers, if
    there are any. After `fit`, `order_accuracy_` is the share of windows whose order of frames was recognised in the
    last training steps (0.5 is chance).

    Raises
    ------
    UbamError
        There is no such preset.
    """

    def __init__(self, preset: str = "standard", *, seed: int = 0, workers: int = 1, device: str = "auto") -> None:
        self.settings = settings_of(preset, seed=seed, workers=workers, device=device)
        self.networks_: saved_model.Networks | None = None
        self.landmarks_: LandmarkCode | None = None
        self.order_accuracy_: float | None = None

    def fit(
        self, recordings: Sequence[CroppedRecording], progress: Callable[[int, int], None] | None = None
    ) -> "Model":
        """Learn from the crops of recordings; labels and groups are not looked at.

        progress: called with the training steps that are done and all of them. ModelError when the recordings are too
        short to learn from.
        """
        stores = [one.store for one in recordings]
        self.networks_, history = learn(
            stores, self.settings, device_of(self.settings.device), progress,
            subjects=[one.recording.subject for one in recordings],
        )  # fmt: skip
        self.landmarks_ = self._code_of(stores) if self.settings.posture == "both" else None
        self.order_accuracy_ = float(np.mean(history["accuracy"][-20:])) if history["accuracy"] else None
        return self

    def encode(self, recording: CroppedRecording) -> Embeddings:
        """Postures of every frame and behaviours of every window of one recording; ModelError before `fit`."""
        one, store = recording.recording, recording.store
        made = self._joined(embed(self._fitted(), store, device_of(self.settings.device)), store)
        return Embeddings(
            one.recording_id, one.subject, one.group, made.posture, made.behaviour, store.time_s, store.frame_index,
            store.box, store.time_s[made.first], store.time_s[made.last], made.looks,
        )  # fmt: skip

    def encode_views(self, views: View) -> Array:
        """Views uint8 [n, V, V, 3] to the posture network's numbers float32 [n, D]; ModelError before `fit`."""
        return embed_postures(self._fitted().posture, views, device_of(self.settings.device))

    def save(self, folder: Path | str) -> None:
        """Write the networks as safetensors and JSON into `folder`; ModelError before `fit`."""
        self._fitted().save(Path(folder))
        kept = ModelFolder(Path(folder)).landmarks
        if self.landmarks_ is None:
            kept.unlink(missing_ok=True)  # those of another model that was here
        else:
            self.landmarks_.save(kept)

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "auto") -> "Model":
        """The model that `save` wrote, or that a run keeps in its folder model; ModelError when there is none."""
        networks = saved_model.Networks.load(Path(folder), device_of(device))
        model = cls(networks.settings.get("preset", "standard"), device=device)
        model.networks_, kept = networks, ModelFolder(Path(folder)).landmarks
        model.settings = replace(model.settings, posture=posture_of(networks.settings))
        model.landmarks_ = LandmarkCode.load(kept) if model.settings.posture == "both" and kept.exists() else None
        return model

    def _code_of(self, stores: Sequence[CropStore]) -> LandmarkCode | None:
        """The code of the landmarks of a study, as much as the learned numbers; None where hardly one is seen."""
        plan = likeliest_plan(stores)
        landmarks = [read_landmarks(store, plan) for store in stores]
        if not enough(landmarks):
            return None
        learned = total_variance([self.encode_views(store.views) for store in stores])
        moved, fps = [moved_landmarks(store, plan) for store in stores], [store.fps for store in stores]
        return settle_landmark_code(landmarks, moved, fps, None, learned)

    def _joined(self, made: Embedding, store: CropStore) -> Embedding:
        """What the networks made of a recording, with its landmarks beside it."""
        code = self.landmarks_
        if code is None:
            return made
        beside = code.encode(read_landmarks(store, code.plan))
        looks = block_diagonal(made.looks, code.normal(moved_landmarks(store, code.plan)))
        return replace(made, posture=np.concatenate([made.posture, beside], 1), looks=looks)

    def _fitted(self) -> saved_model.Networks:
        if self.networks_ is None:
            raise ModelError("This model has learnt nothing yet; call fit first, or load one.")
        return self.networks_
