"""The magnification benchmark: rows and measures on a drawn figure whose deviation is known."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support import stick_figure
from ubam.core.errors import UbamError
from ubam.evaluation.benchmark.clips.marks import ERRORS, separation
from ubam.evaluation.benchmark.clips.rows import CLIP_ROWS, Clip, Source, in_place_of
from ubam.evaluation.benchmark.clips.run import ClipCell, choose_clip_rows, row_values
from ubam.evaluation.benchmark.clips.study import ClipTruth, middle
from ubam.evaluation.benchmark.clips.table import CORRECTED, JOINTS, Column, clip_table, columns, study_value
from ubam.evaluation.benchmark.run import Rendering
from ubam.recordings.video_reader import read_frames
from ubam.results.records.clips import REASONS

pytestmark = pytest.mark.usefixtures("plain_eye")

LEAN, FACTORS, SHOWN = 14.0, (0.0, 1.0, 2.0), 5
STUDY = Rendering("human", "main", 1, 6, 1.0)


def drawn(lean: float) -> np.ndarray:
    """The clip's frames without noise, drawn at another lean."""
    return np.stack(stick_figure.pictures(lean, 230, 0)[20 : 20 + SHOWN])


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, ClipTruth]:
    """A figure that leans, beside three that do not, and what is true of it."""
    folder = tmp_path_factory.mktemp("clips")
    store, video = stick_figure.record(folder, "leaning", LEAN, 230, 0)
    others = {f"upright{n}": stick_figure.record(folder, f"upright{n}", 0.0, 190 + 20 * n, n + 1) for n in range(3)}
    sources = {name: Source(own, clip, stick_figure.embed(own.views)) for name, (own, clip) in others.items()}
    positions = np.arange(20, 20 + SHOWN)
    recorded = np.stack(list(read_frames(video, start_frame=20, stop_frame=20 + SHOWN)))
    posture, twin = stick_figure.embed(store.views), np.median([source.posture for source in sources.values()], axis=0)
    references = [(name, np.arange(stick_figure.FRAMES)) for name in sources]
    rendered = {factor: drawn(factor * LEAN) for factor in FACTORS}
    clip = Clip(store, video, positions, recorded, references, sources, stick_figure.embed, posture, twin, rendered)
    points, upright = (
        np.stack([stick_figure.joints(int(frame), lean) for frame in positions]).astype(float) for lean in (LEAN, 0.0)
    )
    empty = np.repeat(store.background()[None], SHOWN, 0)
    apart = {factor: np.abs(pictures.astype(int) - empty).max(-1) > 30 for factor, pictures in rendered.items()}
    truth = ClipTruth(points, upright, float(stick_figure.LEG + stick_figure.TRUNK + 8), empty, apart, points - upright)
    return clip, truth


def test_the_instruments_read_a_perfect_clip_as_perfect(known: tuple[Clip, ClipTruth]) -> None:
    values, frames = row_values(*known, "truth", FACTORS)
    assert not frames  # it marks none
    assert values["cosine@2"] > 0.9
    assert values["gain@2"] > 0.6
    assert values["cosine@0"] > 0.9
    assert values["ssim@2"] == pytest.approx(1)
    assert values["slope"] == pytest.approx(1, abs=0.2)
    assert values["ap@2"] == 1  # the head, one keypoint of four
    assert values["joints_cosine"] == pytest.approx(1)
    assert values["dose@2"] > values["dose@1"] > values["dose@0"]


def test_every_row_gives_pictures_of_the_recordings_size(known: tuple[Clip, ClipTruth]) -> None:
    clip, _ = known
    for name, make in CLIP_ROWS.items():
        if name == "ubam":  # below
            continue
        shown = make(clip, [0.0, 2.0])
        wanted = {"swap": {0.0}, "published": set(), "rebuilt": {1.0}, "copied": {1.0}}
        assert set(shown) == wanted.get(name, {0.0, 2.0})
        for pictures in shown.values():
            assert pictures.shape == clip.recorded.shape
            assert pictures.dtype == np.uint8


def test_our_clip_moves_along_the_deviation_and_keeps_the_background(known: tuple[Clip, ClipTruth]) -> None:
    values, frames = row_values(*known, "ubam", FACTORS)
    assert set(frames) == {*ERRORS, *REASONS}
    assert all(len(column) == SHOWN for column in frames.values())
    assert max(frames["behind"]) < 8  # grey levels: the recording has noise, the true picture has none
    assert values["cosine@2"] > 0.6
    assert 0.2 < values["gain@2"] < 2
    assert values["background@2"] == 0
    assert values["sharpness@2"] > 0.6


def test_a_frame_is_built_from_another_of_its_recording(known: tuple[Clip, ClipTruth]) -> None:
    clip, _ = known
    quarter = replace(
        clip, positions=np.arange(16, 16 + SHOWN)
    )  # half a recording on the figure is a step and a half on
    source, built = (CLIP_ROWS[name](quarter, [1.0])[1.0] for name in ("copied", "rebuilt"))
    assert np.array_equal(source[0], next(read_frames(clip.video, start_frame=40, stop_frame=41)))
    assert not np.array_equal(source, built)
    assert (source[:, :, :40] == built[:, :, :40]).all()  # the wall where the figure has long been


