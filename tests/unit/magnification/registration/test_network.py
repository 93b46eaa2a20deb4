"""The learned registration: its pairs of random bodies, its network and the weights that ship."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open

from ubam.cli.main import cli
from ubam.encoding.checkpoint import Checkpoint
from ubam.magnification.registration.flow_fields import dense_flow, outline
from ubam.magnification.registration.network import (
    REACH,
    correlation,
    displacements,
    features_of,
    load_registration_network,
    shipped_network,
)
from ubam.pretraining.body_pairs import draw_pair, limb_flow, limb_map
from ubam.pretraining.body_pictures import CROP
from ubam.pretraining.random_bodies import PLANS
from ubam.pretraining.registration_network import (
    Stage,
    agreement,
    draw_pairs,
    new_registration_network,
    pretrain_registration,
    train_on_pairs,
)

FRESH = 4242  # no pair of this seed was trained on


def standing() -> tuple[Any, ...]:
    """A biped with its joints in the picture's plane, and a map and places that fill a crop."""
    body = PLANS["biped"][0](np.random.default_rng(5))
    flip, middle = np.array([60.0, -60.0]), CROP / 2
    return body, {name: place[:2] * flip + middle for name, place in body.joints.items()}


def test_the_same_generator_gives_the_same_pair() -> None:
    first, again, other = (draw_pair(np.random.default_rng([1, number])) for number in (3, 3, 4))
    assert all((getattr(first, n) == getattr(again, n)).all() for n in ("query", "reference", "flow", "body"))
    assert (first.query != other.query).any()


def test_a_body_that_keeps_its_posture_does_not_move() -> None:
    body, places = standing()
    limbs = limb_map(body, body.joints, places, 60)
    assert (limbs >= 0).sum() > 300
    assert np.abs(limb_flow(body, limbs, places, places)).max() < 1e-4


def test_parts_of_a_limb_move_with_its_joints() -> None:
    body, places = standing()
    target = places | {name: places[name] + (9, -4) for name in places if name.startswith(("knee", "ankle"))}
    limbs = limb_map(body, body.joints, places, 60)
    flow = limb_flow(body, limbs, places, target)
    for number, (start, end, *_) in enumerate(body.limbs):
        middle = (places[start] + places[end]) / 2
        x, y = np.rint(middle).astype(int)
        if limbs[y, x] == number:  # seen there, and not behind another limb
            expected = (target[start] + target[end]) / 2 - middle
            assert flow[y, x] == pytest.approx(expected, abs=1.0), (start, end)


def test_the_flow_carries_the_outline_into_the_other_posture() -> None:
    overlaps = []
    for number in range(12):
        pair = draw_pair(np.random.default_rng([FRESH, number]))
        rows, columns = np.nonzero(pair.body)
        moved = np.stack([columns, rows], 1) + 64 * pair.flow[rows, columns].astype(float)
        inside = ((moved >= 0) & (moved < 63.5)).all(1)
        landed = np.rint(moved[inside]).astype(int)
        salient = pair.reference[..., 0] > 60
        overlaps.append(salient[landed[:, 1], landed[:, 0]].mean())
    assert np.mean(overlaps) > 0.6  # the build differs, so not all


def test_correlation_is_that_of_slow_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    query, reference = torch.randn(2, 1, 3, 16, 16, generator=generator)
    found = correlation(query, reference)[0]
    for row, column, down, right in ((0, 0, -1, 0), (8, 3, 2, -3), (15, 15, 0, 1), (5, 5, 5, 5)):
        there = row + down, column + right
        inside = all(0 <= place < 16 for place in there)
        a, b = query[0, :, row, column], reference[0, :, there[0] % 16, there[1] % 16]
        expected = 4 * float(a @ b / (a.norm() * b.norm())) if inside else 0.0
        channel = (down + REACH) * (2 * REACH + 1) + right + REACH
        assert float(found[channel, row, column]) == pytest.approx(expected, abs=1e-5)


def test_references_do_not_disturb_each_other() -> None:
    pairs = [draw_pair(np.random.default_rng([FRESH, number])) for number in range(3)]
    references = np.stack([pair.reference for pair in pairs])
    together = displacements(pairs[0].query, features_of(references))
    assert together.shape == (3, 64, 64, 2)
    for reference, found in zip(references, together, strict=True):
        assert displacements(pairs[0].query, features_of(reference[None]))[0] == pytest.approx(found, abs=1e-5)


def test_the_shipped_weights_agree_with_the_truth_better_than_outlines() -> None:
    lessons = draw_pairs(80, FRESH, 1)
    query, reference, flow, body = lessons
    sums = np.zeros(3)
    for one, other, true, on in zip(query.numpy(), reference.numpy(), flow.float().numpy(), body.numpy(), strict=True):
        found = dense_flow(outline(one[0] / np.float32(255)), outline(other[0] / np.float32(255)))[on]
        wanted = 64 * true.transpose(1, 2, 0)[on]
        sums += (found * wanted).sum(), (found**2).sum(), (wanted**2).sum()
    outlines = sums[0] / np.sqrt(sums[1] * sums[2])
    assert agreement(shipped_network(), lessons, 80) > max(0.4, outlines + 0.1)
    shipped_network().eval()


def test_a_body_registered_with_itself_hardly_moves() -> None:
    pairs = [draw_pair(np.random.default_rng([FRESH, number])) for number in range(8)]
    still = np.mean(
        [np.abs(displacements(pair.query, features_of(pair.query[None]))[0][pair.body]).mean() for pair in pairs]
    )
    moved = np.mean([np.abs(pair.flow.astype(float)[pair.body]).mean() for pair in pairs])
    assert still < 0.25 * moved


def test_training_learns_and_its_file_is_read_back(tmp_path: Path) -> None:
    lessons = draw_pairs(60, 1, 1)
    network, again, untrained = (new_registration_network(0) for _ in range(3))
    train = partial(train_on_pairs, lessons=lessons, steps=3, rate=1e-3, seed=0)
    agreements = train(network)
    assert len(agreements) == 1

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    path = tmp_path / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(new_registration_network(0), checkpoint=Checkpoint(path, every_s=0), progress=stop)
    done: list[int] = []
    assert train(again, checkpoint=Checkpoint(path), progress=lambda step, _: done.append(step)) == agreements
    assert done == [3]
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    assert not torch.equal(network.compared.weight, untrained.compared.weight)
    out = tmp_path / "r.safetensors"
    found = pretrain_registration(out, stages=[Stage(60, 0.0, 3, 1e-3), Stage(40, 0.75, 2, 1e-3)], seed=1, workers=1)
    assert len(found) == 2
    assert np.isfinite(found).all()
    with safe_open(out, framework="pt") as opened:
        made = json.loads(opened.metadata()["ubam"])
    assert [stage["pairs"] for stage in made["stages"]] == [60, 40]
    pair = draw_pair(np.random.default_rng(0))
    views = [torch.from_numpy(view.transpose(2, 0, 1)[None].copy()) for view in (pair.query, pair.reference)]
    assert load_registration_network(out)(*views).shape == (1, 3, 64, 64)


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "r.safetensors")
    result = CliRunner().invoke(cli, ["pretrain", "--what", "registration", "--out", out, "--pictures", "100"])
    assert isinstance(result.exception, (NotADirectoryError, FileExistsError))
