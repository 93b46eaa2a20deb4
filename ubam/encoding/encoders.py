"""The two networks that learn from a study: PostureEncoder (one view) and BehaviourEncoder (eight postures)."""

from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

WINDOW = 8  # postures in a window, as published (Brattoli et al. 2021)


class PostureNetwork(nn.Module):
    """A network from a picture of the subject to a posture of `dim` numbers."""

    dim: int

    @property
    def settings(self) -> dict[str, int]:
        """The arguments that build this network again."""
        raise NotImplementedError

    def prepare(self, pictures: Tensor) -> Tensor:
        """Pictures [N, 3, S, S] in 0..255 as the network takes them."""
        raise NotImplementedError

    def encode(self, pictures: Tensor) -> Tensor:
        """Prepared pictures to postures [N, dim]."""
        raise NotImplementedError

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures [N, 3, S, S] in 0..255 to postures [N, dim]."""
        return self.encode(self.prepare(pictures))


class BehaviourNetwork(nn.Module):
    """A network from eight postures in order, [B, 8, dim], to a behaviour [B, behaviour_dim]."""

    dim: int
    behaviour_dim: int
    order_head: nn.Linear

    @property
    def settings(self) -> dict[str, int]:
        """The arguments that build this network again."""
        return {"dim": self.dim, "behaviour_dim": self.behaviour_dim}

    def order_logit(self, behaviours: Tensor) -> Tensor:
        """Behaviours [B, behaviour_dim] to the logit [B] that the order is real."""
        logit: Tensor = self.order_head(behaviours).squeeze(-1)
        return logit


class PostureEncoder(PostureNetwork):
    """From a background-normalised view to a posture; it normalises groups of channels, never over the batch.

    dim: length of a posture. width: channels of the second layer. side: pixels of the network's input, to which views
    of any size are area-averaged.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, dim: int = 64, width: int = 32, side: int = 32) -> None:
        super().__init__()
        self.dim, self.width, self.side = dim, width, side
        self.register_buffer("centre", torch.tensor([0.0, 128.0, 128.0]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor([128.0, 48.0, 48.0]).view(1, 3, 1, 1), persistent=False)
        self._build()

    def _build(self) -> None:
        width = self.width
        self.layers = nn.Sequential(
            *convolution(3, width // 2, 5, 2),
            *convolution(width // 2, width, 3, 2),
            *convolution(width, 2 * width, 3, 2),
            *convolution(2 * width, 2 * width, 3, 1),
            *convolution(2 * width, 3 * width, 3, 2),
        )
        cells = -(-self.side // 16)
        self.head = nn.Linear(3 * width * cells * cells, self.dim)

    @property
    def settings(self) -> dict[str, int]:
        """The arguments that build this network again."""
        return {"dim": self.dim, "width": self.width, "side": self.side}

    def prepare(self, pictures: Tensor) -> Tensor:
        """Views [N, 3, V, V] in 0..255 (uint8 or float) to the network's pictures [N, 3, side, side], background 0."""
        picture = (_reduce(pictures, self.side) - self.centre) / self.scale
        return picture.contiguous(memory_format=torch.channels_last)

    def encode(self, pictures: Tensor) -> Tensor:
        """Prepared pictures [N, 3, side, side] to postures [N, dim]."""
        posture: Tensor = self.head(self.layers(pictures).flatten(1))
        return posture


class LandmarkEncoder(PostureEncoder):
    """A posture encoder with landmarks: the places where each of 48 feature maps is strongest.

    The places (spatial soft-argmax, Finn et al. 2016) follow a limb whatever its appearance. A fully connected layer
    over all pixels would have to learn that for each appearance. The maps combine three scales (Lin et al. 2017, FPN).
    """

    columns: Tensor
    rows: Tensor
    landmarks = 48

    def __init__(self, dim: int = 64, width: int = 32, side: int = 64) -> None:
        super().__init__(dim, width, side)

    def _build(self) -> None:
        width = self.width
        self.fine = nn.Sequential(
            *convolution(3, width // 2, 5, 2),
            *convolution(width // 2, width, 3, 2),
            *convolution(width, width, 3, 1),
        )
        self.middle = nn.Sequential(*convolution(width, 2 * width, 3, 2), *convolution(2 * width, 2 * width, 3, 1))
        self.coarse = nn.Sequential(*convolution(2 * width, 3 * width, 3, 2), *convolution(3 * width, 3 * width, 3, 1))
        self.coarse_to_middle = nn.Conv2d(3 * width, 2 * width, 1)
        self.joined = nn.Sequential(*convolution(2 * width, 2 * width, 3, 1))
        self.middle_to_fine = nn.Conv2d(2 * width, width, 1)
        self.maps = nn.Sequential(*convolution(width, 2 * width, 3, 1), nn.Conv2d(2 * width, self.landmarks, 1))
        self.presence = nn.Linear(3 * width, 64)
        self.head = nn.Linear(2 * self.landmarks + 64, self.dim)
        cells = self.side // 4
        places = 4 * ((torch.arange(cells) + 0.5) / cells - 0.5)
        self.register_buffer("columns", places.repeat(cells), persistent=False)
        self.register_buffer("rows", places.repeat_interleave(cells), persistent=False)

    def features(self, pictures: Tensor) -> "LandmarkFeatures":
        """The features of prepared pictures [N, 3, side, side]."""
        half = self.fine[:3](pictures)
        fine = self.fine[3:](half)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.joined(torch.relu(middle + doubled(self.coarse_to_middle(coarse))))
        fine = torch.relu(fine + doubled(self.middle_to_fine(middle)))
        maps = self.maps(fine)
        share = maps.flatten(2).softmax(-1)
        places = torch.cat([(share * self.columns).sum(-1), (share * self.rows).sum(-1)], 1)
        code = self.head(torch.cat([places, torch.relu(self.presence(coarse.mean((2, 3))))], 1))
        return LandmarkFeatures(half, fine, maps, middle, coarse, places, code)

    def encode(self, pictures: Tensor) -> Tensor:
        """Prepared pictures [N, 3, side, side] to postures [N, dim]."""
        return self.features(pictures).code


class LandmarkFeatures(NamedTuple):
    """The features of a `LandmarkEncoder` in N pictures of side S, from fine to coarse.

    half [N, 16, S/2, S/2], fine [N, 32, S/4, S/4], the landmarks' maps [N, 48, S/4, S/4], middle [N, 64, S/8, S/8],
    coarse [N, 96, S/16, S/16], the landmarks' places [N, 96] (x of all, then y, in -2..2) and the postures [N, dim].
    """

    half: Tensor
    fine: Tensor
    maps: Tensor
    middle: Tensor
    coarse: Tensor
    places: Tensor
    code: Tensor

    def part(self, chosen: slice) -> "LandmarkFeatures":
        """The features of some of the pictures."""
        return LandmarkFeatures(*(seen[chosen] for seen in self))

    def repeated(self, count: int) -> "LandmarkFeatures":
        """The features of one picture, repeated `count` times."""
        return LandmarkFeatures(*(seen.expand(count, *seen.shape[1:]) for seen in self))


def doubled(maps: Tensor) -> Tensor:
    """Maps [N, C, H, W] at twice the size, each cell repeated."""
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")


def _reduce(views: Tensor, side: int) -> Tensor:
    """Area-average views [N, 3, V, V] to float [N, 3, side, side]; sums are 3 times faster than adaptive pooling."""
    count, channels, size, _ = views.shape
    if size % side:
        return functional.adaptive_avg_pool2d(views.float(), side)
    factor = size // side
    pictures = views.permute(0, 2, 3, 1).float()
    rows = reduce(torch.add, [pictures[:, k::factor] for k in range(factor)])
    blocks = rows.reshape(count, side, side, factor, channels)
    columns = reduce(torch.add, [blocks[..., k, :] for k in range(factor)])
    return (columns / factor**2).permute(0, 3, 1, 2)


def convolution(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    """A convolution, its group normalisation and its ReLU."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.GroupNorm(max(1, outputs // 8), outputs),
        nn.ReLU(inplace=True),
    ]


class BehaviourEncoder(BehaviourNetwork):
    """From eight postures in order to a behaviour; `order_logit` is positive for real order.

    The window's mean posture is subtracted first, so that only movement is left. Without that, the order task stays at
    chance; with it, the accuracy is 0.98.
    """

    def __init__(self, dim: int = 64, behaviour_dim: int = 64) -> None:
        super().__init__()
        self.dim, self.behaviour_dim = dim, behaviour_dim
        self.recurrent = nn.GRU(dim, behaviour_dim, batch_first=True)
        self.order_head = nn.Linear(behaviour_dim, 1)

    def forward(self, postures: Tensor) -> Tensor:
        """Postures [B, 8, dim] to behaviours [B, behaviour_dim]."""
        unit = functional.normalize(postures, dim=-1)
        moving = unit - unit.mean(1, keepdim=True)
        moving = moving * (WINDOW / moving.norm(dim=(1, 2), keepdim=True).clamp_min(1e-12))
        return self.recurrent(moving)[1][0]


class TrajectoryEncoder(BehaviourNetwork):
    """From eight postures in order to the shape of their path; for postures of any length, and with nothing to learn.

    A behaviour holds the first four components of the cosine transform over time, without the mean: slow movements come
    first, and what is constant in a window is left out, as in `BehaviourEncoder`.
    """

    components = 4
    waves: Tensor

    def __init__(self) -> None:
        super().__init__()
        steps = (torch.arange(WINDOW) + 0.5) * torch.pi / WINDOW
        waves = torch.cos(torch.arange(1, self.components + 1)[:, None] * steps) * (2 / WINDOW) ** 0.5
        self.register_buffer("waves", waves, persistent=False)

    @property
    def settings(self) -> dict[str, int]:
        """It has none."""
        return {}

    def forward(self, postures: Tensor) -> Tensor:
        """Postures [B, 8, D] to behaviours [B, 4 D]."""
        return torch.einsum("kt,btd->bkd", self.waves, postures).flatten(1)


class Heads(nn.Module):
    """Parts that only the training uses: the projection for the time contrast, and the decoder of the picture.

    The contrast compares projections, so that postures keep what the contrast itself cannot use (Chen et al. 2020,
    SimCLR).
    """

    def __init__(self, dim: int, decoded: int) -> None:
        super().__init__()
        self.projection = nn.Sequential(nn.ReLU(), nn.Linear(dim, dim))
        self.decoder = nn.Sequential(nn.Linear(dim, 256), nn.ReLU(), nn.Linear(256, decoded))
