"""The JSON beside a clip: what was measured on the finished pictures; docs/formats.md has the unit of each number."""

from dataclasses import dataclass, field

from ubam.results.records.codec import OMITTED, from_json, to_json

REASONS = {
    "lost": "outline lost",
    "unsure": "near normal variation",
    "torn": "torn",
    "limbs": "limb through limb",
    "bent": "background moved along",
    "dose": "dose missed",
    "ghost": "parts left behind",
}  # why a frame is not to be trusted, by its code in the JSON


@dataclass(frozen=True)
class Region:
    """A place that deviates: `box` in shares of the subject's box, `mean` and `towards` the twin in body heights."""

    place: str = ""
    box: list[float] = field(default_factory=list)
    mean: float | None = None
    towards: list[float] = field(default_factory=list)
    share: float | None = None


@dataclass(frozen=True)
class DisplacementCurve:
    """How far the subject is from its twin over the time of the recording, in body heights."""

    time_s: list[float] = field(default_factory=list)
    body_heights: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Marked:
    """How many frames are not to be trusted, for each reason, and the stretches [start, end] (s) of them."""

    frames: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    stretches_s: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class ClipFacts:
    """What a magnified clip or a strip shows, and how far to trust it."""

    recording_id: str = ""
    factor: float | None = None
    factor_measured: float | None = None
    factor_geometric: float | None = None
    appearance_kept: float | None = None
    frames: int = 0
    from_s: float | None = None
    to_s: float | None = None
    fps: float | None = None
    reference_subjects: int = 0
    marked_frames: int = 0
    marked_reasons: dict[str, int] = field(default_factory=dict)
    marked_s: list[list[float]] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    displacement: DisplacementCurve | None = None
    period_s: float | None = field(default=None, metadata=OMITTED)
    layout: str = "side-by-side"

    @classmethod
    def from_json(cls, value: object) -> "ClipFacts":
        """What can be read of `value`, the object in the JSON beside a clip."""
        return from_json(cls, value)

    def to_json(self) -> dict[str, object]:
        """What is written; of a strip also the period, which is null where the movement does not repeat itself."""
        found = to_json(self)
        if self.layout == "strip":
            found = {name: value for name, value in found.items() if name != "layout"}
            found |= {"period_s": self.period_s, "layout": self.layout}
        return found


@dataclass(frozen=True)
class TransferFacts:
    """What a clip shows that has the pixels of one recording and the posture of another."""

    recording_id: str
    appearance: str
    agreement: float
    agreement_before: float
    appearance_kept: float
    frames: int
    from_s: float
    to_s: float
    fps: float
    marked_frames: int
    marked_reasons: dict[str, int]
    marked_s: list[list[float]]
    jumps: int
    layout: str = "transfer"

    def to_json(self) -> dict[str, object]:
        """What is written."""
        return to_json(self)


@dataclass(frozen=True)
class PublishedFacts:
    """What a clip shows that was drawn in the published way, and how little its generator was trained."""

    recording_id: str
    layout: str
    factor: float
    frames: int
    from_s: float
    to_s: float
    fps: float
    generator_steps: int
    share_of_published_training: float

    def to_json(self) -> dict[str, object]:
        """What is written."""
        return to_json(self)
