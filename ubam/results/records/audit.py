"""The confound audit in statistics.json: what else separates the groups, and what the deviation follows."""

from dataclasses import dataclass, field

from ubam.results.records.codec import OMITTED, to_json


@dataclass(frozen=True)
class PropertyRow:
    """One property in one comparison; a likeness has no `medians`. Verdict: apart, possible, no sign, same, refused."""

    feature: str = ""
    label: str = ""
    about: str = ""
    auc: float | None = None
    p: float | None = None
    corrected_p: float | None = None
    may_be_effect: bool = False
    same: bool | None = field(default=None, metadata=OMITTED)
    refused: str | None = field(default=None, metadata=OMITTED)
    medians: dict[str, float | None] | None = field(default=None, metadata=OMITTED)
    unit: str | None = field(default=None, metadata=OMITTED)
    verdict: str = ""
    words: str = ""

    @property
    def separation(self) -> float | None:
        """How well the property separates, 0.5 to 1 whichever group has the larger value; of a likeness its AUC."""
        return max(self.auc, 1 - self.auc) if self.auc is not None and self.medians else self.auc


@dataclass(frozen=True)
class ControlRow:
    """How well a control separates the two groups of a comparison; no p for ubam itself, which has its own test."""

    name: str = ""
    auc: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class Comparison:
    """One group beside the reference: a row for each property."""

    groups: list[str] = field(default_factory=list)
    n: dict[str, int] = field(default_factory=dict)
    paired: bool = False
    rows: list[PropertyRow] = field(default_factory=list)
    refused: str | None = field(default=None, metadata=OMITTED)
    arrangements: int | None = field(default=None, metadata=OMITTED)
    exact: bool | None = field(default=None, metadata=OMITTED)
    smallest_p: float | None = field(default=None, metadata=OMITTED)
    smallest_visible_auc: float | None = field(default=None, metadata=OMITTED)
    correction: str | None = field(default=None, metadata=OMITTED)
    controls: list[ControlRow] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """What is written; of what was tested, that no property could be visible is null."""
        found = to_json(self)
        if self.refused is None and self.smallest_visible_auc is None:
            places = list(found)
            before = places.index("correction") if "correction" in found else len(places)
            return {name: found.get(name) for name in (*places[:before], "smallest_visible_auc", *places[before:])}
        return found


@dataclass(frozen=True)
class FollowRow:
    """Whether the deviation goes up or down with one property within the groups (Spearman's rho)."""

    feature: str = ""
    label: str = ""
    about: str = ""
    rho: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    may_be_effect: bool = False
    corrected_p: float | None = None
    words: str = ""


@dataclass(frozen=True)
class Follows:
    """What the deviation of `n` subjects follows."""

    n: int = 0
    rows: list[FollowRow] = field(default_factory=list)
    correction: str = ""
    refused: str | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class Identity:
    """How often a probe recognises the subject of a moment, for each way of coding; chance is 1 / subjects."""

    subjects: int = 0
    chance: float | None = None
    accuracy: dict[str, float] = field(default_factory=dict)
    across: str = ""
    refused: str | None = field(default=None, metadata=OMITTED)
    words: str = ""


@dataclass(frozen=True)
class RangeRow:
    """One property of a new subject beside the range of the reference; verdict: usual, outside or refused."""

    feature: str = ""
    label: str = ""
    about: str = ""
    may_be_effect: bool = False
    unit: str = ""
    verdict: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    words: str = ""


@dataclass(frozen=True)
class NewSubject:
    """A new subject beside a frozen reference: a row for each property."""

    subject: str = ""
    group: str = ""
    rows: list[RangeRow] = field(default_factory=list)


@dataclass(frozen=True)
class Audit:
    """All that the audit found: of a study `follows` and `identity`, of new subjects `against`."""

    unit: str = "subject"
    comparisons: list[Comparison] = field(default_factory=list)
    follows: Follows | None = field(default=None, metadata=OMITTED)
    identity: Identity | None = field(default=None, metadata=OMITTED)
    against: list[NewSubject] | None = field(default=None, metadata=OMITTED)
    warnings: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
