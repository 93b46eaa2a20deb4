"""Shapes, normalisation inside, nothing leaks across the batch."""

import pytest
import torch

from ubam.encoding.encoders import WINDOW, BehaviourEncoder, CoordinateEncoder, PostureEncoder


@pytest.fixture(scope="module")
def encoder() -> PostureEncoder:
    torch.manual_seed(0)
    return PostureEncoder(dim=16, width=8)


@pytest.mark.parametrize("size", [32, 48, 64, 128])
def test_posture_takes_views_of_any_size(encoder: PostureEncoder, size: int) -> None:
    assert encoder(torch.zeros(2, 3, size, size, dtype=torch.uint8)).shape == (2, 16)


def test_uint8_and_float_views_give_the_same_posture(encoder: PostureEncoder) -> None:
    views = torch.randint(256, (3, 3, 64, 64), dtype=torch.uint8)
    assert torch.equal(encoder(views), encoder(views.float()))


def test_an_empty_view_is_zero_inside(encoder: PostureEncoder) -> None:
    empty = torch.tensor([0, 128, 128], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 64, 64)
    assert (encoder.prepare(empty) == 0).all()


@pytest.mark.parametrize("training", [True, False])
def test_a_posture_does_not_depend_on_the_other_frames_of_the_batch(encoder: PostureEncoder, training: bool) -> None:
    encoder.train(training)
    views = torch.randint(256, (9, 3, 64, 64), dtype=torch.uint8)
    together = encoder(views)
    alone = torch.cat([encoder(view[None]) for view in views])
    assert torch.allclose(together, alone, atol=1e-5)


def test_settings_build_the_same_network(encoder: PostureEncoder) -> None:
    again = PostureEncoder(**encoder.settings)
    again.load_state_dict(encoder.state_dict())
    views = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    assert torch.equal(encoder(views), again(views))


def test_behaviour_sees_movement_not_the_standing_posture() -> None:
    torch.manual_seed(1)
    behaviour = BehaviourEncoder(16, 12)
    window = torch.nn.functional.normalize(torch.randn(4, WINDOW, 16), dim=-1)
    assert behaviour(window).shape == (4, 12)
    assert behaviour.order_logit(behaviour(window)).shape == (4,)
    assert not torch.allclose(behaviour(window), behaviour(window.flip(1)), atol=1e-3)
    assert torch.isfinite(behaviour(torch.ones(1, WINDOW, 16))).all()


def test_an_encoder_of_coordinates_takes_four_channels_and_an_empty_view_is_zero_inside() -> None:
    torch.manual_seed(0)
    encoder = CoordinateEncoder(dim=16, width=8)
    empty = torch.tensor([0, 128, 128, 128], dtype=torch.uint8).view(1, 4, 1, 1).expand(2, 4, 64, 64)
    assert (encoder.prepare(empty) == 0).all()
    assert encoder(empty).shape == (2, 16)
    assert CoordinateEncoder(**encoder.settings).settings == encoder.settings
