"""Runs whose postures are landmarks, keypoints or both: what they write, and what does not fit together."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import call
from ubam.core.files import read_arrays, read_csv, write_csv
from ubam.encoding.saved_model import read_settings
from ubam.results.run_record import RunRecord

pytestmark = pytest.mark.usefixtures("tiny_preset", "plain_eye")
NAME = "human01"


@pytest.fixture(scope="module")
def seen(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the tiny study, scored again by the landmarks that the eye sees."""
    copy = tmp_path_factory.mktemp("landmarks") / "run"
    shutil.copytree(run, copy)
    assert call("score", copy, "--posture", "landmarks", "--workers", 1) == 0
    return copy


def test_landmarks_are_postures_and_nothing_is_trained(seen: Path, run: Path) -> None:
    arrays, before = (read_arrays(folder / "embeddings" / f"{NAME}.npz") for folder in (seen, run))
    code = json.loads((seen / "model" / "landmarks.json").read_text(encoding="utf-8"))
    width = 2 * len(code["names"])
    assert arrays["posture"].shape == (len(before["posture"]), width)
    assert arrays["looks"].shape == (width, width)
    assert arrays["behaviour"].shape == (len(before["behaviour"]), 4 * width)
    assert np.array_equal(arrays["window_start_s"], before["window_start_s"])
    assert np.isfinite(arrays["posture"]).all()
    record = RunRecord.open(seen).record
    assert record["plan"] == code["plan"] == "person"
    assert record["settings"]["posture"] == "landmarks"
    assert not (seen / "model" / "history.json").exists()
    assert len(read_csv(seen / "deviation" / "subjects.csv")) == 5


@pytest.mark.usefixtures("known_crops", "no_figures")
def test_new_subjects_are_scored_by_the_model_s_own_plan_and_code(seen: Path, study: Path, tmp_path: Path) -> None:
    rows = read_csv(study)
    for row in rows:
        row["video"] = str(study.parent / row["video"])
    one = next(row for row in rows if row["group"] != "healthy")
    write_csv(tmp_path / "one.csv", [one], list(rows[0]))
    words = ("score", tmp_path / "one.csv", "--against", seen, "--out", tmp_path / "one", "--workers", 1)
    assert call(*words) == 0
    then, now = (
        {row["subject"]: row["deviation"] for row in read_csv(folder / "deviation" / "subjects.csv")}
        for folder in (seen, tmp_path / "one")
    )
    assert now == {one["subject"]: then[one["subject"]]}
    assert RunRecord.open(tmp_path / "one").record["plan"] == "person"


