"""Transfers of posture between the recordings of a run, measured in the written clips alone.

Every clip is read, found and cropped as a recording of its own. What is compared with the recording that gave the
posture is the phase of the gait: the spread of the legs, the standard deviation across of the lower half of the
outline, swings twice a stride, and its analytic signal has a phase.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np
from scipy.signal import butter, hilbert, sosfiltfilt

from ubam.core.files import read_csv, write_csv
from ubam.core.typing import Array, StageProgress
from ubam.evaluation.benchmark.speed.study import run_command
from ubam.magnification.registration.flow_fields import saliency_of
from ubam.recordings.study_table import Recording
from ubam.results.run_folder import RunFolder
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops

SLOWEST, FASTEST = 0.5, 6.0  # swings of the legs in a second
BAND = 0.5, 1.7  # of the strongest swing, of which the phase is read
EDGE = 0.1  # of a recording at both ends, where a filter does not know what was before


@dataclass(frozen=True)
class TransferValues:
    """One transfer: the pixels of `appearance` in the posture of `recording`.

    phase_error: mean, in degrees of a whole stride, with its two steps for the same (0 to 90, chance 45). unrelated:
    the same between the two recordings as they are. sharpness: mean absolute Laplacian of the crops, over that of the
    appearance's own. agreement, marked: of the outlines, and the share of marked frames, as the clip's JSON says.
    """

    recording: str
    appearance: str
    phase_error: float
    unrelated: float
    sharpness: float
    agreement: float
    marked: float


def measure_transfers(run: Path, out: Path, progress: StageProgress) -> list[TransferValues]:
    """Transfer the posture of every recording of a scored run to every other; transfers.csv and clips go to `out`.

    UbamError when the run is not scored, or a clip failed.
    """
    files, found = RunFolder(run), list[TransferValues]()
    scored = [row["recording_id"] for row in read_csv(files.scores("recordings"))]
    pairs = list(permutations(scored, 2))
    for done, (recording, appearance) in enumerate(pairs, 1):
        clip = out / f"{appearance}-as-{recording}.mp4"
        run_command(
            "magnify", str(run), "--recording", recording, "--appearance", appearance, "--out", str(clip)
        )  # fmt: skip
        facts = json.loads(clip.with_suffix(".json").read_text())
        posture, own = (CropStore.open(files.crops(name).path) for name in (recording, appearance))
        made = build_crops(Recording(clip.stem, 0, clip, appearance, ""), out / "crops" / clip.stem)
        found.append(
            TransferValues(
                recording,
                appearance,
                phase_between(spread(made), spread(posture), posture.fps),
                phase_between(spread(own), spread(posture), posture.fps),
                sharpness(made) / sharpness(own),
                facts["agreement"],
                facts["marked_frames"] / facts["frames"],
            )
        )
        progress("transfers", done, len(pairs))
    write_csv(out / "transfers.csv", map(asdict, found), list(asdict(found[0])))
    return found


def spread(store: CropStore) -> Array:
    """The spread of the legs [T] in widths of the box: the standard deviation across of the outline's lower half."""
    return np.array([spread_of(saliency_of(store, frame)) for frame in range(len(store.time_s))])


def spread_of(outline: Array) -> float:
    """The same of one outline [S, S] in 0..1; not a number where there is none."""
    rows = np.flatnonzero(outline.max(1) > 0.5)
    if not len(rows):
        return float("nan")
    low = outline[(rows[0] + rows[-1]) // 2 : rows[-1] + 1].sum(0)
    across = np.arange(len(low)) / len(low)
    middle = float(np.average(across, weights=low))
    return float(np.sqrt(np.average((across - middle) ** 2, weights=low)))


def phase_between(one: Array, other: Array, fps: float) -> float:
    """Mean difference of phase of two signals [T], in degrees of two swings (0 to 90); the first T they share count.

    The phase is that around the strongest swing of `other`. Not a number where one is too short to have any.
    """
    length = min(len(one), len(other))
    one, other = (_without_gaps(signal[:length]) for signal in (one, other))
    if length < fps / SLOWEST:
        return float("nan")
    share = np.fft.rfftfreq(length, 1 / fps)
    power = np.abs(np.fft.rfft(other * np.hanning(length))) ** 2
    power[(share < SLOWEST) | (share > min(FASTEST, 0.4 * fps))] = 0
    band = [share[power.argmax()] * edge for edge in BAND]
    wave = butter(2, [band[0], min(band[1], 0.49 * fps)], "bandpass", fs=fps, output="sos")
    first, second = (np.angle(hilbert(sosfiltfilt(wave, signal))) for signal in (one, other))
    apart = np.abs(np.angle(np.exp(1j * (first - second))))
    kept = slice(round(EDGE * length), length - round(EDGE * length))
    return float(np.degrees(apart[kept].mean()) / 2)


def _without_gaps(signal: Array) -> Array:
    """The signal [T] around its mean, with gaps bridged in a line."""
    known = np.flatnonzero(np.isfinite(signal))
    filled = np.interp(np.arange(len(signal)), known, signal[known]) if len(known) else np.zeros(len(signal))
    return filled - filled.mean()


def sharpness(store: CropStore) -> float:
    """Mean absolute Laplacian of the subject's pixels, in grey levels, over 24 frames."""
    chosen = np.unique(np.linspace(0, len(store.time_s) - 1, 24).round().astype(int))
    values = []
    for frame, crop in zip(chosen, store.crops(chosen), strict=True):
        grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float32)
        outline = cv2.resize(saliency_of(store, int(frame)), grey.shape[::-1]) > 0.5
        if outline.any():
            values.append(float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[outline].mean()))
    return float(np.mean(values))


def transfer_table(found: Sequence[TransferValues]) -> str:
    """The values as text, with their means."""
    names = ("phase_error", "unrelated", "sharpness", "agreement", "marked")
    lines = [f"{'posture of, pixels of':44}" + "".join(f"{name.replace('_', ' '):>13}" for name in names)]
    for one in found:
        lines.append(f"{f'{one.recording}, {one.appearance}':44}" + "".join(f"{getattr(one, n):>13.2f}" for n in names))
    means = [float(np.nanmean([getattr(one, name) for one in found])) for name in names]
    return "\n".join([*lines, f"{'mean':44}" + "".join(f"{mean:>13.2f}" for mean in means)])
