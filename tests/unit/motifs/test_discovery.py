"""Planted behaviours are found whatever the bodies and the usage; a gait is called one movement; bouts are exact."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from ubam.core.files import read_csv
from ubam.motifs.clustering import blurred_pairs
from ubam.motifs.discovery import Motifs, WindowSet, balanced_rows, bouts, find_motifs, self_similarity, smooth_path
from ubam.motifs.tables import cycle_of, describe_motifs, motif_tables, write_motifs
from ubam.results.records.motifs import Cycle
from ubam.results.run_folder import RunFolder

STEP = 0.16
Study = tuple[list[WindowSet], list[np.ndarray], Motifs]


def window_set(name: str, subject: str, group: str, behaviour: np.ndarray) -> WindowSet:
    start = STEP * np.arange(len(behaviour))
    return WindowSet(name, subject, group, behaviour.astype(np.float32), start, start + 0.28)


def planted(seed: int, body: float = 1.0, length: int = 120) -> tuple[list[WindowSet], list[np.ndarray]]:
    """Eight subjects who use three behaviours to very different shares, each with a body (offset) of its own."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, 12))
    centres *= 4 / np.linalg.norm(centres, axis=1, keepdims=True)
    windows, truth = [], []
    for number in range(8):
        usage, labels = rng.dirichlet(np.full(3, 2.0)), np.empty(0, int)
        while len(labels) < length:
            labels = np.r_[labels, np.repeat(rng.choice(3, p=usage), rng.integers(4, 15))]
        truth.append(labels[:length])
        behaviour = centres[truth[-1]] + body * rng.normal(size=12) + 0.7 * rng.normal(size=(length, 12))
        windows.append(window_set(f"r{number}", f"s{number}", "healthy" if number < 4 else "ill", behaviour))
    return windows, truth


