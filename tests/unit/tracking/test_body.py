"""Landmarks and body coordinates lie beside the crops, of the plan that the study has."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ubam.evaluation.synthetic.recording import RecordingSpec, Rendered, render_recording
from ubam.recordings.study_table import Recording
from ubam.recordings.video_writer import write_clip
from ubam.tracking.body import likeliest_plan, read_body
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> tuple[CropStore, Rendered]:
    """A rendered person on a treadmill, cropped."""
    folder = tmp_path_factory.mktemp("body")
    rendered = render_recording(4, RecordingSpec(kind="human", scene="treadmill", seconds=1.2))
    write_clip(folder / "walk.mp4", rendered.frames(), rendered.fps, crf=10)
    return build_crops(Recording("walk", 2, folder / "walk.mp4", "s", "g"), folder / "crops"), rendered


def test_a_walker_is_a_person_and_its_head_is_above_its_feet(walker: tuple[CropStore, Rendered]) -> None:
    store, _ = walker
    assert likeliest_plan([store]) == "person"
    body = read_body(store, "person")
    at = {name: body.landmarks[:, number] for number, name in enumerate(body.names)}
    assert (at["head"][:, 1] < at["pelvis"][:, 1]).all()
    assert (at["pelvis"][:, 1] < np.minimum(at["ankle_left"][:, 1], at["ankle_right"][:, 1])).mean() > 0.9


def test_most_landmarks_lie_within_a_tenth_of_the_body_of_the_truth(walker: tuple[CropStore, Rendered]) -> None:
    store, rendered = walker
    body, truth = read_body(store, "person"), rendered.truth
    box = store.box[:, None]
    found = box[..., :2] + body.landmarks * (box[..., 2:] - box[..., :2])
    names = truth["names"].tolist()
    shared = [name for name in body.names if name in names]
    true = truth["keypoints"][store.frame_index][:, [names.index(name) for name in shared]]
    apart = np.linalg.norm(found[:, [body.names.index(name) for name in shared]] - true, axis=-1)
    assert (apart < 0.1 * float(truth["body_height"])).mean() > 0.7


def test_another_plan_is_looked_for_again_and_kept(walker: tuple[CropStore, Rendered], tmp_path: Path) -> None:
    store, _ = walker
    as_person, as_rodent = read_body(store, "person"), read_body(store, "rodent")
    assert as_rodent.landmarks.shape[1] == len(as_rodent.names) != as_person.landmarks.shape[1]
    again = read_body(store, "person")
    # The second time the eye looks at crops that were compressed.
    assert np.median(np.abs(again.landmarks - as_person.landmarks)) < 0.01
    assert (read_body(store, "person").landmarks == again.landmarks).all()


def test_a_study_has_one_plan_that_all_its_recordings_decide(walker: tuple[CropStore, Rendered]) -> None:
    store, _ = walker
    unsure = replace(store, plan_chances=(-1.0, -0.9, -3.0, -3.0))
    sure = replace(store, plan_chances=(-0.01, -5.0, -5.0, -5.0))
    assert likeliest_plan([unsure]) == "rodent"
    assert likeliest_plan([unsure, sure]) == "person"
