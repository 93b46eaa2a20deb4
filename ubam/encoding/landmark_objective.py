"""Landmarks by conditional reconstruction: only K points carry what differs between two frames of a recording.

Jakab et al., Unsupervised learning of object landmarks through conditional image generation, NeurIPS 2018.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

MAP_SIDE = 16  # cells of the maps in which landmarks are found and drawn
SPREAD = 0.12  # standard deviation of a drawn landmark, half pictures


class Landmarks(nn.Module):
    """`count` landmarks read from a feature map [N, channels, cells, cells], and the decoder that they feed.

    The decoder receives the appearance of another frame and the landmarks of this one, and must draw this one. So the
    landmarks encode where parts are, not their appearance.
    """

    grid: Tensor

    def __init__(self, channels: int, cells: int, count: int = 16) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        while cells < MAP_SIDE:
            steps += [nn.ConvTranspose2d(channels, 32, 4, 2, 1), nn.ReLU(inplace=True)]
            channels, cells = 32, 2 * cells
        self.maps = nn.Sequential(*steps, nn.Conv2d(channels, count, 3, padding=1))
        self.appearance = nn.Sequential(
            nn.Conv2d(3, 16, 5, 2, 2), nn.ReLU(inplace=True), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(inplace=True)
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(16 + count, 32, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(32, 8, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip
        self.register_buffer("grid", (torch.arange(MAP_SIDE) + 0.5) * 2 / MAP_SIDE - 1, persistent=False)

    def points(self, features: Tensor) -> Tensor:
        """Feature map [N, channels, cells, cells] to landmarks (x, y) [N, count, 2], -1..1 over the picture."""
        maps = self.maps(features)
        chance = maps.flatten(2).softmax(-1).unflatten(2, maps.shape[2:])
        grid = torch.linspace(-1 + 1 / maps.shape[-1], 1 - 1 / maps.shape[-1], maps.shape[-1], device=maps.device)
        return torch.stack([(chance.sum(2) * grid).sum(-1), (chance.sum(3) * grid).sum(-1)], -1)

    def draw(self, points: Tensor) -> Tensor:
        """Landmarks [N, count, 2] to maps [N, count, 16, 16] with a Gaussian bump of height 1 at each."""
        across, down = (torch.exp(-(((self.grid - p[..., None]) / SPREAD) ** 2) / 2) for p in points.unbind(-1))
        return down[..., :, None] * across[..., None, :]

    def forward(self, features: Tensor, pictures: Tensor, others: Tensor) -> Tensor:
        """Squared error of `pictures` [N, 3, S, S] drawn from their features and from `others` [N, 3, S, S].

        Compared are saliency and grey at 32 px; 1 is the error of the mean picture. Returns a scalar.
        """
        side = 2 * MAP_SIDE
        appearance = self.appearance(functional.adaptive_avg_pool2d(others, side))
        drawn = self.decoder(torch.cat([appearance, self.draw(self.points(features))], 1))
        target = functional.adaptive_avg_pool2d(pictures[:, :2], side)
        return functional.mse_loss(drawn, target) / target.var(0, unbiased=False).mean().clamp_min(1e-6)
