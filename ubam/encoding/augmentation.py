"""Augmentation of views: per-frame jitter, and simulated changes of appearance.

In a small study all subjects of a group may wear light clothes before light walls. The effect of any other appearance
on postures would then count as deviation, since no reference subject shows it. So views are changed as clothes, fur,
walls, light and build would change them: pieces of the outline are lost; it becomes weaker, wider or narrower; the grey
inside has another mean and pattern; box and build differ. The effect of that on postures counts as normal variation
(deviation/normal_variation.py), as within-class covariance does in speaker recognition (Hatch, Kajarekar and Stolcke
2006), here from a single recording.
"""

from collections.abc import Callable
from zlib import crc32

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

TRANSLATION, GAIN, SHIFT, SCALE = 0.05, 0.2, 6 / 128, 0.08  # jitter per frame; the first three as published


def jitter(
    pictures: Tensor, generator: torch.Generator, *, scale: float = SCALE, shift: float = SHIFT, beyond: str = "zeros"
) -> Tensor:
    """Translate, scale, gain and shift each picture [N, 3, H, W] on its own, which removes low-level continuity.

    Translation is up to 5 % of the box, gain 0.8 to 1.2, `shift` per channel as published (Brattoli et al. 2021), scale
    up to 8 %. beyond: "zeros" or "border", the padding outside the picture.
    """
    count, channels = pictures.shape[:2]
    noise = 2 * torch.rand(count, 3 + 2 * channels, generator=generator).to(pictures.device) - 1
    transform = torch.zeros(count, 2, 3, device=pictures.device)
    transform[:, 0, 0] = transform[:, 1, 1] = 1 + scale * noise[:, 0]
    transform[:, :, 2] = 2 * TRANSLATION * noise[:, 1:3]
    grid = functional.affine_grid(transform, list(pictures.shape), align_corners=False)
    moved = functional.grid_sample(pictures, grid, padding_mode=beyond, align_corners=False)
    gain, offset = noise[:, 3:, None, None].split(channels, dim=1)
    return moved * (1 + GAIN * gain) + shift * offset


FRAMES, CHANGES = 12, 10  # frames of a recording, and changes of each, that `moved_by_looks` encodes
LOST = (1.0, 1.2)  # a piece is lost where a smooth field of unit variance exceeds the first plus up to the second
WEAKER = 0.5  # of the logarithm of the power that the outline is raised to
GREY = (24.0, 43.0)  # levels by which the mean of grey and difference moves
PATTERN = (38.0, 19.0)  # levels of a smooth pattern on both
MOVED, SCALED, STRETCHED = 0.04, 0.06, 0.06  # of the box, for builds and boxes
Encode = Callable[[Tensor], np.ndarray]


def change_looks(views: Tensor, together: int, generator: torch.Generator, *, boxes: bool = False) -> Tensor:
    """Views float [N, 3, V, V] in 0..255 with another appearance; `together` successive views share a change.

    boxes: whether box and build change, too, by a shift, a scale and a stretch.
    """
    count = len(views) // together
    outline, inside = views[:, :1] / 255, views[:, 1:] - 128
    outline, inside = _other_outline(outline, inside, count, generator)
    inside = _other_grey(outline, inside, count, generator)
    changed = torch.cat([outline * 255, inside], 1)
    if boxes:
        changed = _other_box(changed, count, generator)
    changed[:, 1:] += 128
    return changed.clamp(0, 255)


def moved_by_looks(views: np.ndarray, found: np.ndarray, encode: Encode) -> np.ndarray:
    """Second moment float32 [D, D] of the effect of simulated changes of appearance on a recording's postures.

    Parameters
    ----------
    views
        uint8 [T, V, V, 3].
    found
        bool [T], whether the subject is in a frame; without any, nothing moves.
    encode
        Views [N, 3, V, V] in 0..255 to postures [N, D].
    """
    seen = np.flatnonzero(found)
    chosen = seen[np.linspace(0, len(seen) - 1, FRAMES).astype(int)] if len(seen) else np.zeros(FRAMES, int)
    pictures = np.array(views[chosen])
    shown = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    generator = torch.Generator().manual_seed(crc32(pictures.tobytes()))  # the same in any study
    changed = change_looks(shown.repeat(CHANGES, 1, 1, 1), FRAMES, generator, boxes=True)
    apart = (encode(changed) - np.tile(encode(shown), (CHANGES, 1))).astype(np.float64) * float(bool(len(seen)))
    moment: np.ndarray = (apart.T @ apart / len(apart)).astype(np.float32)
    return moment


def _other_outline(outline: Tensor, inside: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Outlines [N, 1, V, V] with lost pieces, weaker or stronger, wider or narrower, and the inside to match."""
    lost = ((_field(count, outline, generator, 6) - LOST[0] - LOST[1] * _draw(count, 1, generator)) * 3).clamp(0, 1)
    lost = lost * (0.5 + 0.5 * _draw(count, 1, generator)) * (_draw(count, 1, generator) < 0.7)
    power = torch.exp(WEAKER * (2 * _draw(count, 1, generator) - 1))
    other = outline.clamp(1e-4, 1) ** _each(power, outline) * _each(1 - lost, outline)
    width = 0.7 * (2 * _draw(count, 1, generator) - 1) * (_draw(count, 1, generator) < 0.4)
    width = _each(width, outline)
    wider = functional.max_pool2d(other, 3, 1, 1)
    narrower = -functional.max_pool2d(-other, 3, 1, 1)
    other = other + width.clamp_min(0) * (wider - other) + (-width).clamp_min(0) * (narrower - other)
    return other, inside * (other / outline.clamp_min(1e-3)).clamp(0, 1)


def _other_grey(outline: Tensor, inside: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Grey and difference [N, 2, V, V] around 0 with another contrast (also inverted), mean and pattern."""
    gain = 2.2 * _draw(count, 2, generator) - 1
    mean = (2 * _draw(count, 2, generator) - 1) * inside.new_tensor(GREY).view(1, 2, 1, 1)
    pattern = torch.cat([_field(count, outline, generator, 5) for _ in range(2)], 1)
    pattern = pattern * _draw(count, 1, generator) * inside.new_tensor(PATTERN).view(1, 2, 1, 1)
    return inside * _each(gain, inside) + outline * _each(mean + pattern, inside)


def _other_box(pictures: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Pictures [N, 3, V, V] around 0, moved, scaled and stretched."""
    noise = 2 * torch.rand(count, 4, generator=generator) - 1
    scale, stretch = 1 + SCALED * noise[:, 0], 1 + STRETCHED * noise[:, 1]
    transform = torch.zeros(count, 2, 3)
    transform[:, 0, 0], transform[:, 1, 1] = scale * stretch, scale / stretch
    transform[:, :, 2] = 2 * MOVED * noise[:, 2:]
    grid = functional.affine_grid(_each(transform, pictures), list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, align_corners=False)


def _field(count: int, like: Tensor, generator: torch.Generator, cells: int) -> Tensor:
    """Smooth random fields [count, 1, V, V] of unit variance."""
    size = list(like.shape[-2:])
    drawn = torch.randn(count, 1, cells, cells, generator=generator).to(like.device)
    field = functional.interpolate(drawn, size=size, mode="bilinear", align_corners=False)
    return field / field.std((2, 3), keepdim=True).clamp_min(1e-3)


def _draw(count: int, channels: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, channels, 1, 1, generator=generator)


def _each(values: Tensor, like: Tensor) -> Tensor:
    """The values of each change [count, ...], repeated for its pictures [N, ...]."""
    return values.to(like.device).repeat_interleave(len(like) // len(values), 0)
