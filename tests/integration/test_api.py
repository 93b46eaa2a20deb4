"""The library as a script uses it, on a small rendered study: the numbers of the run's own tables, and no prints."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ubam
from tests.support.command_line import tiny_quick
from ubam.api import CroppedRecording, analysis
from ubam.core.errors import RunError, StudyError
from ubam.recordings.video_reader import probe
from ubam.results.run_record import RunRecord

pytestmark = pytest.mark.usefixtures("tiny_preset", "plain_eye")


@pytest.fixture(scope="module")
def copy(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that may be changed."""
    return Path(shutil.copytree(run, tmp_path_factory.mktemp("api") / "run"))


@pytest.fixture(scope="module")
def crops(study: Path, copy: Path) -> list[CroppedRecording]:
    """The crops of the run, opened as `crop` would make them."""
    recordings = ubam.read_study(study).recordings
    return [ubam.crop(recording, copy / "crops" / recording.recording_id) for recording in recordings]


def test_analyse_does_what_the_command_does_and_prints_nothing(
    study: Path, copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    found = ubam.analyse(study, copy, preset="quick", progress=lambda stage, done, total: seen.append(stage))
    assert found.folder == copy
    assert seen == []  # the command had done it all, with the same settings
    before = found.subjects.column("deviation")
    shutil.rmtree(copy / "deviation")
    again = ubam.analyse(study, copy, preset="quick", progress=lambda stage, done, total: seen.append(stage))
    assert "score" in seen
    assert "train" not in seen
    assert again.subjects.column("deviation") == before
    assert capfd.readouterr() == ("", "")


def test_a_folder_of_group_folders_is_a_study(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for recording in ubam.read_study(study).recordings:
        (tmp_path / "videos" / recording.group).mkdir(parents=True, exist_ok=True)
        shutil.copy(recording.video, tmp_path / "videos" / recording.group)
    jobs = []
    monkeypatch.setattr(analysis, "run_stages", lambda job, *until: jobs.append(job))
    ubam.analyse(tmp_path / "videos", tmp_path / "run", preset="quick", seed=3)
    assert set(jobs[0].study.groups) == set(ubam.read_study(study).groups)
    assert (jobs[0].settings.reference, jobs[0].settings.seed) == ("healthy", 3)
    with pytest.raises(StudyError, match="no such study"):
        ubam.analyse(tmp_path / "nowhere", tmp_path / "run2")
    with pytest.raises(StudyError, match="no group is called 'sham'"):
        ubam.analyse(study, tmp_path / "run2", reference="sham")
    assert not (tmp_path / "run2").exists()


def test_a_clip_says_what_was_measured(copy: Path, tmp_path: Path) -> None:
    run, counted = ubam.open_run(copy), list[tuple[str, int, int]]()
    name = str(run.subjects.where(group="impaired")[0]["subject"])
    clip = run.magnify(
        name, 2, tmp_path / "clip.mp4", layout="magnified", span=(0.4, 0.8), progress=lambda *one: counted.append(one)
    )
    assert probe(clip.path).frames_declared == clip.frames == counted[-1][1] == counted[-1][2]
    assert (clip.layout, clip.factor) == ("magnified", 2)
    assert 0 < clip.appearance_kept <= 1
    refused: list[tuple[dict[str, Any], str]] = [
        ({"recording_id": "nobody"}, "no recording 'nobody'"), ({"layout": "big"}, "no layout 'big'"),
        ({"factor": 9}, "must lie between"), ({"span": (5, 6)}, "holds no clip"),
    ]  # fmt: skip
    for wrong, said in refused:
        given: dict[str, Any] = {"recording_id": name, "factor": 2, "out": tmp_path / "no.mp4"} | wrong
        with pytest.raises(ubam.UbamError, match=said):
            run.magnify(**given)


def test_a_deviation_from_embeddings_is_that_of_the_tables(copy: Path) -> None:
    run = ubam.open_run(copy)
    everyone = [run.embeddings(str(row["recording_id"])) for row in run.recordings]
    healthy = [one for one in everyone if one.group == "healthy"]
    fitted, frozen = ubam.Deviation().fit(healthy, everyone), ubam.Deviation.load(copy / "model" / "reference")
    assert fitted.subjects_ == frozen.subjects_ == [one.subject for one in healthy]
    for one, row in zip(everyone, run.recordings, strict=True):
        score = fitted.score(one)
        assert score.overall == pytest.approx(row["deviation"], rel=1e-4)
        assert score.static == pytest.approx(row["static"], rel=1e-4)
        assert len(score.time_s) == len(score.deviation)
        np.testing.assert_allclose(frozen.score(one).deviation, score.deviation, rtol=1e-4)


def test_a_frozen_reference_is_kept_and_read(copy: Path, tmp_path: Path) -> None:
    run = ubam.open_run(copy)
    everyone = [run.embeddings(str(row["recording_id"])) for row in run.recordings]
    fitted = ubam.Deviation().fit([one for one in everyone if one.group == "healthy"], everyone)
    fitted.save(tmp_path / "reference")
    again = ubam.Deviation.load(tmp_path / "reference")
    np.testing.assert_array_equal(again.score(everyone[0]).deviation, fitted.score(everyone[0]).deviation)


def test_the_model_of_a_run_encodes_as_the_run_did(copy: Path, crops: list[CroppedRecording]) -> None:
    made = ubam.Model.load(copy / "model").encode(crops[0])
    kept = ubam.open_run(copy).embeddings(crops[0].recording.recording_id)
    np.testing.assert_allclose(made.postures, kept.postures, atol=2e-3, rtol=2e-3)  # the run keeps half floats
    for name in ("time_s", "frame_index", "box", "window_start_s", "window_end_s"):
        np.testing.assert_array_equal(getattr(made, name), getattr(kept, name))


def test_a_model_is_fitted_saved_and_loaded(crops: list[CroppedRecording], tmp_path: Path) -> None:
    with tiny_quick():
        model = ubam.Model("quick", seed=1).fit(crops[:2])
    model.save(tmp_path / "model")
    again = ubam.Model.load(tmp_path / "model", device="cpu")
    np.testing.assert_allclose(again.encode(crops[0]).postures, model.encode(crops[0]).postures, atol=1e-5)
    model.landmarks_ = None
    model.save(tmp_path / "model")
    assert ubam.Model.load(tmp_path / "model", device="cpu").landmarks_ is None


def test_a_recording_is_magnified_without_a_run(copy: Path, crops: list[CroppedRecording], tmp_path: Path) -> None:
    model = ubam.Model.load(copy / "model")
    query = next(one for one in crops if one.recording.group == "impaired")
    healthy = [one for one in crops if one.recording.group == "healthy"]
    clip = ubam.magnify(query, healthy, model, 2, tmp_path / "clip.mp4", layout="magnified", span=(0.4, 0.8))
    assert probe(clip.path).frames_declared == clip.frames
    assert clip.path.with_suffix(".json").is_file()
    with pytest.raises(ubam.UbamError, match="a reference recording of another subject"):
        ubam.magnify(query, [query], model, 2, tmp_path / "no.mp4")


def test_the_subject_is_where_the_crops_are(crops: list[CroppedRecording]) -> None:
    one = crops[0]
    boxes = ubam.find_subject(one.recording)
    np.testing.assert_array_equal(boxes.box, one.store.box)
    np.testing.assert_array_equal(boxes.time_s, one.store.time_s)
    np.testing.assert_array_equal(boxes.frame_index, one.store.frame_index)
    assert ubam.find_subject(one.recording.video).body_height == boxes.body_height


def test_a_run_of_a_frozen_reference_has_no_pictures_to_magnify_with(copy: Path, tmp_path: Path) -> None:
    record = RunRecord(tmp_path / "run", {**RunRecord.open(copy).record})
    record.record["options"] = {**record.record["options"], "against": "somewhere"}
    record.save()
    with pytest.raises(RunError, match="scored by a frozen reference"):
        ubam.open_run(tmp_path / "run").magnify("human01", 2, tmp_path / "clip.mp4")
