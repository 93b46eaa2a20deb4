"""Measures the factor that a clip shows: its rendered pictures are registered with the references again."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ubam.core.typing import Array, View
from ubam.magnification.registration.coarse_to_fine import CanvasReferences, towards
from ubam.magnification.registration.flow_fields import (
    CANVAS,
    consensus,
    dense_flow,
    outline,
    read_at,
    saliency_in,
    saliency_of,
)
from ubam.magnification.registration.register import FIELD, Matches, canvas_references, subject_weight
from ubam.tracking.crop_store import CropStore, close_view


@dataclass(frozen=True)
class RenderedView:
    """A rendered view uint8 [CLOSE, CLOSE, 3] of one frame, and the displacement it should show.

    position: of the frame in the store. The displacement is `flow` float32 [FIELD, FIELD, 2], as in `Field`, applied
    `amount` times.
    """

    position: int
    view: View
    flow: Array
    amount: float


class MeasuredFactor:
    """Measures the factor that rendered views of a recording show; registers each recorded frame only once.

    query, matches: the recording and its references, as for `fields`; origin: that of `ground_origin`.
    """

    def __init__(self, query: CropStore, matches: Matches, origin: Array) -> None:
        self.query, self.matches, self.origin = query, matches, origin
        self._known: dict[int, tuple[CanvasReferences, Array, Array]] = {}

    def reached(self, shown: Sequence[RenderedView]) -> float:
        """Return the factor of rendered views, 1 for the recording; nan when nothing deviates.

        The factor is the distance of the rendered views from the references along the deviation, over that of the
        recorded ones. The same network registers both with the same references, so that its errors cancel. The
        displacement of a rendered part is read at the place to which it was moved.
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

    def _at(self, position: int) -> tuple[CanvasReferences, Array, Array]:
        """A frame's references, the displacement of its recorded view towards them, and the weight of the subject."""
        if position not in self._known:
            references = canvas_references(self.query, self.matches, position)
            weight = subject_weight(self.query.views[position])
            recorded, _ = consensus(towards(close_view(self.query, position), references))
            self._known[position] = references, recorded, weight
        return self._known[position]


def outline_factor(query: CropStore, positions: Sequence[int], views: Sequence[View], asked: Sequence[Array]) -> float:
    """Return the factor that the outlines of rendered `views` show, 1 for the recording; nan when nothing deviates.

    asked: per position the flow float32 [FIELD, FIELD, 2] to the twin. Each recorded outline is registered with the
    rendered one, and the flow found is projected on `asked`.
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
