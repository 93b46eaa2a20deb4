"""What each part of ubam takes, and the original's networks on the same frames (Brattoli et al. 2021)."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from ubam.core.settings import PRESETS
from ubam.encoding.embedding import embed_behaviours, embed_postures, stride_of
from ubam.encoding.objectives import OBJECTIVES
from ubam.encoding.published_encoders import CropPictures, build_published
from ubam.encoding.saved_model import Networks
from ubam.encoding.study_encoder import embed
from ubam.encoding.training import TrainingSettings, build_encoders, train_encoders
from ubam.encoding.window_sampling import Windows
from ubam.evaluation.benchmark.speed.measuring import Measured, line, timed
from ubam.evaluation.benchmark.speed.study import Place, Spent, run_command
from ubam.evaluation.published.method import SynthesisGenerator
from ubam.recordings.video_reader import read_frames
from ubam.report.figures.write import write_figures
from ubam.report.page import write_report
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops
from ubam.tracking.eye.eye import Eye
from ubam.tracking.outlines import shipped_eye

DECODE, CROP, ENCODE, EMBED = "decoding alone", "find and crop", "encoder", "embedding of crops"
EYE = "the eye, of find and crop"
WHOLE, NETWORKS, GENERATOR = "whole embedding", "original: CaffeNet, LSTM", "original: generator"
START, CLIP = "start of the command line", "clip"
REPEATS = 3
NETWORK_FRAMES = 32  # that the original's networks are shown; they take a hundred times as long as ours
TRAINED_STEPS = 10
LOOKS = ("outline", "body", "plan_chances")  # of the eye, while it crops


def decoding(place: Place) -> Measured:
    """Every frame of the film at its own size, and nothing else."""
    video = place.recording.video
    frames = sum(1 for _ in read_frames(video))
    spent = timed(lambda: sum(1 for _ in read_frames(video)), REPEATS)
    return line("rows", DECODE, frames, "frame", spent, frames, REPEATS)


def find_and_crop(place: Place) -> Measured:
    """Both passes over the film, from nothing to the crops of the subject on the disk."""
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        spent = timed(lambda: build_crops(place.recording, Path(folder) / "crops"))
        frames = len(CropStore.open(Path(folder) / "crops").time_s)
    return line("rows", CROP, frames, "frame", spent, frames)


def eye(place: Place) -> Measured:
    """What the eye takes of finding and cropping, from pictures that are cut to what it sees in them."""
    with tempfile.TemporaryDirectory(dir=place.folder) as folder, watched(shipped_eye()) as looked:
        whole = timed(lambda: build_crops(place.recording, Path(folder) / "crops"))
        frames = len(CropStore.open(Path(folder) / "crops").time_s)
    spent = Spent(sum(cpu for cpu, _ in looked), sum(wall for _, wall in looked), whole.peak_mb)
    return line("rows", EYE, frames, "frame", spent, frames)


@contextmanager
def watched(looking: Eye) -> Iterator[list[tuple[float, float]]]:
    """CPU and wall-clock seconds of every look of an eye meanwhile, in a process that does nothing else meanwhile."""
    looked = list[tuple[float, float]]()

    def timing(look: Callable[..., object]) -> Callable[..., object]:
        def timed_look(*shown: object) -> object:
            cpu, wall = time.process_time(), time.perf_counter()
            seen = look(*shown)
            looked.append((time.process_time() - cpu, time.perf_counter() - wall))
            return seen

        return timed_look

    for name in LOOKS:
        setattr(looking, name, timing(getattr(looking, name)))
    try:
        yield looked
    finally:
        for name in LOOKS:
            delattr(looking, name)


def _store(place: Place) -> CropStore:
    return CropStore.open(place.run.crops(place.recording.recording_id).path)


def encoder(place: Place) -> Measured:
    """The posture network of preset `standard` on the views of the film."""
    network, views = build_encoders()[0], np.array(_store(place).views)
    spent = timed(lambda: embed_postures(network, views), REPEATS)
    return line("rows", ENCODE, len(views), "frame", spent, len(views), REPEATS)


def embedding(place: Place) -> Measured:
    """Postures, behaviours and changes of looks of the film, from its crops."""
    store, networks = _store(place), Networks(*build_encoders(), PRESETS["standard"].as_dict())
    frames = len(store.time_s)
    return line("rows", EMBED, frames, "frame", timed(lambda: embed(networks, store), REPEATS), frames, REPEATS)


def training_step(place: Place) -> Measured:
    """A step of preset `standard`."""
    settings = PRESETS["standard"]
    objectives = OBJECTIVES[settings.objectives]
    store = _store(place)
    windows = Windows([store.views], [stride_of(store.fps)], [store.found], objectives.factors)
    asked = TrainingSettings(TRAINED_STEPS, settings.batch_windows, objectives)
    spent = timed(lambda: train_encoders(*build_encoders(), windows, asked), REPEATS)
    return line("rows", "training step", settings.batch_windows, "step", spent, TRAINED_STEPS, REPEATS)


def report(place: Place) -> Measured:
    """The figures and the page of the run."""

    def write() -> None:
        write_figures(place.run.path)
        write_report(place.run.path)

    return line("rows", "report", 1, "report", timed(write))


def original_networks(place: Place) -> Measured:
    """Posture and behaviour by the networks of the published method, with random weights, on crops of the film."""
    posture, behaviour = build_published()
    pictures = CropPictures(_store(place))[:NETWORK_FRAMES]

    def both() -> None:
        embed_behaviours(behaviour, embed_postures(posture, pictures))

    return line("rows", NETWORKS, len(pictures), "frame", timed(both), len(pictures))


def original_generator(place: Place) -> Measured:
    """The synthesis generator of the published method: a picture of 128 px from both codes of each frame."""
    network, count = SynthesisGenerator(4096).eval(), NETWORK_FRAMES
    pictures, features = torch.rand(count, 3, 128, 128), torch.randn(count, 4096)

    def draw() -> None:
        with torch.inference_mode():
            network.decode(network.encode_appearance(pictures)[0], network.encode_posture(features)[0])

    return line("rows", GENERATOR, count, "frame", timed(draw, REPEATS), count, REPEATS)


def command_line(place: Place) -> Measured:
    """`ubam --help` in a process of its own."""
    return line("rows", START, 1, "start", run_command("--help"))


def clip(place: Place, layout: str) -> Measured:
    """One clip of the film at factor 2, as `ubam magnify` makes it, the start of the program included."""
    name, out = place.recording.recording_id, place.folder / f"{layout}.mp4"
    spent = run_command(
        "magnify", str(place.run.path), "--recording", name, "--factor", "2", "--layout", layout, "--out", str(out)
    )
    frames = len(_store(place).time_s)
    return line("rows", f"{CLIP}, {layout}", frames, "frame", spent, frames)


ROWS: tuple[Callable[[Place], Measured], ...] = (
    decoding, find_and_crop, eye, encoder, embedding, training_step, original_networks, original_generator, report,
)  # fmt: skip