def test_another_subject_takes_the_place_and_leaves_the_wall(known: tuple[Clip, ClipTruth]) -> None:
    clip, truth = known
    shown = in_place_of(clip, [("upright1", 20 + number) for number in range(SHOWN)])
    apart = np.abs(shown.astype(int) - truth.empty).max(-1) > 30
    wanted = truth.masks[0.0]
    assert (apart & wanted).sum() / (apart | wanted).sum() > 0.6
    far = np.ones(shown.shape[:3], bool)
    columns = np.flatnonzero((apart | truth.masks[1.0]).any((0, 1)))
    far[:, :, max(columns[0] - 6, 0) : columns[-1] + 7] = False
    assert np.array_equal(shown[far], clip.recorded[far])


def test_a_healthy_subject_is_asked_for_the_null_alone(known: tuple[Clip, ClipTruth]) -> None:
    values, _ = row_values(*known, "eulerian", (1.0, 2.0))
    assert set(values) == {"null_shown", "null_own"}
    assert values["null_shown"] > 0


def cell(recording: str, row: str, cosine: float, impairment: str = "lean") -> ClipCell:
    return ClipCell(STUDY, recording, impairment, row, "", {"cosine@2": cosine, "joints_cosine": 0.7})


def test_the_ruler_is_divided_out_over_the_same_recordings() -> None:
    cells = [cell("a", "truth", 0.8), cell("b", "truth", 0.4, "limp"), cell("a", "ubam", 0.4), cell("b", "ubam", 0.2)]
    cells[-1] = replace(cells[-1], impairment="limp")
    column = Column("cosine@2", "cos")
    assert study_value(cells, "truth", column) == pytest.approx(0.6)
    assert study_value(cells, "ubam", column) == pytest.approx(0.3 / 0.6)
    assert study_value(cells[:3], "ubam", column) == pytest.approx(0.5)
    assert study_value(cells, "ubam", replace(column, impairment="limp")) == pytest.approx(0.5)
    assert study_value(cells, JOINTS, column) == pytest.approx(0.7)
    assert np.isnan(study_value(cells, "eulerian", column))
    assert all(name.split("@")[0] in CORRECTED for name in [c.name for c in columns(["lean"])["direction"]])
    assert "ubam" in clip_table(cells, ["truth", "ubam"])


def of_frames(**columns: list[float]) -> dict[str, np.ndarray]:
    count = len(columns["off"])
    return {name: np.array(columns.get(name, [0.0] * count)) for name in (*ERRORS, *REASONS)}


def test_marks_that_tell_misleading_frames_are_told_from_marks_that_do_not() -> None:
    frames = of_frames(
        off=[1, 1, 6, 6, 0.2], true=[4, 4, 4, 4, 0], shown=[4, 4, 6, 6, 0.2], unlike=[0.1, 0.1, 0.4, 0.6, 0.1],
        unsure=[0.2, 0.9, 1.1, 3, 0], torn=[2, 0, 0, 0, 0], dose=[0.5, 0.5, 0.5, 0.5, 0.5],
    )  # fmt: skip
    found = separation(frames)
    assert found["marked"] == 0.6
    assert found["misled marked"] == pytest.approx(2 / 3)
    assert found["misled others"] == 0  # the last one shows nothing
    assert found["worse marked"] == pytest.approx(1 / 3)
    assert found["worse others"] == pytest.approx(-1.4)
    assert found["unlike others"] == pytest.approx(0.1)
    assert (found["AUC unsure"], found["AUC torn"]) == (1, 0.25)
    assert np.isnan(found["AUC dose"])


def test_a_rebuilt_recording_is_judged_by_its_pictures() -> None:
    found = separation(of_frames(off=[1, 1, 2, 2], shown=[1, 1, 2, 2], unlike=[0.1, 0.2, 0.5, 0.6], ghost=[0, 0, 2, 3]))
    assert "misled marked" not in found
    assert found["AUC ghost"] == 1
    assert found["unlike marked"] == pytest.approx(0.55)
    assert found["unlike others"] == pytest.approx(0.15)


def test_a_row_that_is_none_is_named_and_truth_is_always_measured() -> None:
    assert choose_clip_rows(["eulerian"]) == ["truth", "eulerian"]
    assert choose_clip_rows([]) == list(CLIP_ROWS)
    with pytest.raises(UbamError, match="no row 'nonsense' of clips; the rows are truth; ubam"):
        choose_clip_rows(["nonsense"])


def test_a_clip_is_the_middle_of_the_recording_and_no_longer_than_it() -> None:
    assert middle(100).tolist() == list(range(38, 62))
    assert middle(10).tolist() == list(range(10))
