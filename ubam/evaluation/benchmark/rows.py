"""The rows of the benchmark: what turns a study into postures and behaviours, learnt, supervised or neither."""

import json
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ubam.core.files import read_arrays, write_arrays, write_json
from ubam.core.provenance import key_of
from ubam.core.settings import ADAPTED, PRESETS, Settings
from ubam.deviation.controls import control_codes
from ubam.deviation.posture_series import PostureSeries
from ubam.encoding.augmentation import jitter, moved_by_looks
from ubam.encoding.embedding import embed_behaviours, stride_of
from ubam.encoding.encoders import WINDOW, PostureEncoder, TrajectoryEncoder
from ubam.encoding.landmarks.other_looks import CHANGES, FRAMES, block_diagonal, moved_landmarks
from ubam.encoding.landmarks.postures import read_landmarks, settle_landmark_code
from ubam.encoding.learning.early_stopping import RULE
from ubam.encoding.objectives import OBJECTIVES
from ubam.encoding.saved_model import Networks
from ubam.encoding.study_encoder import Embedding, embed, learn, watched
from ubam.evaluation.benchmark.landmark_errors import landmark_errors
from ubam.evaluation.benchmark.measures import Truth, subject_folds
from ubam.evaluation.published.method import faithful_scores
from ubam.evaluation.synthetic.study import GROUPS
from ubam.pipeline.stages import SETTINGS_OF
from ubam.recordings.study_table import Recording
from ubam.results.controls import CONTROLS
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CROP_VERSION, CropStore
from ubam.tracking.outlines import eye_fingerprint

SUPERVISED_FRAMES, SUPERVISED_RATE = 96, 2e-3  # frames of a step
REFERENCE = GROUPS[0]
Scoring = Callable[[Sequence[PostureSeries], str | None], dict[str, float]]  # each subject's deviation from a group
TRAINED = "trained.json"
CONSTANT_ERRORS = {"keypoints 0.5%": 0.005, "keypoints 2%": 0.02}  # body heights
WINDOW_STEP = 4  # postures between the beginnings of windows, as in embedding.py


@dataclass(frozen=True)
class KnownStudy:
    """A rendered and cropped study: recordings, their crops and what is known of the frames of the crops.

    networks: the folder in which what was learnt from it is kept, for every benchmark that needs it.
    """

    recordings: tuple[Recording, ...]
    stores: list[CropStore]
    truths: list[Truth]
    networks: Path

    def codes(
        self, postures: Sequence[np.ndarray], looks: Sequence[np.ndarray | None] | None = None
    ) -> list[PostureSeries]:
        """Postures [T, D] per recording with whose they are, and what looks [D, D] do to them where that is known."""
        return [
            PostureSeries(one.recording_id, one.subject, one.group, posture, stride_of(store.fps), store.fps, moved)
            for one, store, posture, moved in zip(
                self.recordings, self.stores, postures, looks or [None] * len(postures), strict=True
            )
        ]

    @property
    def severity(self) -> dict[str, float]:
        """Severity of every subject, 0 to 1."""
        return {recording.subject: recording.severity or 0.0 for recording in self.recordings}


