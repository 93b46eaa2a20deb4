"""The measures against answers worked out by hand or slowly, and a whole benchmark on drawn and rendered subjects."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import call
from tests.support.plain_eye import plain_eye
from tests.support.posture_studies import make_study
from tests.support.stick_figure import PERIOD, joints, pictures
from ubam.core.files import read_csv, write_arrays, write_csv
from ubam.encoding.embedding import embed_behaviours
from ubam.encoding.encoders import BehaviourEncoder
from ubam.evaluation.benchmark import rows as benchmark_rows
from ubam.evaluation.benchmark import run as run_module
from ubam.evaluation.benchmark.measures import (
    Samples,
    changing,
    deviation_measures,
    explained,
    identity_accuracy,
    identity_nearest,
    keypoints_near,
    mean_average_precision,
    nearest_elsewhere,
    phase_distance,
    phase_error,
    rank_correlation,
    read_out,
    root_centred,
    shuffled_auc,
)
from ubam.evaluation.benchmark.rows import REFERENCE, Coded, KnownStudy, Row, stacked, supervised, true_keypoints
from ubam.evaluation.benchmark.rows import benchmark_rows as all_rows
from ubam.evaluation.benchmark.run import (
    Cell,
    Rendering,
    cell_values,
    measure,
    open_study,
    prepare,
    samples,
    source_fingerprint,
)
from ubam.evaluation.benchmark.table import table
from ubam.evaluation.synthetic.study import StudySpec
from ubam.recordings.video_writer import write_clip
from ubam.tracking.crop_store import CropStore

TINY = Rendering("human", "main", 1, 6, 1.0)
DRAWN = 24  # frames of a stick figure


def walking(seed: int, subjects: int = 6, frames: int = 60, noise: float = 0.05) -> Samples:
    """Subjects whose features and keypoints go round with the phase, two recordings each."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(size=(subjects, frames))
    around = np.stack([np.cos(2 * np.pi * phase), np.sin(2 * np.pi * phase)], axis=-1).reshape(-1, 2)
    features = around @ rng.normal(size=(2, 5)) + noise * rng.normal(size=(len(around), 5))
    recording = np.tile(np.arange(frames) * 2 // frames, subjects)
    return Samples(features, np.repeat(np.arange(subjects), frames), recording, phase.ravel(), around[:, None])


def test_keypoints_are_read_from_the_middle_of_the_hips_in_body_heights() -> None:
    keypoints = np.array([[[10.0, 20.0], [0.0, 0.0], [4.0, 2.0]]])
    centred = root_centred(keypoints, ["nose", "hip_left", "hip_right"], 2.0)
    assert np.allclose(centred, [[[4.0, 9.5], [-1.0, -0.5], [1.0, 0.5]]])


def test_read_out_errors_are_as_worked_out_by_hand() -> None:
    truth = np.array([[[0.0, 0.0]], [[0.0, 2.0]]])
    assert explained(truth, np.array([[[0.0, 0.0]], [[0.0, 1.0]]])) == pytest.approx(0.5)  # 1 - 1 / (1 + 1)
    assert explained(truth, np.full((2, 1, 2), [0.0, 1.0])) == pytest.approx(0.0)
    assert keypoints_near(truth, truth + np.array([[[0.03, 0.039]], [[0.04, 0.031]]])) == 0.5


def test_the_read_out_never_profits_from_frames_of_the_same_subject() -> None:
    study = walking(0)
    assert explained(study.keypoints, read_out(study.features, study.keypoints, study.subject)) > 0.97
    rng = np.random.default_rng(0)
    own = rng.normal(size=(6, 40))[study.subject]  # who it is, and nothing of the movement
    place = rng.normal(size=(6, 1, 2))[study.subject]  # each subject stands differently
    assert explained(place, read_out(own, place, study.subject)) < 0.1


def test_neighbours_are_those_that_a_loop_finds() -> None:
    study = walking(1, frames=15, noise=1.0)
    queries = np.arange(0, len(study.phase), 4)
    centred = study.features - study.features.mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    for query, found in zip(queries, nearest_elsewhere(study.features, study.subject, queries), strict=True):
        others = [row for row in range(len(unit)) if study.subject[row] != study.subject[query]]
        assert found == max(others, key=lambda row: unit[row] @ unit[query])


def test_phase_errors_go_round_the_cycle_and_have_their_chance() -> None:
    assert phase_distance(np.array([0.95, 0.1]), np.array([0.05, 0.6])) == pytest.approx([0.1, 0.5])
    assert phase_distance(np.array([0.95, 0.1]), np.array([0.05, 0.6]), 0.5) == pytest.approx([0.1, 0.0])
    assert phase_error(walking(2, noise=0.0)) < 3
    lost = walking(2, subjects=10, frames=200)
    lost = replace(lost, features=np.random.default_rng(0).normal(size=(2000, 8)))
    assert phase_error(lost) == pytest.approx(90, abs=6)
    assert phase_error(lost, 0.5, every=2) == pytest.approx(45, abs=4)


def test_average_precision_is_that_of_a_loop_and_chance_where_nothing_is_known() -> None:
    study = walking(3, frames=12, noise=0.8)
    centred = study.features - study.features.mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    average = []
    for query in range(len(unit)):
        others = [row for row in range(len(unit)) if study.subject[row] != study.subject[query]]
        ranked = sorted(others, key=lambda row: -(unit[row] @ unit[query]))
        apart = [abs(study.phase[row] - study.phase[query]) for row in ranked]
        relevant = [min(d, 1 - d) <= 1 / 12 for d in apart]
        precision = [sum(relevant[: rank + 1]) / (rank + 1) for rank, hit in enumerate(relevant) if hit]
        average += [np.mean(precision)] if precision else []
    assert mean_average_precision(study)[0] == pytest.approx(np.mean(average), abs=1e-5)
    lost = replace(walking(3), features=np.random.default_rng(1).normal(size=(360, 5)))
    found, chance = mean_average_precision(lost)
    assert chance == pytest.approx(1 / 6, abs=0.02)  # 60 of 360 degrees
    assert found == pytest.approx(chance, abs=0.03)


def test_the_identity_probe_is_asked_about_the_other_recording() -> None:
    study = walking(4)
    rng = np.random.default_rng(4)
    looks = rng.normal(size=(6, 5))
    assert identity_accuracy(replace(study, features=looks[study.subject] + 0.01 * study.features)) == 1.0
    learnt_by_heart = rng.normal(size=(6, 2, 5))[study.subject, study.recording]  # another look in each recording
    assert identity_accuracy(replace(study, features=learnt_by_heart)) < 0.7


def test_who_it_is_cannot_be_asked_where_nobody_has_a_second_recording() -> None:
    first = replace(walking(4), recording=np.zeros(360, int))
    assert np.isnan(identity_accuracy(first))
    assert np.isnan(identity_nearest(first))


def test_studies_of_one_recording_a_subject_are_other_studies() -> None:
    assert TINY.name == "human-main-1-6x1s"
    assert replace(TINY, recordings=1).name == "human-main-1-6x1x1s"
    assert replace(TINY, recordings=1).spec.recordings_per_subject == 1


def normalised(samples: Samples) -> np.ndarray:
    centred = samples.features - samples.features.mean(0)
    return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def test_what_changes_in_a_recording_has_its_movement_and_not_its_looks() -> None:
    study = walking(4, frames=120)
    looks = 5 * np.random.default_rng(4).normal(size=(6, 2, 5))[study.subject, study.recording]
    seen = replace(study, features=study.features + looks)
    moving = changing(seen)
    for subject, number in ((0, 0), (5, 1)):
        mine = (seen.subject == subject) & (seen.recording == number)
        assert moving.features[mine] == pytest.approx(seen.features[mine] - seen.features[mine].mean(0), abs=1e-5)
    assert mean_average_precision(moving)[0] > mean_average_precision(seen)[0] + 0.2
    assert identity_nearest(seen) < 0.35  # looks differ from one recording of a subject to the next
    assert identity_nearest(moving) < 0.35
    own = np.random.default_rng(5).normal(size=(6, 5))[study.subject]  # what sets a subject apart in both recordings
    assert identity_nearest(replace(study, features=study.features + 5 * own)) == 1.0
    unit, first, right = normalised(moving), np.flatnonzero(study.recording == 0), []
    for row in np.flatnonzero(study.recording == 1):
        nearest = first[np.argmax([unit[row] @ unit[other] for other in first])]
        right.append(study.subject[nearest] == study.subject[row])
    assert identity_nearest(moving) == pytest.approx(np.mean(right))


def test_deviation_finds_a_planted_difference_and_no_other() -> None:
    codes = make_study(5, 6, 4, shift=8.0)
    severity = {code.subject: 3.0 if code.group == "impaired" else 0.0 for code in codes}
    found = deviation_measures(codes, severity, "healthy")
    assert found["auc"] == 1.0
    assert found["p"] < 0.05
    assert found["rho"] > 0.7
    assert np.isnan(found["rho_impaired"])  # all the same severity
    assert "p" not in deviation_measures(codes, severity, "healthy", test=False)
    # one draw of so few subjects, of whom four move otherwise, has a standard deviation of 0.2
    assert shuffled_auc(codes, "healthy", draws=20) == pytest.approx(0.5, abs=0.17)


def test_a_method_may_bring_its_own_scores() -> None:
    codes = make_study(6, 3, 3)
    scores = {"r0": 1.0, "r1": 2.0, "r2": 3.0, "q0": 2.5, "q1": 4.0, "q2": 5.0}
    severity = {"r0": 0.0, "r1": 0.0, "r2": 0.0, "q0": 0.2, "q1": 0.9, "q2": 0.5}
    found = deviation_measures(codes, severity, "healthy", scores=scores)
    assert found["auc"] == pytest.approx(8 / 9)
    assert found["rho_impaired"] == pytest.approx(0.5)
    assert set(found) == {"auc", "rho", "rho_impaired"}
    assert np.isnan(rank_correlation(np.array([1.0, 2.0]), np.array([0.1, 0.2])))


def test_windows_without_a_network_are_the_windows_of_the_network() -> None:
    posture = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    made = stacked(posture, 2)
    _, first, last = embed_behaviours(BehaviourEncoder(4, 3), posture, 2)
    assert np.array_equal(made.first, first)
    assert np.array_equal(made.last, last)
    window = posture[first[1] : last[1] + 1 : 2]
    assert np.allclose(made.behaviour[1], (window - window.mean(0)).ravel(), atol=1e-6)


def draw_study(out: Path, spec: StudySpec) -> Path:
    """In place of `synthesise_study`, which takes longer: stick figures, the second and fourth of them leaning."""
    rows = []
    for number in range(spec.subjects * spec.recordings_per_subject):
        subject, session = divmod(number, spec.recordings_per_subject)
        lean = {1: 12.0, 3: 20.0}.get(subject, 0.0)
        name, frames = f"s{subject}_{session}", pictures(lean, 180 + 10 * subject, number)[:DRAWN]
        write_clip(out / f"{name}.mp4", iter(frames), 25, crf=12)
        points = np.stack([joints(frame, lean) for frame in range(DRAWN)])[:, [0, 1, 1, 2, 3]]
        truth = {"keypoints": points, "names": np.array(["head", "hip_right", "hip_left", "foot_1", "foot_2"])}
        truth |= {"phase": np.arange(DRAWN) / PERIOD % 1, "body_height": np.array(70.0)}
        write_arrays(out / "truth" / f"{name}.npz", **truth)
        rows.append({"video": f"{name}.mp4", "subject": f"s{subject}", "severity": lean / 20})
        rows[-1]["group"] = "impaired" if lean else "healthy"
    write_csv(out / "study.csv", rows, ("video", "subject", "group", "severity"))
    return out / "study.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark folder with one small study."""
    out = tmp_path_factory.mktemp("benchmark")
    with pytest.MonkeyPatch.context() as patched, plain_eye():
        patched.setattr(run_module, "synthesise_study", draw_study)
        prepare(out, TINY)
    return out


@pytest.fixture(scope="module")
def known(folder: Path) -> KnownStudy:
    return open_study(folder / "studies" / TINY.name)


def test_frames_without_the_subject_are_not_measured(known: KnownStudy) -> None:
    found = known.stores[0].found.copy()
    found[9] = False
    stores = [replace(known.stores[0], found=found), *known.stores[1:]]
    embeddings = true_keypoints(known).embeddings
    whole, gappy = samples(known, embeddings), samples(replace(known, stores=stores), embeddings)
    assert len(whole[0].phase) - len(gappy[0].phase) == 1
    assert np.array_equal(np.delete(whole[0].phase, 9), gappy[0].phase)
    hit = (embeddings[0].first <= 9) & (embeddings[0].last >= 9)
    assert len(whole[1].phase) - len(gappy[1].phase) == hit.sum() > 0
    assert [set(part.recording) for part in gappy] == [{0, 1}, {0, 1}]


def test_the_supervised_ceiling_never_sees_the_subjects_that_it_reads(
    known: KnownStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    class Watched:
        def __init__(self, study: KnownStudy, chosen: np.ndarray, *_: object) -> None:
            seen.append({study.recordings[index].subject for index in chosen})
            self.number = len(seen) - 1

        def read(self, store: CropStore) -> tuple[np.ndarray, np.ndarray]:
            return np.full((len(store.views), 10), self.number, np.float32), np.eye(10, dtype=np.float32)

    monkeypatch.setattr(benchmark_rows, "train_reader", Watched)
    coded = supervised(known, benchmark_rows.STANDARD)
    for recording, embedding in zip(known.recordings, coded.embeddings, strict=True):
        assert recording.subject not in seen[int(embedding.posture[0, 0])]


def test_a_reader_learns_keypoints(known: KnownStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(benchmark_rows.STANDARD, train_steps=60)
    monkeypatch.setattr(benchmark_rows, "SUPERVISED_FRAMES", 24)
    reader = benchmark_rows.train_reader(known, np.arange(2, 12), settings, 0)
    truth = known.truths[0].keypoints
    read, looks = reader.read(known.stores[0])
    assert explained(truth, read.reshape(truth.shape)) > 0.2
    assert looks.shape == (read.shape[1],) * 2


def test_a_stopped_benchmark_goes_on_and_the_files_say_what_the_table_says(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words: tuple[object, ...] = (
        "benchmark",
        "--out",
        folder,
        "--kind",
        "human",
        "--seed",
        1,
        "--subjects",
        6,
        "--seconds",
        1,
    )
    words += ("--study-kind", "main", "--row", "pixel", "--row", "keypoints", "--workers", 1)
    assert call(*words) == 0
    first = capsys.readouterr().out
    cells = {path: path.stat().st_mtime_ns for path in folder.glob("cells/*/*.json")}
    assert len(cells) == 2
    stopped = next(path for path in cells if path.name.startswith("keypoints"))
    stopped.unlink()
    assert call(*words) == 0
    assert capsys.readouterr().out == first
    assert all(path == stopped or path.stat().st_mtime_ns == before for path, before in cells.items())
    rows = [row for row in read_csv(folder / "benchmark.csv") if row["row"] == "keypoints"]
    assert {(row["study"], row["kind"], row["seed"]) for row in rows} == {("main", "human", "1")}
    values = {row["measure"]: float(row["value"]) for row in rows if row["value"]}
    assert values["pck"] > 0.95  # the true keypoints, read from themselves
    assert values["phase_posture"] < 30  # drawn phases are 22.5 degrees apart
    line = next(line for line in first.splitlines() if line.startswith("keypoints"))
    assert line.split()[1:4] == [f"{values['r2w']:.2f}", f"{values['pck']:.2f}", f"{values['phase_posture']:.1f}"]
    facts = json.loads((folder / "benchmark.json").read_text())
    assert facts["studies"][0]["seed"] == 1
    assert {"ubam", "torch", "numpy"} <= set(facts["versions"])
    assert facts["rows"]["pixel"]["settings"]["posture_dim"] == 64
    means = {(m["kind"], m["row"], m["measure"]): m["mean"] for m in facts["means"]}
    assert means["human", "keypoints", "pck"] == pytest.approx(values["pck"], rel=1e-4)


def test_long_values_of_the_table_do_not_run_together() -> None:
    """Three digits with their error filled a column, and stood as one number: 0.390±0.1500.254±0.107."""
    values = {"auc": 0.75, "p": 0.1234, "positive": 0.5, "positive_drawn": 0.25}
    studies = [Rendering("human", "null", seed, 6, 1.0) for seed in (1, 2)]
    name = "objective order-curriculum"
    cells = [
        Cell(study, name, source_fingerprint(), {key: value * share for key, value in values.items()})
        for study, share in zip(studies, (1.0, 0.5), strict=True)
    ]
    line = next(line for line in table(cells, [name]).splitlines() if line.startswith(name))
    assert line.removeprefix(name).split() == ["0.56±0.19", "0.093±0.031", "0.375±0.125", "0.188±0.062"]


def test_rows_with_the_same_coding_share_it_and_bring_their_own_scores(
    folder: Path, known: KnownStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def code(study: KnownStudy) -> Coded:
        asked.append(1)
        return replace(true_keypoints(study), scores=study.severity, train_s=2.0)

    rows = [Row("mine", "mine", {"a": 1}, code), Row("mine, shuffled", "mine", {"a": 1}, code, shuffled=True)]
    monkeypatch.setattr(run_module, "benchmark_rows", lambda: {row.name: row for row in rows})
    mine, shuffled = measure(folder, TINY, [row.name for row in rows])
    assert asked == [1]
    assert [mine.values[name] for name in ("auc", "rho", "train_s")] == pytest.approx([1, 1, 2])
    assert "p" not in mine.values
    assert set(shuffled.values) == {"auc"}
    measure(folder, TINY, ["mine"])
    assert asked == [1]
    changed = replace(rows[0], settings={"a": 2})
    monkeypatch.setattr(run_module, "benchmark_rows", lambda: {"mine": changed})
    measure(folder, TINY, ["mine"])
    assert asked == [1, 1]


def test_errors_are_scored_alone_on_null_studies_and_groups_are_tested_when_that_is_asked(known: KnownStudy) -> None:
    off = []
    for number, (who, truth) in enumerate(zip(known.recordings, known.truths, strict=True)):
        size = float(who.group != REFERENCE) + 0.01 * number
        off.append(np.full((len(truth.keypoints), 4), size, np.float32))
    row = Row("mine", "mine", {}, true_keypoints, errors=lambda _: off)
    null, coded = replace(TINY, variety="null"), true_keypoints(known)
    found = cell_values(null, row, known, coded, tests=False)
    assert found["errors_alone"] == 1.0
    assert not {"p", "p_drawn"} & set(found)
    walls = replace(TINY, variety="confounded 0.5")
    assert "errors_alone" not in cell_values(walls, row, known, coded)


def test_every_control_and_ceiling_is_a_row(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names: Sequence[str] = list(all_rows())
    assert {"untrained", "pixel", "background", "shuffled labels", "supervised", "keypoints", "standard"} <= set(names)
    assert call("benchmark", "--out", tmp_path / "b", "--row", "nonsense") == 2
    assert "the rows are untrained, pixel" in capsys.readouterr().err


@pytest.mark.slow
def test_a_benchmark_on_rendered_subjects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words: tuple[object, ...] = ("--subjects", 6, "--seconds", 1, "--seed", 4, "--kind", "rodent", "--workers", 2)
    words += ("--study-kind", "main", "--study-kind", "null")
    rows = ("--row", "background", "--row", "pixel", "--row", "keypoints")
    assert call("benchmark", "--out", tmp_path, *words, *rows) == 0
    printed = capsys.readouterr().out
    assert "null AUC" in printed
    found = read_csv(tmp_path / "benchmark.csv")
    assert {row["study"] for row in found} == {"main", "null"}
    errors = {row["row"]: float(row["value"]) for row in found if row["measure"] == "phase_posture"}
    assert errors["keypoints"] < 20
    assert errors["background"] > 60
