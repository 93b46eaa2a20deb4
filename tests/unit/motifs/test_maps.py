"""Maps keep what is near near, show subjects alike, and say what each of their points is."""

import numpy as np
import pytest

from ubam.motifs.discovery import Motifs, WindowSet
from ubam.motifs.maps import draw_maps, flatten
from ubam.report.sections.maps import share_of_recording


def _study(lengths: list[int]) -> tuple[list[WindowSet], list[dict[str, np.ndarray]], Motifs]:
    rng = np.random.default_rng(0)
    windows, embeddings = [], []
    for number, length in enumerate(lengths):
        start = 0.16 * np.arange(length)
        arrays = {"posture": rng.normal(size=(4 * length, 6)), "time_s": 0.04 * np.arange(4 * length)}
        arrays |= {"behaviour": rng.normal(size=(length, 5)), "window_start_s": start, "window_end_s": start + 0.28}
        windows.append(WindowSet(f"r{number}", f"s{number}", "healthy", arrays["behaviour"], start, start + 0.28))
        embeddings.append(arrays)
    labels = [1 + np.arange(length) % 3 for length in lengths]
    codes = [one.behaviour for one in windows]
    motifs = Motifs(labels, codes, [np.zeros(n) for n in lengths], 3, {}, "behaviours", [0] * 3, 0.0, np.nan)
    return windows, embeddings, motifs


def test_every_point_is_a_moment_with_its_recording_time_and_motif() -> None:
    windows, embeddings, motifs = _study([30, 0, 20])
    maps = draw_maps(windows, embeddings, motifs, seed=0)
    for what, count in (("posture", 200), ("behaviour", 50)):
        assert maps[f"{what}_xy"].shape == (count, 2)
        assert np.isfinite(maps[f"{what}_xy"]).all()
        assert len(maps[f"{what}_recording"]) == len(maps[f"{what}_time_s"]) == count
    second = maps["behaviour_recording"] == "r2"
    assert maps["behaviour_time_s"][second] == pytest.approx(0.14 + 0.16 * np.arange(20))
    assert maps["behaviour_motif"][second].tolist() == motifs.labels[2].tolist()
    again = draw_maps(windows, embeddings, motifs, seed=0)
    assert all((maps[name] == again[name]).all() for name in maps)


def test_a_long_recording_takes_no_more_of_the_map_than_its_subjects_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ubam.motifs.maps.MAP_POINTS", 60)
    maps = draw_maps(*_study([400, 30, 30]), seed=0)
    assert np.unique(maps["behaviour_recording"], return_counts=True)[1].tolist() == [20, 20, 20]
    assert maps["behaviour_time_s"][:20].max() > 60


@pytest.mark.parametrize("count", [0, 1, 2, 39])
def test_few_points_are_laid_out_too(count: int) -> None:
    xy = flatten(np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32), 0)
    assert xy.shape == (count, 2)
    assert np.isfinite(xy).all()


def test_heaps_stay_heaps() -> None:
    rng = np.random.default_rng(0)
    heap = np.repeat(np.arange(3), 40)
    xy = flatten((20 * np.eye(8)[heap] + rng.normal(size=(120, 8))).astype(np.float32), 0)
    far = np.linalg.norm(xy[:, None] - xy[None], axis=2) + np.diag(np.full(120, np.inf))
    assert (heap[far.argmin(1)] == heap).all()


def test_time_is_told_within_the_recording() -> None:
    share = share_of_recording(np.array(["a", "b", "a", "b", "c"]), np.array([10.0, 0.0, 12.0, 4.0, 3.0]))
    assert share.tolist() == [0, 0, 1, 1, 0]
