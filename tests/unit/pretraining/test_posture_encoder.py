"""Random bodies and the encoder that learns from them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.encoders import LandmarkEncoder
from ubam.encoding.shipped_weights import load_encoder, pretrained
from ubam.pretraining.body_pictures import MOST_JOINTS, MOST_PAIRS, draw_picture
from ubam.pretraining.posture_encoder import Lessons, pretrain, train_on
from ubam.pretraining.random_bodies import PLANS


def test_every_plan_fits_the_targets_and_hangs_together() -> None:
    for plan, (make, _) in PLANS.items():
        for seed in range(20):
            body = make(np.random.default_rng(seed))
            assert len(body.names) == len(set(body.names)) <= MOST_JOINTS
            assert (
                sum(n.endswith("_right") and n.replace("_right", "_left") in body.names for n in body.names)
                <= MOST_PAIRS
            )
            reached = {body.names[0]}
            for start, end, *_ in body.limbs:
                assert start in reached, f"{plan}: {end} hangs on {start}, which is not drawn before"
                reached.add(end)
            assert np.isfinite(list(body.joints.values())).all()


def test_a_picture_is_the_same_for_the_same_seed_and_shows_its_body_at_its_joints() -> None:
    inside = []
    for seed in range(60):
        first, again = (draw_picture(np.random.default_rng([3, seed])) for _ in range(2))
        assert (first.view == again.view).all()
        np.testing.assert_array_equal(first.joints, again.joints)
        joints = first.joints[np.isfinite(first.joints[:, 0])]
        assert abs(joints.mean(0)).max() < 1e-5
        rows, columns = np.nonzero(first.view[..., 0] > 128)
        if len(rows):
            # from their own middle, joints and salient pixels spread alike
            inside.append(np.ptp(joints, axis=0).max() * 64 < 1.3 * max(np.ptp(rows), np.ptp(columns)) + 4)
    assert np.mean(inside) > 0.85


def test_pairs_do_not_change_when_sides_are_swapped() -> None:
    picture = next(p for seed in range(40) if (p := draw_picture(np.random.default_rng([5, seed]))).plan == 0)
    names = PLANS["biped"][0](np.random.default_rng(0)).names
    right = [name for name in names if name.endswith("_right")]
    for pair, name in zip(picture.pairs, right, strict=True):
        apart = picture.joints[names.index(name)] - picture.joints[names.index(name.replace("right", "left"))]
        for across, along in (apart, -apart):
            expected = abs(across), abs(along), across * along / (0.05 + np.hypot(across, along))
            np.testing.assert_allclose(pair, expected, atol=1e-6)


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    lessons = Lessons([draw_picture(np.random.default_rng([1, index])) for index in range(12)])
    whole, errors = train_on(lessons, steps=3, seed=0)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    path = tmp_path / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_on(lessons, steps=3, seed=0, checkpoint=Checkpoint(path, every_s=0), progress=stop)
    done: list[int] = []
    again, resumed = train_on(
        lessons, steps=3, seed=0, checkpoint=Checkpoint(path), progress=lambda step, _: done.append(step)
    )
    assert done == [3]
    assert resumed == errors
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))


@pytest.mark.slow
def test_training_learns_where_joints_are() -> None:
    lessons = Lessons([draw_picture(np.random.default_rng([1, index])) for index in range(240)])
    _, errors = train_on(lessons, steps=1, seed=0)
    _, later = train_on(lessons, steps=60, seed=0)
    assert later[-1] < 0.9 * errors[-1]


def test_the_command_writes_an_encoder_that_loads_and_leaves_no_checkpoint(tmp_path: Path) -> None:
    errors = pretrain(tmp_path / "e.safetensors", pictures=80, steps=2, workers=1)
    assert np.isfinite(errors).all()
    assert [path.name for path in tmp_path.iterdir()] == ["e.safetensors"]
    views = torch.randint(0, 255, (3, 3, 64, 64), dtype=torch.uint8)
    assert load_encoder(tmp_path / "e.safetensors")(views).shape == (3, 64)


def test_the_shipped_encoder_is_small_and_knows_a_new_body_better_than_an_untrained_one() -> None:
    from importlib.resources import files

    assert len((files("ubam.encoding") / "weights" / "posture.safetensors").read_bytes()) < 8e6
    pictures = [p for seed in range(500) if (p := draw_picture(np.random.default_rng([99, seed]))).plan == 0]
    views = torch.from_numpy(np.stack([p.view for p in pictures])).permute(0, 3, 1, 2)
    targets = np.stack([p.joints[:20].ravel() for p in pictures])
    half = len(pictures) // 2

    def unexplained(encoder: LandmarkEncoder) -> float:
        with torch.no_grad():
            codes = StandardScaler().fit_transform(encoder(views).numpy())
        read = Ridge(10.0).fit(codes[:half], targets[:half]).predict(codes[half:])
        return float(np.mean((read - targets[half:]) ** 2) / targets[half:].var(0).mean())

    torch.manual_seed(0)
    assert unexplained(pretrained()) < 0.7 * unexplained(LandmarkEncoder().eval())


@pytest.mark.parametrize("side", [96, 64, 128])
def test_views_of_any_size_are_taken(side: int) -> None:
    assert LandmarkEncoder()(torch.zeros(2, 3, side, side, dtype=torch.uint8)).shape == (2, 64)


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    drawn: list[str] = []
    with pytest.raises(FileExistsError):
        pretrain(tmp_path / "file" / "e.safetensors", pictures=10**7, progress=lambda *told: drawn.append(told[0]))
    assert not drawn
