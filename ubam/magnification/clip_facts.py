"""The facts of a clip as they stand in the JSON beside it."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Region:
    """A region of the body that deviates.

    place: in words. box: (x0, y0, x1, y1) in shares of the subject's box. mean: displacement, and towards: its (x, y)
    to the twin, right and down, both in body heights. share: of all displacement, 0..1.
    """

    place: str
    box: list[float]
    mean: float
    towards: list[float]
    share: float


@dataclass(frozen=True)
class DisplacementCurve:
    """The mean displacement of each frame, in body heights, and the frame's time in seconds."""

    time_s: list[float]
    body_heights: list[float]


@dataclass(frozen=True)
class Marks:
    """The frames to be judged with care: how many, in all and for each reason; stretches [start, end] in seconds."""

    marked_frames: int
    marked_reasons: dict[str, int]
    marked_s: list[list[float]]


@dataclass(frozen=True)
class MagnifiedFacts:
    """A magnified clip or strip.

    factor: requested. factor_measured: in postures. factor_geometric: by registration. inner_gain: on the displacement.
    appearance_kept: share (0..1) of the subject's colours. off_manifold: share (0..1) of the frames. from_s, to_s:
    seconds of the recording. fps: frames per second. period_s: of a strip over one cycle of the movement, else None.
    """

    recording_id: str
    factor: float
    factor_measured: float
    factor_geometric: float
    inner_gain: float
    appearance_kept: float
    off_manifold: float
    frames: int
    from_s: float
    to_s: float
    fps: float
    reference_subjects: int
    marks: Marks
    regions: list[Region]
    displacement: DisplacementCurve
    period_s: float | None = None
    layout: str = ""

    def as_dict(self) -> dict[str, object]:
        """Plain values for the JSON; `period_s` for a strip only."""
        values = _flat(asdict(self))
        if self.layout != "strip":
            del values["period_s"]
        return values


@dataclass(frozen=True)
class TransferFacts:
    """A posture transfer: `recording_id` gives the postures and the recording `appearance` the pixels.

    agreement: mean intersection over union (0..1) of the rendered outline with the target; agreement_before: that of
    the matched frame before its move. jumps: of the matched path. The others as in `MagnifiedFacts`.
    """

    recording_id: str
    appearance: str
    agreement: float
    agreement_before: float
    appearance_kept: float
    frames: int
    from_s: float
    to_s: float
    fps: float
    marks: Marks
    jumps: int
    layout: str = "transfer"

    def as_dict(self) -> dict[str, object]:
        """Plain values for the JSON."""
        return _flat(asdict(self))


def _flat(values: dict[str, object]) -> dict[str, object]:
    """The values with those of the marks among them, in the order of the fields."""
    flat: dict[str, object] = {}
    for name, value in values.items():
        flat |= value if name == "marks" and isinstance(value, dict) else {name: value}
    return flat
