"""The losses of the eye: wrong outlines, places and landmarks, and answers that depend on the appearance."""

import torch
from torch import Tensor
from torch.nn import functional

from ubam.tracking.eye.network import Answer, around, cells_of

from .lessons import Batch

WEIGHTS = {"outline": 1.0, "overlap": 0.5, "heat": 0.5, "landmark": 10.0, "place": 1.0, "side": 0.2, "plan": 0.1,
           "looks": 10.0, "looks_constant": 30.0, "looks_place": 0.5}  # fmt: skip


def losses(answer: Answer, batch: Batch) -> dict[str, Tensor]:
    """Every term of the loss, each a mean over the batch.

    Landmarks are placed within a window around the truth, so that only the cross entropy of the heatmap sees a second
    peak, such as that of the other leg. Otherwise the point between two legs would look like a good answer. `looks` is
    the difference between two appearances of a moment, `looks_constant` what of it stays at the other moment.
    """
    given = torch.isfinite(batch.landmarks).all(-1)
    inside = given & (batch.landmarks > 0).all(-1) & (batch.landmarks < 1).all(-1)
    half = cells_of(answer.heatmaps)
    cell = (torch.nan_to_num(batch.landmarks) * half).long().clamp(0, half - 1)
    found = around(answer.heatmaps, cell)
    terms = _outline(answer.outline, batch.alpha)
    terms["heat"] = _heat(answer.heatmaps, batch.landmarks, given, inside)
    apart = _apart(found[inside], batch.landmarks[inside], beta=0.03)
    terms["landmark"] = apart
    terms |= _places(answer.places, batch)
    terms["plan"] = functional.cross_entropy(answer.plan, batch.plan)
    both = inside[::2] & inside[1::2]
    between = found[::2] - found[1::2]
    terms["looks"] = _apart(between[both], torch.zeros_like(between[both]), beta=0.03)
    lasting, twice = (between[::2] + between[1::2]) / 2, both[::2] & both[1::2]
    terms["looks_constant"] = _apart(lasting[twice], torch.zeros_like(lasting[twice]), beta=0.03)
    shared = (batch.on_body[::2] & batch.on_body[1::2])[:, None].expand(-1, 3, -1, -1)
    terms["looks_place"] = _apart(answer.places[::2, :3][shared], answer.places[1::2, :3][shared], beta=0.1)
    return terms


def _apart(found: Tensor, wanted: Tensor, beta: float) -> Tensor:
    """Mean smooth absolute difference; 0 where nobody is in the picture."""
    return functional.smooth_l1_loss(found, wanted, beta=beta, reduction="sum") / max(1, found.numel())


def total(terms: dict[str, Tensor]) -> Tensor:
    """The weighted sum."""
    return torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum()


def _outline(logits: Tensor, alpha: Tensor) -> dict[str, Tensor]:
    edge = functional.max_pool2d(alpha, 5, 1, 2) - (1 - functional.max_pool2d(1 - alpha, 5, 1, 2))
    weight = 1 + 2 * edge
    wrong = functional.binary_cross_entropy_with_logits(logits, alpha, reduction="none")
    chance = torch.sigmoid(logits)
    common, both = (chance * alpha).sum((1, 2, 3)), (chance + alpha).sum((1, 2, 3))
    return {"outline": (weight * wrong).mean(), "overlap": 1 - ((2 * common + 20) / (both + 20)).mean()}


def _heat(heatmaps: Tensor, landmarks: Tensor, given: Tensor, inside: Tensor) -> Tensor:
    """Cross entropy against a Gaussian of 1.2 cells around the truth, or against "not in the crop"."""
    logs = torch.log_softmax(heatmaps, -1)
    half = cells_of(heatmaps)
    at = torch.arange(half, dtype=torch.float32, device=heatmaps.device) + 0.5
    place = torch.nan_to_num(landmarks) * half
    across, down = (torch.exp(-((at - place[..., axis, None]) ** 2) / (2 * 1.2**2)) for axis in (0, 1))
    across, down = (blot / blot.sum(-1, keepdim=True).clamp_min(1e-6) for blot in (across, down))
    by_row = (logs[..., :-1].unflatten(-1, (half, half)) * across[..., None, :]).sum(-1)
    seen = -(by_row * down).sum(-1)
    missed = -logs[..., -1]
    return (torch.where(inside, seen, missed) * given).sum() / given.sum()


def _places(places: Tensor, batch: Batch) -> dict[str, Tensor]:
    front, left, high = batch.place.unbind(1)
    wanted = torch.stack([front, left.abs(), high], 1)
    body = batch.on_body[:, None].expand(-1, 3, -1, -1)
    apart = _apart(places[:, :3][body], wanted[body], beta=0.1)
    own = batch.on_body
    sure = (left[own].abs() / 0.15).clamp_max(1)
    side = functional.binary_cross_entropy_with_logits(
        places[:, 3][own], (left[own] > 0).float(), weight=sure, reduction="sum"
    )
    return {"place": apart, "side": side / max(1, int(own.sum()))}