@dataclass(frozen=True)
class Coded:
    """What a row makes of a study: an embedding per recording, and what that cost.

    train_s, embed_ms: CPU seconds of training, and CPU milliseconds per frame of embedding; None where nothing is
    trained or embedded. scores: the deviation of each subject, from a method that brings its own.
    """

    embeddings: list[Embedding]
    train_s: float | None = None
    embed_ms: float | None = None
    scores: Mapping[str, float] | None = None

    def save(self, path: Path) -> None:
        """Write half floats, as a run keeps its embeddings, to `path` (.npz), and before it the rest beside it."""
        facts = {"train_s": self.train_s, "embed_ms": self.embed_ms, "scores": self.scores}
        write_json(path.with_suffix(".json"), facts)
        arrays: dict[str, np.ndarray] = {}
        for number, embedding in enumerate(self.embeddings):
            arrays |= {f"posture{number}": embedding.posture.astype(np.float16)}
            arrays |= {f"behaviour{number}": embedding.behaviour.astype(np.float16)}
            arrays |= {f"first{number}": embedding.first, f"last{number}": embedding.last}
            arrays |= {f"looks{number}": embedding.looks} if embedding.looks is not None else {}
        write_arrays(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Coded":
        """Read what `save` wrote."""
        facts, arrays = json.loads(path.with_suffix(".json").read_text(encoding="utf-8")), read_arrays(path)
        embeddings = [
            Embedding(
                arrays[f"posture{number}"],
                arrays[f"behaviour{number}"],
                arrays[f"first{number}"],
                arrays[f"last{number}"],
                arrays.get(f"looks{number}"),
            )
            for number in range(sum(name.startswith("posture") for name in arrays))
        ]
        return cls(embeddings, **facts)


@dataclass(frozen=True)
class Row:
    """A line of the table. Rows with equal `coding` and `settings` share one coding.

    shuffled: the groups are drawn at random. main_only: not measured on null and confounded studies. errors: the errors
    [T, E] of every recording of what the postures are made of; on null studies they are scored alone.
    """

    name: str
    coding: str
    settings: Mapping[str, Any]
    code: Callable[[KnownStudy], Coded]
    shuffled: bool = False
    main_only: bool = False
    errors: Callable[[KnownStudy], list[np.ndarray]] | None = None


def learnt(study: KnownStudy, settings: Settings, score: Scoring | None = None, stops: bool = True) -> Coded:
    """The study's own networks, trained and used as in a run, by one thread; `score` is the method's own scoring.

    stops: whether the training may end when it has learnt, as in a run; else it takes all of its steps.
    """
    model, train_s = networks(study, settings, stops)
    began = time.process_time()
    embeddings = [embed(model, store) for store in study.stores]
    frames = sum(len(store.time_s) for store in study.stores)
    cost = 1000 * (time.process_time() - began) / frames
    scores = score(study.codes([embedding.posture for embedding in embeddings]), REFERENCE) if score else None
    return Coded(embeddings, train_s if settings.train_steps else None, cost, scores)


def networks(study: KnownStudy, settings: Settings, stops: bool = True) -> tuple[Networks, float]:
    """What `settings` learn from the study, kept with the CPU seconds that it took; published ones are too large."""
    folder = networks_folder(study.networks, settings, stops)
    if (folder / TRAINED).exists():  # written last
        return Networks.load(folder), float(json.loads((folder / TRAINED).read_text(encoding="utf-8"))["train_s"])
    began = time.process_time()
    subjects = [one.subject for one in study.recordings] if stops else None
    model, _ = learn(study.stores, settings, subjects=subjects)
    trained = time.process_time() - began
    if settings.networks != "published":
        model.save(folder)
        write_json(folder / TRAINED, {"train_s": trained})
    return model, trained


def networks_folder(folder: Path, settings: Settings, stops: bool = True) -> Path:
    """Where the networks of these settings are kept."""
    learnt_by = coding_settings(settings, stops) | {"posture": "learned"}  # whatever stands beside what is learnt
    return folder / f"{settings.preset}-{key_of(CROP_VERSION, learnt_by)}"


def without_learning(study: KnownStudy, control: str, settings: Settings) -> Coded:
    """One of the controls of `controls.py`."""
    empty = study.codes([np.empty((0, 0), np.float32)] * len(study.stores))
    codes = control_codes(empty, study.stores, settings.posture_dim, settings.seed)[control]
    return Coded([stacked(code.posture, code.stride, code.looks) for code in codes])


def seen_landmarks(study: KnownStudy) -> Coded:
    """Landmarks as the eye sees them, without any training on the study: `--posture landmarks`."""
    began = time.process_time()
    postures, looks = _landmarks(study, None)
    frames = sum(len(store.time_s) for store in study.stores)
    cost = 1000 * (time.process_time() - began) / frames
    ways = TrajectoryEncoder()
    embeddings = [
        Embedding(code.posture, *embed_behaviours(ways, code.posture, code.stride), code.looks)
        for code in study.codes(postures, looks)
    ]
    return Coded(embeddings, None, cost)


def joined(study: KnownStudy, settings: Settings) -> Coded:
    """The study's own networks and the landmarks beside them, as a run has them unless something else is asked for."""
    coded = learnt(study, settings)
    learned = [one.posture for one in coded.embeddings]
    postures, looks = _landmarks(study, float(np.concatenate(learned).astype(np.float64).var(0).sum()))
    embeddings = [
        replace(one, posture=np.concatenate([one.posture, beside], 1), looks=block_diagonal(one.looks, moved))
        for one, beside, moved in zip(coded.embeddings, postures, looks, strict=True)
    ]
    return replace(coded, embeddings=embeddings)


def _landmarks(study: KnownStudy, variance: float | None) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Landmarks as postures, scaled to a `variance` unless that is None, and what looks do to them."""
    plan = likeliest_plan(study.stores)
    landmarks = [read_landmarks(store, plan) for store in study.stores]
    moved = [moved_landmarks(store, plan) for store in study.stores]
    code = settle_landmark_code(landmarks, moved, [store.fps for store in study.stores], None, variance)
    code.save(study.networks / "landmarks.json")
    return [code.encode(one) for one in landmarks], [code.normal(one) for one in moved]


def true_keypoints(study: KnownStudy) -> Coded:
    """The true keypoints as postures: the ceiling of everything behind the encoder."""
    postures = [truth.keypoints.reshape(len(truth.keypoints), -1).astype(np.float32) for truth in study.truths]
    return Coded([stacked(code.posture, code.stride) for code in study.codes(postures)])


def keypoints_off(study: KnownStudy, share: float) -> Coded:
    """The true keypoints, each off by an error of its own that is constant within a subject.

    share: standard deviation of both coordinates, body heights.
    """
    postures = []
    for recording, truth in zip(study.recordings, study.truths, strict=True):
        rng = np.random.default_rng(zlib.crc32(f"{study.networks.name} {recording.subject}".encode()))
        off = share * rng.normal(size=truth.keypoints.shape[1:])
        postures.append((truth.keypoints + off).reshape(len(truth.keypoints), -1).astype(np.float32))
    return Coded([stacked(code.posture, code.stride) for code in study.codes(postures)])


def stacked(posture: np.ndarray, stride: int, looks: np.ndarray | None = None) -> Embedding:
    """For rows without a behaviour network: the window's eight postures without their mean, one after the other."""
    first = np.arange(0, max(0, len(posture) - (WINDOW - 1) * stride), WINDOW_STEP * stride)
    windows = posture[first[:, None] + stride * np.arange(WINDOW)]
    moving = (windows - windows.mean(1, keepdims=True)).reshape(len(first), -1)
    return Embedding(posture, moving.astype(np.float32), first, first + (WINDOW - 1) * stride, looks)


def supervised(study: KnownStudy, settings: Settings) -> Coded:
    """Keypoints predicted by an encoder of the preset's size, trained on the true ones of other subjects.

    Four folds of subjects: each subject is coded by the network that has not seen it. Predictions and not hidden units
    are the postures, since only they mean the same in all four networks.
    """
    subjects = [recording.subject for recording in study.recordings]
    postures: list[np.ndarray] = [np.empty(0)] * len(subjects)
    looks: list[np.ndarray] = [np.empty(0)] * len(subjects)
    train_s = embed_s = 0.0
    for number, (train, test) in enumerate(subject_folds(subjects).split()):
        began = time.process_time()
        reader = train_reader(study, train, settings, number)
        train_s += time.process_time() - began
        began = time.process_time()
        for index in test:
            postures[index], looks[index] = reader.read(study.stores[index])
        embed_s += time.process_time() - began
    frames = sum(len(store.time_s) for store in study.stores)
    embeddings = [stacked(code.posture, code.stride, code.looks) for code in study.codes(postures, looks)]
    return Coded(embeddings, train_s, 1000 * embed_s / frames)


class KeypointReader(nn.Module):
    """A posture encoder with a linear layer to keypoints [N, 2K] in body heights from the root."""

    def __init__(self, dim: int, mean: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.encoder = PostureEncoder(dim)
        self.head = nn.Linear(dim, len(mean))
        self.mean, self.spread = mean, spread

    def forward(self, pictures: Tensor) -> Tensor:
        """Prepared pictures to keypoints."""
        keypoints: Tensor = self.mean + self.spread * self.head(self.encoder.encode(pictures))
        return keypoints

    def read(self, store: CropStore, batch: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints float32 [T, 2K] of a recording, and what changes of looks do to them [2K, 2K]."""

        def encode(pictures: Tensor) -> np.ndarray:
            with torch.inference_mode():
                keypoints: np.ndarray = self(self.encoder.prepare(pictures)).numpy()
            return keypoints

        views = store.views
        parts = [
            encode(torch.from_numpy(np.array(views[start : start + batch])).permute(0, 3, 1, 2))
            for start in range(0, len(views), batch)
        ]
        return np.concatenate(parts), moved_by_looks(views, store.found, encode)


def train_reader(study: KnownStudy, chosen: np.ndarray, settings: Settings, number: int) -> KeypointReader:
    """Train on the frames of the recordings `chosen`, jittered as in training.py; `number` goes into the seed."""
    torch.set_num_threads(settings.workers)
    frames = [(index, frame) for index in chosen for frame in np.flatnonzero(study.stores[index].found)]
    targets = torch.tensor(
        np.stack([study.truths[index].keypoints[frame].ravel() for index, frame in frames]), dtype=torch.float32
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed + number)
        reader = KeypointReader(settings.posture_dim, targets.mean(0), targets.std())
    optimiser = torch.optim.AdamW(reader.parameters(), lr=SUPERVISED_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, SUPERVISED_RATE, settings.train_steps)
    generator = torch.Generator().manual_seed(settings.seed + number)
    for _ in range(settings.train_steps):
        drawn = torch.randint(len(frames), (SUPERVISED_FRAMES,), generator=generator)
        views = np.stack([study.stores[index].views[frame] for index, frame in (frames[k] for k in drawn.tolist())])
        pictures = reader.encoder.prepare(torch.from_numpy(views).permute(0, 3, 1, 2))
        loss = functional.mse_loss(reader(jitter(pictures, generator)), targets[drawn])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return reader.eval()


# Learnt rows: one thread each, so that the numbers do not depend on how many work beside each other.
QUICK, STANDARD, FAITHFUL = (replace(PRESETS[name], workers=1) for name in ("quick", "standard", "faithful"))
SHORT = replace(STANDARD, train_steps=300, batch_windows=8)
VARIANTS: dict[str, Settings] = {
    "pretrained": replace(ADAPTED, workers=1, train_steps=0),
    "adapted": replace(ADAPTED, workers=1),
    "learned": STANDARD,
    "coordinates": replace(STANDARD, networks="coordinates"),
    # A twentieth of the training, to compare what encoders see on many studies.
    "learned short": SHORT,
    "coordinates short": replace(SHORT, networks="coordinates"),
}
ALL_STEPS = "learned, all steps"  # what a training gives that does not end when it has learnt
# What each objective teaches from nothing in as many steps; on main studies only, as they are many.
SUPERVISED = replace(STANDARD, train_steps=1000)  # four networks
OBJECTIVE_ROWS = {f"objective {name}": replace(STANDARD, train_steps=400, objectives=name) for name in OBJECTIVES}


def benchmark_rows() -> dict[str, Row]:
    """All rows by name, in the order of the table."""
    size = {"posture_dim": STANDARD.posture_dim, "seed": STANDARD.seed}
    rows = [
        *(
            Row(name, name, size, lambda study, name=name: without_learning(study, name, STANDARD))  # type: ignore[misc]
            for name in [control.name for control in CONTROLS]
        ),
        replace(joined_row("standard", STANDARD), name="shuffled labels", shuffled=True, main_only=True),
        *(joined_row(name, of) for name, of in {"quick": QUICK, "standard": STANDARD, "standard short": SHORT}.items()),
        *(learnt_row(name, settings) for name, settings in VARIANTS.items()),
        learnt_row(ALL_STEPS, STANDARD, main_only=True, stops=False),
        *(learnt_row(name, settings, main_only=True) for name, settings in OBJECTIVE_ROWS.items()),
        learnt_row("faithful", FAITHFUL, score=faithful_scores),
        Row(
            "supervised",
            "supervised",
            coding_settings(SUPERVISED, stops=False),
            lambda study: supervised(study, SUPERVISED),
            main_only=True,
        ),
        Row(
            "landmarks",
            "landmarks",
            what_the_eye_sees(),
            seen_landmarks,
            errors=lambda study: landmark_errors(study.stores, study.truths),
        ),
        Row("keypoints", "keypoints", {}, true_keypoints),
        *(
            Row(name, name, {"share": share}, lambda study, share=share: keypoints_off(study, share))  # type: ignore[misc]
            for name, share in CONSTANT_ERRORS.items()
        ),
    ]
    return {row.name: row for row in rows}


def what_the_eye_sees() -> dict[str, object]:
    """What decides the landmarks of a study."""
    return {"eye": eye_fingerprint(), "looks": (FRAMES, CHANGES)}


def joined_row(name: str, settings: Settings) -> Row:
    """A row of networks that learn from the study as `settings` say, and of landmarks beside them."""
    return Row(name, name, coding_settings(settings) | what_the_eye_sees(), lambda study: joined(study, settings))


def learnt_row(
    name: str, settings: Settings, score: Scoring | None = None, main_only: bool = False, stops: bool = True
) -> Row:
    """A row of networks alone that learn from the study as `settings` say."""
    settings = replace(settings, posture="learned")
    return Row(
        name, name, coding_settings(settings, stops), lambda study: learnt(study, settings, score, stops),
        main_only=main_only,
    )  # fmt: skip


def coding_settings(settings: Settings, stops: bool = True) -> dict[str, object]:
    """Those that decide a coding: another way of scoring or of showing needs no other networks."""
    decisive = {*SETTINGS_OF["train"], *SETTINGS_OF["embed"]}
    rule = {"stops": RULE} if stops and watched(settings) else {}
    return {name: value for name, value in settings.as_dict().items() if name in decisive} | rule
