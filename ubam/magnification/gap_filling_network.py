"""The gap-filling network: it repairs the gaps of a picture that registration moved, and changes nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ubam.core.typing import Array
from ubam.encoding.saved_model import add_network, load_network

LARGEST_FLOW = 8.0  # pixels of a crop
LARGEST_COLOUR = 96.0  # grey levels
STRIDE = 8  # sides of the network's input are multiples of it
RIM = 16  # pixels around a gap that the network sees


class GapFillingNetwork(nn.Module):
    """Flow, layer and colour for the gaps of a crop that registration has moved onto a target posture.

    A warped picture keeps its texture, which synthesis blurs. So the network fills only what was torn or never seen.
    It starts as the identity (all heads zero) and learns from pairs of registered frames of one recording. Its input is
    the moved crop, its layer, the gaps, the background, another frame of the recording for the appearance, and the
    posture to reach. Nothing is normalised over the picture, so that a part is repaired as the whole would be.
    """

    def __init__(self, dim: int = 64, width: int = 16) -> None:
        super().__init__()
        self.settings = {"dim": dim, "width": width}
        self.first = _convolution(11, width, 4, 2)
        self.second = _convolution(width, 2 * width, 4, 2)
        self.third = _convolution(2 * width, 4 * width, 4, 2)
        self.posture = nn.Linear(dim, 4 * width)
        self.third_up = _convolution(6 * width, 2 * width, 3, 1)
        self.second_up = _convolution(3 * width, width, 3, 1)
        self.first_up = _convolution(11 + width, width, 3, 1)
        self.heads = nn.Conv2d(width, 6, 3, padding=1)
        for parameter in self.heads.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, moved: Tensor, layer: Tensor, gap: Tensor, background: Tensor, appearance: Tensor, posture: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return residual flow [N, 2, S, S] in pixels, layer [N, 1, S, S] in 0..1, residual colour [N, 3, S, S].

        Parameters
        ----------
        moved, background, appearance
            [N, 3, S, S] in 0..255, S a multiple of 8 (height and width may differ).
        layer
            [N, 1, S, S] in 0..1, the moved subject's opacity.
        gap
            [N, 1, S, S] in 0..1, large where no source pixel landed.
        posture
            [N, dim], the posture to reach.
        """
        pictures = [picture.float() / 127.5 - 1 for picture in (moved, background, appearance)]
        whole = torch.cat([*pictures, layer, gap], 1)
        first = self.first(whole)
        second = self.second(first)
        code = self.posture(functional.normalize(posture.float(), dim=1))
        third = functional.silu(self.third(second) + code[:, :, None, None])
        second = self.third_up(torch.cat([_twice(third), second], 1))
        first = self.second_up(torch.cat([_twice(second), first], 1))
        heads = self.heads(self.first_up(torch.cat([_twice(first), whole], 1)))
        flow = LARGEST_FLOW * torch.tanh(heads[:, :2])
        logit = torch.logit(layer.clamp(0.02, 0.98)) + 4 * heads[:, 2:3]
        return flow, torch.sigmoid(logit), LARGEST_COLOUR * torch.tanh(heads[:, 3:])


KINDS: dict[str, type[nn.Module]] = {
    "GapFillingNetwork": GapFillingNetwork,
    "Generator": GapFillingNetwork,  # its name in models of version 0.1
}


def save_gap_filling(folder: Path, network: GapFillingNetwork) -> None:
    """Keep the network in the model folder `folder`."""
    add_network(folder, "generator", network)


def load_gap_filling(folder: Path, device: str = "cpu") -> GapFillingNetwork | None:
    """The network of a model folder, None when there is none; ModelError when it is damaged."""
    found: GapFillingNetwork | None = load_network(folder, "generator", KINDS, device)
    return found


def compose(
    moved: Tensor, layer: Tensor, gap: Tensor, background: Tensor, residuals: tuple[Tensor, Tensor, Tensor]
) -> Tensor:
    """Return the picture [N, 3, S, S] in 0..255: the moved subject over its background, repaired only in the gaps."""
    flow, repaired_layer, colour = residuals
    plain = layer * moved.float() + (1 - layer) * background.float()
    subject = warp(moved.float(), flow)
    repaired = repaired_layer * subject + (1 - repaired_layer) * background.float() + colour
    return (plain + gap * (repaired - plain)).clamp(0, 255)


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """Return `picture` [N, C, S, S] read at every pixel plus `flow` [N, 2, S, S] (x, y in pixels)."""
    height, width = picture.shape[2:]
    rows = torch.arange(height, device=picture.device, dtype=picture.dtype)
    columns = torch.arange(width, device=picture.device, dtype=picture.dtype)
    x = (columns + flow[:, 0] + 0.5) * (2 / width) - 1
    y = (rows[:, None] + flow[:, 1] + 0.5) * (2 / height) - 1
    return functional.grid_sample(picture, torch.stack([x, y], 3), padding_mode="border", align_corners=False)


def gap_window(gap: Array, rim: int = RIM) -> tuple[int, int, int, int] | None:
    """Return the part (x0, y0, x1, y1) of `gap` [H, W] with all gaps and a rim, sides multiples of 8; None: no gap."""
    x, y, width, height = cv2.boundingRect((gap > 0).astype(np.uint8))
    if not width:
        return None
    x0, x1 = _widened(x - rim, x + width + rim, gap.shape[1])
    y0, y1 = _widened(y - rim, y + height + rim, gap.shape[0])
    return x0, y0, x1, y1


def _widened(low: int, high: int, length: int) -> tuple[int, int]:
    low, high = max(0, low), min(length, high)
    size = min(-(-(high - low) // STRIDE) * STRIDE, length // STRIDE * STRIDE)
    low = min(low, length - size)
    return low, low + size


@torch.inference_mode()
def infer(
    network: GapFillingNetwork, pictures: Mapping[str, NDArray[Any]], posture: Array
) -> tuple[Array, Array, Array]:
    """Return flow [S, S, 2], layer [S, S] and colour [S, S, 3] for one crop; zeros away from its gaps.

    pictures: moved, background, appearance [S, S, 3] in 0..255, layer and gap [S, S] in 0..1; posture [dim].
    """
    gap = np.asarray(pictures["gap"], np.float32)
    out = np.zeros((*gap.shape, 6), np.float32)
    window = gap_window(gap)
    if window is not None:
        part = np.s_[window[1] : window[3], window[0] : window[2]]
        device = next(network.parameters()).device
        names = ("moved", "layer", "gap", "background", "appearance")
        inputs = [_tensor(pictures[name][part]).to(device) for name in names]
        code = torch.from_numpy(np.asarray(posture, np.float32)[None]).to(device)
        out[part] = torch.cat(network(*inputs, code), 1)[0].permute(1, 2, 0).cpu().numpy()
    return out[..., :2], out[..., 2], out[..., 3:]


def _tensor(picture: NDArray[Any]) -> Tensor:
    whole = np.asarray(picture, np.float32)
    return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(whole).transpose(2, 0, 1)))[None]


def _convolution(inputs: int, outputs: int, size: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride=stride, padding=1), nn.SiLU())


def _twice(picture: Tensor) -> Tensor:
    return functional.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)
