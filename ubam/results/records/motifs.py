"""motifs.json: the motifs of a study, what they are, and examples of each."""

from dataclasses import dataclass, field

from ubam.results.records.codec import from_json, to_json


@dataclass(frozen=True)
class UsageRow:
    """One row of motifs/usage.csv: share of a subject's time, number of bouts, and their mean length (s)."""

    subject: str
    group: str
    motif: int
    share: float
    bouts: int
    mean_bout_s: float


@dataclass(frozen=True)
class Example:
    """A window that is near to the centre of a motif."""

    recording_id: str = ""
    subject: str = ""
    t_start_s: float | None = None
    t_end_s: float | None = None


@dataclass(frozen=True)
class MotifExamples:
    """One motif: the one that it shades into, the share of time that the reference spends on it, and examples."""

    motif: int = 0
    shades_into: int | None = None
    share: float | None = None
    examples: list[Example] = field(default_factory=list)


@dataclass(frozen=True)
class Cycle:
    """The order in which motifs follow each other, and the share of changes that go forward in it."""

    order: list[int] = field(default_factory=list)
    share: float | None = None


@dataclass(frozen=True)
class MotifDescription:
    """motifs.json: how many motifs there are and by which rule, what they are, their order, and each of them."""

    count: int = 0
    kind: str = ""
    words: str = ""
    rule: str = ""
    prediction_strength: dict[int, float] = field(default_factory=dict)
    shortest_bout_windows: int = 1
    regularity: float | None = None
    period_s: float | None = None
    cycle: Cycle | None = None
    reference: str | None = None
    motifs: list[MotifExamples] = field(default_factory=list)

    @classmethod
    def from_json(cls, value: object) -> "MotifDescription":
        """What can be read of `value`, the object in a motifs.json."""
        return from_json(cls, value)

    def to_json(self) -> dict[str, object]:
        """What is written."""
        return to_json(self)
