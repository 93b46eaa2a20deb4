"""The factor that a clip shows, measured in its own pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ubam.core.typing import Array, View
from ubam.magnification.registration.coarse_to_fine import Beside, towards
from ubam.magnification.registration.flow_fields import (
    CANVAS,
    consensus,
    dense_flow,
    outline,
    read_at,
    saliency_in,
    saliency_of,
)
from ubam.magnification.registration.register import FIELD, Matches, _beside, _weight
from ubam.tracking.crop_store import CropStore, close_view


@dataclass(frozen=True)
class RenderedView:
    """What one rendered view [CLOSE, CLOSE, 3] at a position was asked to show.

    That is `flow` [FIELD, FIELD, 2] as in `Field`, applied `amount` times.
    """

    position: int
    view: View
    flow: Array
    amount: float


class MeasuredFactor:
    """Measures the factor that rendered views of a recording show; keeps what the references say of each frame."""

    def __init__(self, query: CropStore, matches: Matches, origin: Array) -> None:
        self.query, self.matches, self.origin = query, matches, origin
        self._known: dict[int, tuple[Beside, Array, Array]] = {}

    def reached(self, shown: Sequence[RenderedView]) -> float:
        """Return the factor of rendered views: how far from the references, along the deviation; 1 the recording.

        Rendered and recorded views are registered with the same references by the same network, so what it fails to
        see it fails to see in both. The rendered displacement of a part is read where the part was moved to. nan when
        nothing deviates.
        """
        after = before = 0.0
        there = np.mgrid[:FIELD, :FIELD][::-1].transpose(1, 2, 0).astype(np.float32)
        for one in shown:
            references, recorded, weight = self._at(one.position)
            rendered, _ = consensus(towards(one.view, references))
            rendered = read_at(rendered, there + np.float32(one.amount * FIELD) * one.flow)
            along = weight[..., None] * one.flow
            after += float(((rendered - self.origin) * along).sum())
            before += float(((recorded - self.origin) * along).sum())
        return after / before if before > 0 else float("nan")

    def _at(self, position: int) -> tuple[Beside, Array, Array]:
        """The references beside a frame, the recorded view's displacement towards them, and where the subject is."""
        if position not in self._known:
            references, weight = _beside(self.query, self.matches, position), _weight(self.query.views[position])
            recorded, _ = consensus(towards(close_view(self.query, position), references))
            self._known[position] = references, recorded, weight
        return self._known[position]


def outline_factor(query: CropStore, positions: Sequence[int], views: Sequence[View], asked: Sequence[Array]) -> float:
    """Return the factor at which rendered `views` show the displacement that was `asked` for: 1 is the recording.

    asked: the fields' flow [FIELD, FIELD, 2] at `positions`. Each recorded outline is registered with the rendered one
    and the flow found is projected on the one asked for. nan when nothing deviates.
    """
    shown, total = 0.0, 0.0
    for position, view, wanted in zip(positions, views, asked, strict=True):
        salient = saliency_of(query, position)
        found = dense_flow(outline(salient), outline(saliency_in(view))) / np.float32(CANVAS)
        found = np.asarray(cv2.resize(found, (FIELD, FIELD), interpolation=cv2.INTER_AREA), np.float32)
        inside = cv2.resize(salient, (FIELD, FIELD), interpolation=cv2.INTER_AREA)[..., None] > 0.5
        shown -= float((inside * found * wanted).sum())
        total += float((inside * wanted**2).sum())
    return 1 + shown / total if total > 0 else float("nan")