def test_a_model_of_other_postures_or_another_plan_is_refused(
    seen: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, (model, asked, said) in enumerate([
        (run, ("--posture", "landmarks"), "made of learned numbers and landmarks, and --posture landmarks was asked"),
        (seen, ("--posture", "learned"), "are made of the landmarks that the eye sees, and --posture learned"),
        (seen, ("--posture", "landmarks", "--plan", "dog"), "of the body plan person, and --plan dog was asked for"),
    ]):  # fmt: skip
        copy = tmp_path / str(number)
        shutil.copytree(run, copy)
        assert call("train", copy, "--model", model / "model", *asked, "--workers", 1) == 2
        assert said in " ".join(capsys.readouterr().err.split())


def test_both_stand_beside_each_other_with_equal_weight(run: Path, seen: Path) -> None:
    learned = read_settings(run / "model")["posture_dim"]
    names = [path.name for path in (run / "embeddings").glob("*.npz")]
    postures = np.concatenate([read_arrays(run / "embeddings" / name)["posture"] for name in names]).astype(float)
    spread = postures.var(0)
    assert spread[learned:].sum() == pytest.approx(spread[:learned].sum(), rel=0.02)
    assert postures.shape[1] - learned == read_arrays(seen / "embeddings" / f"{NAME}.npz")["posture"].shape[1]


def test_without_landmarks_postures_are_learned_numbers_and_a_message_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    monkeypatch.setattr("ubam.encoding.landmarks.postures.FEWEST", 1000)
    assert call("embed", copy, "--seed", 1, "--workers", 1) == 0
    assert "Hardly a landmark of a person is seen in most recordings" in " ".join(capsys.readouterr().err.split())
    posture = read_arrays(copy / "embeddings" / f"{NAME}.npz")["posture"]
    assert posture.shape[1] == read_settings(run / "model")["posture_dim"]
    assert call("score", copy, "--seed", 1, "--workers", 1) == 0


def test_keypoints_alone_need_keypoints(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    assert call("embed", copy, "--posture", "keypoints", "--workers", 1) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "--posture keypoints takes keypoints of every recording. The study names none" in said


def with_keypoints(study: Path, folder: Path, count: int) -> list[dict[str, str]]:
    """Write `study.csv` of the first recordings with their true joints as keypoints of DeepLabCut; its rows."""
    rows = read_csv(study)[:count]
    for row in rows:
        truth, name = read_arrays(study.parent / "truth" / f"{Path(row['video']).stem}.npz"), Path(row["video"]).stem
        lines = ["scorer" + ",us" * 2 * len(truth["names"])]
        lines.append("bodyparts," + ",".join(f"{name},{name}" for name in truth["names"]))
        lines.append("coords" + ",x,y" * len(truth["names"]))
        lines += [f"{frame}," + ",".join(f"{v:.2f}" for v in xy.ravel()) for frame, xy in enumerate(truth["keypoints"])]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        row |= {"video": str(study.parent / row["video"]), "keypoints": f"{name}.csv"}
    write_csv(folder / "study.csv", rows, list(rows[0]))
    return rows


@pytest.mark.usefixtures("known_crops")
def test_the_user_s_own_keypoints_are_the_whole_posture(study: Path, tmp_path: Path) -> None:
    rows = with_keypoints(study, tmp_path, 3)
    words = ("embed", tmp_path / "run", "--study", tmp_path / "study.csv", "--posture", "keypoints", "--workers", 1)
    assert call(*words, "--reference", "none") == 0
    model, name = tmp_path / "run" / "model", Path(rows[0]["video"]).stem
    arrays = read_arrays(tmp_path / "run" / "embeddings" / f"{name}.npz")
    names = json.loads((model / "keypoints.json").read_text(encoding="utf-8"))["names"]
    assert arrays["posture"].shape[1] == 2 * len(names)
    assert "looks" not in arrays
    assert not (model / "landmarks.json").exists()


@pytest.mark.usefixtures("known_crops")
def test_keypoints_alone_stand_beside_the_score_that_they_joined(study: Path, run: Path, tmp_path: Path) -> None:
    with_keypoints(study, tmp_path, 5)
    asked = {"joined": ("--model", run / "model"), "alone": ("--posture", "keypoints")}
    for name, words in asked.items():
        assert call("score", tmp_path / name, "--study", tmp_path / "study.csv", *words, "--workers", 1) == 0
    joined, alone, without = (
        read_csv(folder / "deviation" / "subjects.csv") for folder in (tmp_path / "joined", tmp_path / "alone", run)
    )
    beside = {row["subject"]: float(row["deviation_keypoints"]) for row in joined}
    by_itself = {row["subject"]: float(row["deviation"]) for row in alone}
    assert beside == pytest.approx(by_itself, rel=0.02)  # postures of half precision, the keypoints in them scaled
    assert beside != pytest.approx({row["subject"]: float(row["deviation"]) for row in joined}, rel=0.1)
    found = [
        json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
        for folder in (tmp_path / "joined", tmp_path / "alone", run)
    ]
    assert ["keypoints" in one["controls"] for one in found] == [True, False, False]
    assert not any("deviation_keypoints" in rows[0] for rows in (alone, without))
    compared = found[0]["audit"]["comparisons"][0]["controls"]
    assert [row["name"] for row in compared][:2] == ["ubam", "keypoints"]
