"""The eye's network: from a crop, its neighbours and the empty scene to outline, body coordinates and landmarks."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .landmarks import MOST_LANDMARKS, PLANS

SIDE, HALF = 192, 96  # pixels of a crop; cells of heatmaps and coordinates. Other multiples of 16 do as well
CHANNELS, BODY, COARSE = 11, 48, 96
WINDOW = 6  # cells of a heatmap on each side of a peak that determine its position


@dataclass
class Answer:
    """The network's answers for n crops.

    outline [n, 1, SIDE, SIDE]: logits; heatmaps [n, L, HALF * HALF + 1]: logits over places, the last for "not in the
    crop"; places [n, 4, HALF, HALF]: front, distance from the middle plane, height, each of -1..1, and the logit of
    "left"; plan [n, 4]: logits.
    """

    outline: Tensor
    heatmaps: Tensor
    places: Tensor
    plan: Tensor


class Block(nn.Module):
    """An inverted residual: widen, convolve, narrow (Sandler et al. 2018)."""

    def __init__(self, width: int, widening: int = 2) -> None:
        super().__init__()
        inner = width * widening
        self.layers = nn.Sequential(
            nn.Conv2d(width, inner, 1), nn.ReLU(),
            nn.Conv2d(inner, inner, 3, padding=1, groups=inner), nn.ReLU(),
            nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the same shape as `x` [N, C, H, W]."""
        return x + self.layers(x)


class Surroundings(nn.Module):
    """Add a summary of the whole crop to every place."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the same shape as `x` [N, C, H, W]."""
        return x + self.layers(x.mean((2, 3)))[:, :, None, None]


def _convolution(given: int, made: int, size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, made, size, stride, size // 2, bias=False), nn.BatchNorm2d(made), nn.ReLU()
    )  # fmt: skip


class EyeNetwork(nn.Module):
    """An hourglass with skips. Input is what `prepare` makes, [n, 11, SIDE, SIDE]."""

    def __init__(self, widths: tuple[int, ...] = (24, 48, 96, 160), depths: tuple[int, ...] = (1, 3, 5, 6)) -> None:
        super().__init__()
        self.settings = {"widths": list(widths), "depths": list(depths)}
        a, b, c, d = widths
        self.stem = _convolution(CHANNELS, a, 3, 2)
        self.down = nn.ModuleList([
            nn.Sequential(*(Block(a) for _ in range(depths[0]))),
            nn.Sequential(_convolution(a, b, 3, 2), *(Block(b) for _ in range(depths[1]))),
            nn.Sequential(_convolution(b, c, 3, 2), *(Block(c) for _ in range(depths[2]))),
            nn.Sequential(_convolution(c, d, 3, 2), *(Block(d) for _ in range(depths[3])), Surroundings(d)),
        ])  # fmt: skip
        self.narrow = nn.ModuleList([nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)])
        self.up = nn.ModuleList([
            nn.Sequential(Block(c), Block(c)), nn.Sequential(Block(b), Block(b)), Block(a),
        ])  # fmt: skip
        self.edge = nn.Sequential(_convolution(a, a, 3), nn.Conv2d(a, 4, 1))
        plans = len(PLANS)
        self.body = nn.Sequential(nn.Conv2d(a, BODY, 1), nn.ReLU())
        self.landmarks = nn.Parameter(torch.randn(plans, MOST_LANDMARKS, BODY) * 0.1)
        self.coarse = nn.Sequential(nn.Conv2d(b, COARSE, 1), nn.ReLU())
        self.coarse_landmarks = nn.Parameter(torch.zeros(plans, MOST_LANDMARKS, COARSE))
        self.coarse_coordinates = nn.Parameter(torch.zeros(plans, 4, COARSE))
        self.nowhere = nn.Parameter(torch.zeros(plans, MOST_LANDMARKS, d + 1))
        self.coordinates = nn.Parameter(torch.randn(plans, 4, BODY + 1) * 0.1)
        self.plan = nn.Linear(d, plans)

    def forward(self, x: Tensor, plan: Tensor | None = None) -> Answer:
        """Answers for crops [n, 11, SIDE, SIDE] of the given plans [n]; without them, of the likeliest of each crop."""
        steps = self._down(x)
        whole = steps[-1].mean((2, 3))
        plans = self.plan(whole)
        *_, rough, fine_features = self._up(steps)
        outline = functional.pixel_shuffle(self.edge(fine_features), 2)
        chosen = plans.argmax(1) if plan is None else plan
        coarse, fine = self.coarse(rough), self.body(fine_features)
        heat = _read(self.coarse_landmarks[chosen], coarse, self.landmarks[chosen], fine)
        at, bias = self.nowhere[chosen][..., :-1], self.nowhere[chosen][..., -1]
        nowhere = (at * whole[:, None].float()).sum(-1) + bias
        weights, bias = self.coordinates[chosen][..., :-1], self.coordinates[chosen][..., -1]
        places = _read(self.coarse_coordinates[chosen], coarse, weights, fine) + bias[..., None, None]
        return Answer(outline.float(), torch.cat([heat.flatten(2), nowhere[..., None]], -1), places, plans.float())

    def outlines(self, x: Tensor) -> Tensor:
        """Nothing but the logits of the outlines [n, 1, SIDE, SIDE] of crops [n, 11, SIDE, SIDE]."""
        return functional.pixel_shuffle(self.edge(self._up(self._down(x))[-1]), 2).float()

    def plans(self, x: Tensor) -> Tensor:
        """Nothing but the logits of the plans [n, 4] of crops [n, 11, SIDE, SIDE]."""
        return self.plan(self._down(x)[-1].mean((2, 3))).float()

    def _down(self, x: Tensor) -> list[Tensor]:
        """Features of falling resolution: sides S/2, S/4, S/8, S/16."""
        steps = [self.down[0](self.stem(x))]
        for stage in list(self.down)[1:]:
            steps.append(stage(steps[-1]))
        return steps

    def _up(self, steps: list[Tensor]) -> list[Tensor]:
        """Features of rising resolution: sides S/8, S/4, S/2."""
        y, features = steps[-1], []
        for narrow, stage, skip in zip(self.narrow, self.up, steps[-2::-1], strict=True):
            y = stage(functional.interpolate(narrow(y), scale_factor=2.0, mode="nearest") + skip)
            features.append(y)
        return features


