"""The generator: it repairs a registered picture, and never paints one from nothing."""

import torch
from torch import Tensor, nn
from torch.nn import functional

LARGEST_FLOW = 6.0
LARGEST_COLOUR = 96.0


class Generator(nn.Module):
    """Residual flow, layer and colour for a source crop that registration has moved onto a target posture.

    Warping a true picture keeps its texture where synthesis blurs it, so the network only corrects: it starts as the
    identity (all heads zero) and learns from pairs of frames of one recording that the same registration brought
    together. It sees the moved crop, its layer, the background, another frame of the recording as appearance and the
    posture to reach.
    """

    def __init__(self, dim: int = 64, width: int = 16) -> None:
        super().__init__()
        self.settings = {"dim": dim, "width": width}
        self.first = _down(11, width)
        self.second = _down(width, 2 * width)
        self.third = _down(2 * width, 4 * width)
        self.posture = nn.Linear(dim, 4 * width)
        self.third_up = _same(6 * width, 2 * width)
        self.second_up = _same(3 * width, width)
        self.heads = nn.Conv2d(width, 6, 3, padding=1)
        for parameter in self.heads.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, moved: Tensor, layer: Tensor, coverage: Tensor, background: Tensor, appearance: Tensor, posture: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return residual flow [N, 2, S, S] in pixels, layer [N, 1, S, S] in 0..1, residual colour [N, 3, S, S].

        Args:
            moved, background, appearance: [N, 3, S, S] in 0..255, S a multiple of 8.
            layer: [N, 1, S, S] in 0..1, the moved subject's opacity.
            coverage: [N, 1, S, S] in 0..1, small where no source pixel landed.
            posture: [N, dim], the posture to reach.
        """
        pictures = [picture.float() / 127.5 - 1 for picture in (moved, background, appearance)]
        first = self.first(torch.cat([*pictures, layer, coverage], 1))
        second = self.second(first)
        code = self.posture(functional.normalize(posture.float(), dim=1))
        third = functional.silu(self.third(second) + code[:, :, None, None])
        second = self.third_up(torch.cat([_twice(third), second], 1))
        heads = _twice(self.heads(self.second_up(torch.cat([_twice(second), first], 1))))
        flow = LARGEST_FLOW * torch.tanh(heads[:, :2])
        logit = torch.logit(layer.clamp(0.02, 0.98)) + 4 * heads[:, 2:3]
        return flow, torch.sigmoid(logit), LARGEST_COLOUR * torch.tanh(heads[:, 3:])


def compose(moved: Tensor, background: Tensor, coverage: Tensor, residuals: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Return the picture [N, 3, S, S] in 0..255 that `residuals` of the generator make of a `moved` crop."""
    flow, layer, colour = residuals
    subject = warp(moved.float(), flow) + colour * (1 - coverage)
    return (layer * subject + (1 - layer) * background.float()).clamp(0, 255)


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """Return `picture` [N, C, S, S] read at every pixel plus `flow` [N, 2, S, S] (x, y in pixels)."""
    height, width = picture.shape[2:]
    rows = torch.arange(height, device=picture.device, dtype=picture.dtype)
    columns = torch.arange(width, device=picture.device, dtype=picture.dtype)
    x = (columns + flow[:, 0] + 0.5) * (2 / width) - 1
    y = (rows[:, None] + flow[:, 1] + 0.5) * (2 / height) - 1
    return functional.grid_sample(picture, torch.stack([x, y], 3), padding_mode="border", align_corners=False)


def _down(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.GroupNorm(4, outputs), nn.SiLU())


def _same(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.SiLU())


def _twice(picture: Tensor) -> Tensor:
    return functional.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)
