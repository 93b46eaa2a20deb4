"""The two networks that learn from a study: PostureEncoder (one view) and BehaviourEncoder (eight postures)."""

from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

WINDOW = 8  # postures in a window, as published (Brattoli et al. 2021)


class PostureNetwork(nn.Module):
    """What every network from a picture of the subject to a posture offers; `dim` is the length of a posture."""

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
    """What every network from eight postures in order to a behaviour offers: `forward`, and the logit of real order."""

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
    """A background-normalised view to a posture; normalisation inside, no statistics over the batch.

    `dim` is the length of a posture, `width` the channels of the second layer, `side` the pixels at which the network
    looks: a view of any size is area-averaged to it.
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
    """A posture encoder that looks for landmarks: where each of 48 feature maps is strongest, and what is there at all.

    The landmarks' places (spatial soft-argmax, Finn et al. 2016) move with a limb however the limb looks, which a flat
    layer over all pixels has to learn anew for each look; the maps come from three scales (Lin et al. 2017, FPN).
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

    def look(self, pictures: Tensor) -> "Looked":
        """All that is seen in prepared pictures [N, 3, side, side]."""
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
        return Looked(half, fine, maps, middle, coarse, places, code)

    def encode(self, pictures: Tensor) -> Tensor:
        """Prepared pictures [N, 3, side, side] to postures [N, dim]."""
        return self.look(pictures).code


class Looked(NamedTuple):
    """What a `LandmarkEncoder` sees in N pictures, from fine to coarse.

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

    def part(self, chosen: slice) -> "Looked":
        """Some of the pictures."""
        return Looked(*(seen[chosen] for seen in self))

    def repeated(self, count: int) -> "Looked":
        """One picture as often as `count`."""
        return Looked(*(seen.expand(count, *seen.shape[1:]) for seen in self))


def doubled(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")


def _reduce(views: Tensor, side: int) -> Tensor:
    """Area-average views [N, 3, V, V] to float [N, 3, side, side]; sums over rows and columns are 3 times faster."""
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
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.GroupNorm(max(1, outputs // 8), outputs),
        nn.ReLU(inplace=True),
    ]


class BehaviourEncoder(BehaviourNetwork):
    """Eight postures in order to a behaviour; `order_logit` tells real order (positive) from permuted (negative).

    The window's mean posture is subtracted first, so that only movement is left: on raw input this alone takes the
    order task from chance to 0.98.
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


class Heads(nn.Module):
    """What only training needs: the projection that time contrast compares, and the decoder of the picture.

    Contrast on a projection, not on the posture itself, leaves the posture what the contrast has no use for (Chen et
    al. 2020, SimCLR).
    """

    def __init__(self, dim: int, decoded: int) -> None:
        super().__init__()
        self.projection = nn.Sequential(nn.ReLU(), nn.Linear(dim, dim))
        self.decoder = nn.Sequential(nn.Linear(dim, 256), nn.ReLU(), nn.Linear(256, decoded))