def _read(rough: Tensor, coarse: Tensor, weights: Tensor, fine: Tensor) -> Tensor:
    """Maps [n, k, HALF, HALF] read with weights [n, k, channels] from features of half and of full resolution."""
    half = torch.bmm(rough.to(coarse.dtype), coarse.flatten(2)).unflatten(2, coarse.shape[2:])
    full = torch.bmm(weights.to(fine.dtype), fine.flatten(2)).unflatten(2, fine.shape[2:])
    wide = functional.interpolate(half.float(), scale_factor=2.0, mode="bilinear", align_corners=False)
    return wide + full.float()


def prepare(before: Tensor, at: Tensor, after: Tensor, empty: Tensor, known: Tensor) -> Tensor:
    """Input of the network from crops [n, 3, SIDE, SIDE] within 0..1 and whether the empty scene is known [n].

    The crop's light and contrast are removed: mean and standard deviation of its grey values become 0 and 1.
    """
    grey = at.mean(1, keepdim=True)
    middle, spread = grey.mean((2, 3), keepdim=True), grey.std((2, 3), keepdim=True) + 0.03
    known = known.float().view(-1, 1, 1, 1)
    change = (at - empty) / spread * known
    moved = [((at - other).mean(1, keepdim=True)) / spread for other in (before, after)]
    strongest = change.abs().amax(1, keepdim=True)
    own = (at - middle) / spread
    return torch.cat([own, (own - change) * known, strongest, *moved, grey, known.expand_as(grey)], 1)


def cells_of(maps: Tensor) -> int:
    """Cells a side of flattened square maps [..., C * C] or [..., C * C + 1]."""
    return math.isqrt(maps.shape[-1])


def landmark_places(heatmaps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Places [n, L, 2] within 0..1 (x, y), their spread [n, L] likewise, and the chance of being in the crop [n, L].

    A place is that of the highest peak, to a fraction of a cell. The spread is the distance of the whole heatmap from
    it, so that a second peak (the other leg) widens it.
    """
    inside = 1 - torch.softmax(heatmaps, -1)[..., -1]
    highest = heatmaps[..., :-1].argmax(-1)
    half = cells_of(heatmaps)
    cell = torch.stack([highest % half, highest.div(half, rounding_mode="floor")], -1)
    where = around(heatmaps, cell)
    part = torch.softmax(heatmaps[..., :-1], -1).unflatten(-1, (half, half))
    at = (torch.arange(half, device=heatmaps.device, dtype=heatmaps.dtype) + 0.5) / half
    sideways = (part.sum(-2) * (at - where[..., :1]) ** 2).sum(-1)
    upwards = (part.sum(-1) * (at - where[..., 1:]) ** 2).sum(-1)
    return where, (sideways + upwards).sqrt(), inside


def around(heatmaps: Tensor, cell: Tensor) -> Tensor:
    """Mean places [n, L, 2] within 0..1 of heatmaps in the windows around cells [n, L, 2] (x, y)."""
    half = cells_of(heatmaps)
    steps = torch.arange(-WINDOW, WINDOW + 1, device=heatmaps.device)
    x = (cell[..., 0, None, None] + steps).expand(-1, -1, len(steps), -1)
    y = (cell[..., 1, None, None] + steps[:, None]).expand(-1, -1, -1, len(steps))
    beyond = (x < 0) | (y < 0) | (x >= half) | (y >= half)
    index = (y.clamp(0, half - 1) * half + x.clamp(0, half - 1)).flatten(2)
    chance = torch.softmax(heatmaps.gather(2, index).masked_fill(beyond.flatten(2), -1e4), -1)
    mean = torch.stack([(chance * place.flatten(2)).sum(-1) for place in (x, y)], -1)
    return (mean + 0.5) / half