def gait(seed: int, subjects: int = 8, length: int = 60) -> list[WindowSet]:
    """Subjects walking at a pace of their own, about 7 windows to a cycle."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(10, 4)))[0].T * np.array([3, 2.6, 1, 0.9])[:, None]
    windows = []
    for number in range(subjects):
        angle = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(length) / rng.uniform(6.5, 7.5)
        turn = np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)], axis=1)
        behaviour = turn @ axes + 0.3 * rng.normal(size=10) + 0.15 * rng.normal(size=(length, 10))
        windows.append(window_set(f"r{number}", f"s{number}", "healthy", behaviour))
    return windows


@pytest.fixture(scope="module")
def study() -> Study:
    """A planted study, its truth and the motifs found."""
    windows, truth = planted(1, body=0.3)
    return windows, truth, find_motifs(windows, "healthy")


def test_planted_behaviours_are_found_whatever_the_usage(study: Study) -> None:
    _recovered(*study)


def test_planted_behaviours_are_found_whatever_the_bodies() -> None:
    windows, truth = planted(2, body=1.0)  # with recordings' means taken away, the index is 0.73
    _recovered(windows, truth, find_motifs(windows, "healthy"))


def _recovered(windows: list[WindowSet], truth: list[np.ndarray], motifs: Motifs) -> None:
    assert (motifs.count, motifs.kind, motifs.blurred) == (3, "behaviours", [0, 0, 0])
    assert adjusted_rand_score(np.concatenate(truth), np.concatenate(motifs.labels)) > 0.97
    usage = motif_tables(windows, motifs)["usage"][0]
    for one, own in zip(windows, truth, strict=True):
        shares = sorted(float(str(row["share"])) for row in usage if row["subject"] == one.subject)
        assert shares == pytest.approx(sorted(np.bincount(own, minlength=3) / len(own)), abs=0.03)


def test_motifs_are_numbered_by_their_usage_in_the_reference_and_come_out_the_same_again(study: Study) -> None:
    windows, _, motifs = study
    again = find_motifs(windows, "healthy")
    assert all((one == other).all() for one, other in zip(motifs.labels, again.labels, strict=True))
    rows = [row for row in motif_tables(windows, motifs)["usage"][0] if row["group"] == "healthy"]
    means = [np.mean([row["share"] for row in rows if row["motif"] == motif]) for motif in range(1, motifs.count + 1)]
    assert means == sorted(means, reverse=True)


def test_a_long_recording_of_one_subject_does_not_outweigh_the_others() -> None:
    windows, truth = planted(4)
    long = windows[0]
    windows[0] = window_set("r0", "s0", "healthy", np.tile(long.behaviour, (20, 1)))
    motifs = find_motifs(windows, "healthy")
    assert motifs.count == 3
    assert adjusted_rand_score(np.concatenate(truth[1:]), np.concatenate(motifs.labels[1:])) > 0.95


def test_a_gait_is_called_phases_of_one_movement_in_their_order() -> None:
    windows = gait(0)
    motifs = find_motifs(windows, "healthy")
    described = describe_motifs(windows, motifs, "healthy")
    assert motifs.kind == "phases"
    assert motifs.period_s == pytest.approx(7 * STEP, abs=STEP)
    assert "one movement" in described.words
    assert described.shortest_bout_windows == 1
    if motifs.count > 2:
        assert described.cycle is not None
        assert described.cycle.share is not None
        assert described.cycle.share > 0.9


def test_noise_has_no_motifs_and_few_windows_neither() -> None:
    rng = np.random.default_rng(0)
    scale = np.linspace(2, 0.5, 8)
    noise = [window_set(f"r{n}", f"s{n}", "healthy", scale * rng.normal(size=(80, 8))) for n in range(6)]
    motifs = find_motifs(noise, "healthy")
    assert motifs.count == 1 or all(motifs.blurred)
    few = [window_set(f"r{n}", f"s{n}", "healthy", rng.normal(size=(n, 8))) for n in (0, 1, 3)]
    motifs = find_motifs(few, "healthy")
    assert (motifs.count, motifs.kind) == (1, "one")
    assert [len(own) for own in motifs.labels] == [0, 1, 3]


def test_a_normal_distribution_is_a_continuum_and_two_heaps_are_not() -> None:
    rng = np.random.default_rng(1)
    rows, subjects = rng.normal(size=(4, 500, 3)), ["a", "b", "c", "d"]
    centres = np.array([[-0.8, 0.0, 0.0], [0.8, 0.0, 0.0]])
    assert blurred_pairs([*rows], subjects, centres).tolist() == [1, 0]
    heaps = rows + 3 * np.sign(rows[..., :1]) * [1, 0, 0]
    assert blurred_pairs(heaps, subjects, centres * 4).tolist() == [-1, -1]


@pytest.mark.parametrize("shortest", [1, 2, 3])
def test_smoothing_finds_the_cheapest_of_all_labellings(shortest: int) -> None:
    rng = np.random.default_rng(shortest)
    for _ in range(20):
        cost = rng.random((7, 3))
        allowed = [
            labels
            for labels in product(range(3), repeat=7)
            if all(stop - first >= shortest for _, first, stop in bouts(np.array(labels)))
        ]
        least = min(sum(cost[t, label] for t, label in enumerate(labels)) for labels in allowed)
        found = smooth_path(cost, shortest)
        assert tuple(found) in allowed
        assert cost[np.arange(7), found].sum() == pytest.approx(least)
    assert smooth_path(np.empty((0, 3)), shortest).shape == (0,)
    assert len(set(smooth_path(rng.random((2, 3)), 3))) == 1


def test_rows_are_drawn_alike_from_every_subject_and_evenly_over_time() -> None:
    kept = balanced_rows([1000, 10, 0, 100, 100], ["a", "b", "b", "c", "c"], 90)
    assert [len(own) for own in kept] == [30, 10, 0, 15, 15]
    assert kept[0][0] == 0
    assert kept[0][-1] == 999
    assert np.ptp(np.diff(kept[0])) <= 1
    assert sum(map(len, balanced_rows([5, 5], ["a", "b"], 1000))) == 10


def test_self_similarity_finds_the_period() -> None:
    turn = 2 * np.pi * np.arange(90) / 9
    likeness, period = self_similarity(np.stack([np.sin(turn), np.cos(turn)], axis=1))
    assert likeness == pytest.approx(1, abs=0.01)
    assert period == 9
    assert self_similarity(np.zeros((20, 2))) == (0.0, 0)


def motifs_of(labels: list[list[int]], count: int) -> tuple[list[WindowSet], Motifs]:
    windows = [window_set(f"r{n}", f"s{n // 2}", "healthy", np.zeros((len(own), 2))) for n, own in enumerate(labels)]
    codes = [one.behaviour for one in windows]
    arrays, zeros = [np.array(own) for own in labels], [np.zeros(len(own)) for own in labels]
    return windows, Motifs(arrays, codes, zeros, count, {}, "behaviours", [0] * count, 0, 0)


def test_usage_adds_up_and_counts_bouts_by_hand() -> None:
    windows, motifs = motifs_of([[1, 1, 2, 2, 2, 1], [2, 2, 3, 3]], 4)
    rows = motif_tables(windows, motifs)["usage"][0]
    assert [(row["subject"], row["motif"], row["bouts"]) for row in rows] == [
        ("s0", 1, 2), ("s0", 2, 2), ("s0", 3, 1), ("s0", 4, 0),
    ]  # fmt: skip
    assert [row["share"] for row in rows] == pytest.approx([0.3, 0.5, 0.2, 0])
    lengths = [1.5 * STEP, 2.5 * STEP, 2 * STEP, np.nan]
    assert [row["mean_bout_s"] for row in rows] == pytest.approx(lengths, nan_ok=True)


def test_only_a_sequence_that_goes_round_is_a_cycle() -> None:
    assert cycle_of(*motifs_of([[1, 3, 2] * 9, [2, 1, 3] * 9], 3)) == Cycle([1, 3, 2], 1.0)
    back_and_forth = [[1, 2, 3, 2] * 9, [1, 2, 3, 2] * 9]
    assert cycle_of(*motifs_of(back_and_forth, 3)) is None
    assert cycle_of(*motifs_of([[1, 2] * 9] * 2, 2)) is None


def test_examples_are_of_several_subjects_and_files_say_what_the_arrays_do(study: Study, tmp_path: Path) -> None:
    windows, _, motifs = study
    write_motifs(RunFolder(tmp_path), windows, motifs, "healthy")
    rows = read_csv(tmp_path / "motifs" / "windows.csv")
    assert [int(row["motif"]) for row in rows] == np.concatenate(motifs.labels).tolist()
    for one in describe_motifs(windows, motifs, "healthy").motifs:
        examples = one.examples
        assert len({example.subject for example in examples}) == len(examples) == 3
        for example in examples:
            labels = motifs.labels[int(example.recording_id[1:])]
            assert labels[round(example.t_start_s / STEP)] == one.motif
