"""What version 0.1.0 wrote still opens: a run folder, its model, its frozen reference and a crop store.

The fixture is a finished run of four rendered subjects with small networks, without its figures and videos.
"""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ubam.core.errors import ModelError
from ubam.core.files import read_arrays, read_csv
from ubam.deviation.frozen_reference import find_reference, fingerprint
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.reference_model import ReferenceModel
from ubam.encoding.embedding import embed_postures, stride_of
from ubam.encoding.saved_model import Networks
from ubam.magnification.gap_filling_network import load_gap_filling
from ubam.pipeline.plan import plan_scoring
from ubam.report.page import write_report
from ubam.results.run_data import read_run
from ubam.results.run_record import RunRecord
from ubam.tracking.crop_store import CropStore

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "run-0.1.0.zip"


@pytest.fixture(scope="module")
def old_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old") / "run"
    with zipfile.ZipFile(FIXTURE) as archive:
        archive.extractall(folder)
    return folder


def test_the_record_and_the_report(old_run: Path) -> None:
    assert set(RunRecord.open(old_run).record["stages"]) >= {"crops", "train", "embed", "score", "magnify", "report"}
    assert [score.subject for score in read_run(old_run).subjects] == [
        row["subject"] for row in read_csv(old_run / "deviation" / "subjects.csv")
    ]
    assert "human03" in write_report(old_run).read_text(encoding="utf-8")


def test_the_model_gives_the_same_postures(old_run: Path) -> None:
    model, store = Networks.load(old_run / "model"), CropStore.open(old_run / "crops" / "human03")
    kept = read_arrays(old_run / "embeddings" / "human03.npz")["posture"]
    np.testing.assert_allclose(embed_postures(model.posture, store.views), kept, atol=0.02)
    assert load_gap_filling(old_run / "model") is not None


def test_new_recordings_are_not_compared_with_outlines_of_another_version(old_run: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.csv"
    study.write_text("video,subject,group\nnew.mp4,new,impaired\n")
    (tmp_path / "new.mp4").write_bytes(b"")
    with pytest.raises(ModelError, match="draws other outlines"):
        plan_scoring(study, old_run, {})


def test_the_frozen_reference_gives_the_same_deviation(old_run: Path) -> None:
    frozen = find_reference(old_run)
    assert frozen.model == fingerprint(old_run / "model")
    arrays, store = read_arrays(old_run / "embeddings" / "human03.npz"), CropStore.open(old_run / "crops" / "human03")
    series = PostureSeries("human03", "human03", "impaired", arrays["posture"], stride_of(store.fps), store.fps)
    found = ReferenceModel.load(frozen.folder).score(series)
    [row] = [row for row in read_csv(old_run / "deviation" / "recordings.csv") if row["recording_id"] == "human03"]
    assert float(np.mean(found.static)) == pytest.approx(float(row["static"]), rel=0.01)
