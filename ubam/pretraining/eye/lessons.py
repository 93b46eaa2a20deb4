"""Batches for the eye: both appearances of each pair, mirrored, shifted, sometimes with parts of the input missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ubam.tracking.eye.landmarks import LANDMARKS, MOST_LANDMARKS, PLANS, mirrored
from ubam.tracking.eye.network import prepare
from ubam.tracking.scene.background import fill

TRUE = 0  # the empty scene is truly empty (`world.pairs`)
ABSENT = 0.04  # share of lessons in which nobody is there
FILLED = 0.2  # share of lessons in which the empty scene was never seen and is filled in from around the subject
RIM = (1, 8)  # pixels around the subject that are also filled in
SWAPS = np.stack([[*mirrored(plan), *range(len(LANDMARKS[plan]), MOST_LANDMARKS)] for plan in PLANS])


@dataclass
class Batch:
    """2 n crops: the two appearances of pair k are crops 2 k and 2 k + 1; pairs 2 k and 2 k + 1, of one shot.

    Shapes as in `network.Answer`; visible: bool [2 n, L].
    """

    crops: Tensor
    alpha: Tensor
    place: Tensor
    on_body: Tensor
    landmarks: Tensor
    plan: Tensor
    visible: Tensor

    def on(self, device: str) -> "Batch":
        """The same batch on `cpu` or `cuda`."""
        if device == "cpu":
            return self
        return Batch(*(tensor.pin_memory().to(device, non_blocking=True) for tensor in vars(self).values()))


def make_batch(pairs: Sequence[dict[str, np.ndarray]], random: np.random.Generator, *, vary: bool = True) -> Batch:
    """A batch of drawn pairs, an even number; without `vary` as drawn, with neighbours and empty scene.

    Where nobody is present, the outline is empty and every landmark lies outside, at -1.
    """
    n = len(pairs)
    stacked = {
        name: np.stack([pair[name] for pair in pairs]) for name in ("frames", "empty", "alpha", "place", "on_body")
    }
    if vary:
        fill_in(stacked, random)
    mirror = np.repeat(random.uniform(size=n // 2) < 0.5 * vary, 2)
    plan = np.array([int(pair["plan"]) for pair in pairs])
    landmarks = np.stack([pair["landmarks"] for pair in pairs]).astype(np.float32)
    visible = np.stack([pair["visible"] for pair in pairs])
    for k in np.nonzero(mirror)[0]:
        for name, axis in (("frames", -2), ("empty", -2), ("alpha", -1), ("place", -2), ("on_body", -1)):
            stacked[name][k] = np.flip(stacked[name][k], axis)
        stacked["place"][k][..., 1] *= -1
        landmarks[k] = landmarks[k][SWAPS[plan[k]]]
        landmarks[k][:, 0] = 1 - landmarks[k][:, 0]
        visible[k] = visible[k][:, SWAPS[plan[k]]]
    side, half = stacked["alpha"].shape[-1], stacked["on_body"].shape[-1]
    pictures = np.concatenate([stacked["frames"], stacked["empty"][:, :, None]], 2).reshape(2 * n, 4, side, side, 3)
    tensor = torch.from_numpy(pictures).permute(0, 1, 4, 2, 3).float() / 255
    known, absent = np.ones(2 * n, bool), np.zeros(2 * n, bool)
    if vary:
        truly_empty = np.concatenate([pair["empty_kind"] for pair in pairs]) == TRUE
        absent = truly_empty & (random.uniform(size=2 * n) < ABSENT)
        known = random.uniform(size=2 * n) > 0.3
        tensor = _varied(tensor, random)
        noise = torch.from_numpy(random.normal(0, 0.02, tensor[absent, :3].shape)).float()
        tensor[absent, :3] = (tensor[absent, 3:] + noise).clamp(0, 1)
    landmarks = np.where(absent[:, None, None], landmarks.repeat(2, 0) * 0 - 1, landmarks.repeat(2, 0))
    crops = prepare(tensor[:, 0], tensor[:, 1], tensor[:, 2], tensor[:, 3], torch.from_numpy(known))
    return Batch(
        crops.to(memory_format=torch.channels_last),
        torch.from_numpy(stacked["alpha"].reshape(2 * n, 1, side, side) * ~absent[:, None, None, None]).float() / 255,
        torch.from_numpy(stacked["place"].reshape(2 * n, half, half, 3)).permute(0, 3, 1, 2).float() / 127,
        torch.from_numpy(stacked["on_body"].reshape(2 * n, half, half) & ~absent[:, None, None]),
        torch.from_numpy(landmarks), torch.from_numpy(np.repeat(plan, 2)),
        torch.from_numpy(visible.reshape(2 * n, -1) & ~absent[:, None]),
    )  # fmt: skip


def fill_in(stacked: dict[str, np.ndarray], random: np.random.Generator) -> None:
    """Replace some empty scenes by what the program makes for a subject in place: the crop, filled in where it is."""
    for look in np.argwhere(random.uniform(size=stacked["alpha"].shape[:2]) < FILLED):
        k, which = (int(one) for one in look)
        side = 2 * int(random.integers(*RIM)) + 1
        hole = cv2.dilate(stacked["alpha"][k, which], np.ones((side, side), np.uint8)) > 25
        stacked["empty"][k, which] = fill(stacked["frames"][k, which, 1], hole)


def _varied(pictures: Tensor, random: np.random.Generator) -> Tensor:
    """Drop or shift neighbours, as in a crop that follows its subject; shift the empty scene or change its light."""
    for k in range(len(pictures)):
        if random.uniform() < 0.15:
            pictures[k, 0] = pictures[k, 1]
        if random.uniform() < 0.15:
            pictures[k, 2] = pictures[k, 1]
        if random.uniform() < 0.25:
            for other in (0, 2):
                shift = tuple(int(s) for s in random.integers(-4, 5, 2))
                pictures[k, other] = pictures[k, other].roll(shift, (1, 2))
        if random.uniform() < 0.3:
            pictures[k, 3] = pictures[k, 3] * float(np.exp(random.normal(0, 0.12))) + float(random.normal(0, 0.03))
        if random.uniform() < 0.2:
            pictures[k, 3] = pictures[k, 3].roll(tuple(int(s) for s in random.integers(-2, 3, 2)), (1, 2))
    return pictures
