"""The other tests of this folder have a plain eye: here the shipped eye sees a figure and its magnified pictures."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from tests.support import stick_figure
from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.magnification.magnify import EmbeddedRecording
from ubam.magnification.transfer import write_transfer
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.tracking.cropping import build_crops
from ubam.tracking.eye.eye import Eye
from ubam.tracking.outlines import shipped_eye


def test_a_figure_that_the_shipped_eye_sees_is_magnified_along_its_lean(tmp_path: Path) -> None:
    assert type(shipped_eye()) is Eye
    made = stick_figure.leaning(tmp_path, slice(12, 18), (0.0, 2.0), nullcontext)
    assert made.query.found.all()
    assert made.measured(0.0).geometric < 0.6
    assert made.measured(2.0).geometric > 1.3


def rendered(
    folder: Path, name: str, palette: str, impairment: str, severity: float
) -> tuple[EmbeddedRecording, np.ndarray]:
    """One body in clothes of one `palette`, its masks bool [T, H, W]; the same moments whatever its looks and gait."""
    drawn = render_recording(
        5, RecordingSpec(seconds=2.0, palette=palette, impairment=impairment, severity=severity, wall_seed=9)
    )
    pictures, alphas = zip(*drawn.frames_and_masks(), strict=True)
    write_clip(folder / f"{name}.mp4", pictures, drawn.fps, crf=12)
    recording = Recording(
        recording_id=name, row=2, video=folder / f"{name}.mp4", subject=name, group="", day=None, dose=None,
        severity=None, start_s=None, end_s=None, box=None, fps=None, extra={},
    )  # fmt: skip
    store = build_crops(recording, folder / f"{name}_crops")
    return EmbeddedRecording(store, folder / f"{name}.mp4", stick_figure.embed(store.views)), np.stack(alphas) > 0.5


@pytest.mark.slow
def test_a_rendered_body_takes_the_true_posture(tmp_path: Path) -> None:
    """Dark and upright is given the posture of light and leaning, the same body: the truth is where that is."""
    dark, _ = rendered(tmp_path, "dark", "dark", "", 0.0)
    light, truth = rendered(tmp_path, "light", "light", "lean", 0.9)
    positions = np.arange(5, 45)
    path = np.arange(len(dark.store.time_s))
    facts = write_transfer(tmp_path / "out.mp4", dark, light, positions, path, embed=stick_figure.embed)
    empty = dark.store.background().astype(int)
    overlaps = []
    for source, start in ((tmp_path / "out.mp4", 0), (tmp_path / "dark.mp4", 5)):
        shown = read_frames(source, start_frame=start, stop_frame=start + 40)
        masks = [np.abs(picture.astype(int) - empty).max(2) > 30 for picture in shown]
        overlaps.append(np.mean([(a & b).sum() / (a | b).sum() for a, b in zip(masks, truth[5:45], strict=True)]))
    assert overlaps[0] > overlaps[1] + 0.05, overlaps
    assert facts.agreement > 0.75
    assert facts.agreement > facts.agreement_before + 0.1
    assert facts.appearance_kept > 0.85
