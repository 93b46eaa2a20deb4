"""Landmarks of the left and of the right half of a body, read together so that one limb is not taken for both.

From the side the heatmaps of both ankles have a peak at either foot, and the higher one is the same foot in both. So
the two heatmaps are added up, the two best places of the sum are found, and which of them is left is asked afterwards.
Rendered walkers, frames whose ankles lie more than a tenth of the body height apart: median error 0.15 of the height
when each heatmap gives its own highest peak, 0.015 read together.
"""

import torch
from torch import Tensor

from .landmarks import LANDMARKS
from .network import cells_of

APART = 4.0  # cells that lie at least between two places
REACH = 4.0  # cells around a peak that make its place
SECOND = 0.25  # share of both peaks that the lower one has at least: half of what it has where the two are alike


def pairs_of(plan: str) -> list[tuple[int, int]]:
    """Numbers of the left and the right landmark of every pair of a plan."""
    names = LANDMARKS[plan]
    lefts = [number for number, name in enumerate(names) if name.endswith("_left")]
    return [(number, names.index(names[number].removesuffix("_left") + "_right")) for number in lefts]


def read_pairs(heatmaps: Tensor, places: Tensor, spread: Tensor, plan: str) -> tuple[Tensor, Tensor]:
    """Places [n, L, 2] within 0..1 and spreads [n, L] in which the landmarks of a pair may be two places.

    heatmaps [n, L, HALF * HALF + 1]: logits, the last for "not in the crop". places, spread: of each landmark by
    itself, which stay where a pair has one place only. Below, C stands for HALF * HALF.
    """
    pairs = torch.tensor(pairs_of(plan), device=heatmaps.device)
    chance = torch.softmax(heatmaps[:, pairs.flatten()].float(), -1)[..., :-1].unflatten(1, pairs.shape)
    both = chance.sum(2)
    peaks = _two_peaks(both)
    near = _nearer(*peaks, both)
    parts = [both * mine for mine in (near, ~near)]
    cores = [part * _disc(peak, REACH, both) for part, peak in zip(parts, peaks, strict=True)]
    first, second = (core.sum(-1) for core in cores)
    two = torch.minimum(first, second) >= SECOND * (first + second).clamp_min(1e-9)
    found = torch.stack([_middle(core) for core in cores], 2)
    wide = torch.stack([_spread(part, found[:, :, side]) for side, part in enumerate(parts)], 2)
    crossed = _crossed(chance, near)[..., None]
    found, wide = torch.where(crossed[..., None], found.flip(2), found), torch.where(crossed, wide.flip(2), wide)
    places, spread, two = places.clone(), spread.clone(), two[..., None]
    places[:, pairs] = torch.where(two[..., None], found, places[:, pairs])
    spread[:, pairs] = torch.where(two, wide, spread[:, pairs])
    return places, spread


def _cells(like: Tensor) -> Tensor:
    """Column and row of every cell of maps [..., C], [C, 2]."""
    side = cells_of(like)
    steps = torch.arange(side, device=like.device)
    return torch.stack([steps.repeat(side), steps.repeat_interleave(side)], -1).float()


def _two_peaks(both: Tensor) -> tuple[Tensor, Tensor]:
    """The cells [n, P, 2] (column, row) of the highest value of maps [n, P, C], and of the highest far from it."""
    cells = _cells(both)
    first = cells[both.argmax(-1)]
    second = cells[(both * ~_disc(first, APART, both)).argmax(-1)]
    return first, second


def _disc(middle: Tensor, reach: float, maps: Tensor) -> Tensor:
    """Whether the cells of maps [n, P, C] lie within `reach` of a middle [n, P, 2], bool [n, P, C]."""
    return _squared(middle, _steps(maps)) <= reach**2


def _nearer(first: Tensor, second: Tensor, maps: Tensor) -> Tensor:
    """Whether the cells of maps [n, P, C] are nearer to the first than to the second, bool [n, P, C]."""
    steps = _steps(maps)
    return _squared(first, steps) <= _squared(second, steps)


def _steps(maps: Tensor) -> Tensor:
    """Columns, or rows, of square maps [..., C]."""
    return torch.arange(cells_of(maps), device=maps.device).float()


def _squared(middle: Tensor, steps: Tensor) -> Tensor:
    """Squared distances [n, P, C] of cells in these columns and rows from a middle [n, P, 2]."""
    across, down = ((steps - middle[..., axis, None]).square() for axis in (0, 1))
    return (across[..., None, :] + down[..., None]).flatten(-2)


def _middle(weights: Tensor) -> Tensor:
    """Mean places [n, P, 2] within 0..1 of maps [n, P, C]."""
    share = weights / weights.sum(-1, keepdim=True).clamp_min(1e-9)
    return share @ ((_cells(weights) + 0.5) / cells_of(weights))


def _spread(weights: Tensor, middle: Tensor) -> Tensor:
    """Root mean square distance [n, P] of maps [n, P, C] from places [n, P, 2] within 0..1."""
    apart = _squared(middle, (_steps(weights) + 0.5) / cells_of(weights))
    return ((weights * apart).sum(-1) / weights.sum(-1).clamp_min(1e-9)).sqrt()


def _crossed(chance: Tensor, near: Tensor) -> Tensor:
    """Whether the first place is the right landmark's, bool [n, P], from chances [n, P, 2, C]."""
    at_first = (chance * near[:, :, None]).sum(-1).clamp(1e-6, 1)
    at_second = (chance * ~near[:, :, None]).sum(-1).clamp(1e-6, 1)
    straight = at_first[..., 0].log() + at_second[..., 1].log()
    return at_first[..., 1].log() + at_second[..., 0].log() > straight
