"""statistics.json as a whole: the design of the study, its tests, curves, classifier, motifs and notes."""

from dataclasses import dataclass, field
from pathlib import Path

from ubam.core.files import write_json
from ubam.results.records.audit import Audit
from ubam.results.records.codec import OMITTED, from_json, to_json
from ubam.results.records.tests import BlocksUsed, GroupCount, LeftOut, Power, Test

FORMAT = 2


@dataclass(frozen=True)
class Repeated:
    """The column over which subjects were recorded again, and its values."""

    column: str = ""
    values: list[object] = field(default_factory=list)


@dataclass(frozen=True)
class BlockDesign:
    """How groups lie in the blocks: subjects of each group in each block, and what that allows."""

    column: str = ""
    blocks: dict[str, dict[str, int]] = field(default_factory=dict)
    use: str = ""
    words: str = ""


@dataclass(frozen=True)
class Design:
    """What the study was taken for: its groups, those of the same subjects, repetitions and blocks."""

    groups: list[str] = field(default_factory=list)
    paired: list[list[str]] = field(default_factory=list)
    repeated: Repeated | None = None
    block: BlockDesign | None = None
    words: str = ""


@dataclass(frozen=True)
class Likeness:
    """How much one subject looks like each group, to a classifier that never saw it."""

    subject: str = ""
    name: str = ""
    group: str = ""
    predicted: str = ""
    probability: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Classifier:
    """Which subjects look like which group, and how often that is right."""

    name: str = ""
    unit: str = "subject"
    groups: list[str] = field(default_factory=list)
    n: dict[str, int] = field(default_factory=dict)
    p: float | None = None
    blocks: BlocksUsed | None = None
    features: str = ""
    prior: str = ""
    chance: float | None = None
    subjects: list[Likeness] = field(default_factory=list)
    downgraded: str | None = field(default=None, metadata=OMITTED)
    smallest_p: float | None = field(default=None, metadata=OMITTED)
    arrangements: int | None = field(default=None, metadata=OMITTED)
    refused: str | None = field(default=None, metadata=OMITTED)
    exact: bool | None = field(default=None, metadata=OMITTED)
    accuracy: float | None = field(default=None, metadata=OMITTED)
    brier: float | None = field(default=None, metadata=OMITTED)
    brier_chance: float | None = field(default=None, metadata=OMITTED)
    auc: float | None = field(default=None, metadata=OMITTED)
    auc_low: float | None = field(default=None, metadata=OMITTED)
    auc_high: float | None = field(default=None, metadata=OMITTED)
    words: str | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class Window:
    """A window of a recording, in its own seconds, and its deviation."""

    recording_id: str = ""
    t_start_s: float | None = None
    t_end_s: float | None = None
    deviation: float | None = None


@dataclass(frozen=True)
class Unusual:
    """One subject against all others: its place and its most unusual windows."""

    subject: str = ""
    group: str = ""
    deviation: float | None = None
    rank: int | None = None
    p_value: float | None = None
    smallest_p: float | None = None
    windows: list[Window] = field(default_factory=list)


@dataclass(frozen=True)
class Mutual:
    """Without a reference: every subject against all others, the most unusual first."""

    subjects: list[Unusual] = field(default_factory=list)
    words: str = ""


@dataclass(frozen=True)
class Point:
    """The deviation of one session of a subject, at `x` on the axis."""

    subject: str = ""
    x: float | None = None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    recordings: int | None = field(default=None, metadata=OMITTED)
    label: str | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class MeanPoint:
    """The mean deviation of `n` subjects at `x`."""

    x: float | None = None
    n: int = 0
    deviation: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class SubjectSlope:
    """How one subject's deviation changes per unit of the axis, from so many points."""

    subject: str = ""
    slope: float | None = None
    points: int = 0


@dataclass(frozen=True)
class Curve:
    """The deviations of one group over days, doses or sessions, and their mean slope."""

    column: str = "day"
    group: str = ""
    points: list[Point] = field(default_factory=list)
    subjects: list[SubjectSlope] = field(default_factory=list)
    mean: list[MeanPoint] = field(default_factory=list)
    slope: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    p: float | None = None
    left_out: list[LeftOut] = field(default_factory=list)
    words: str = ""


@dataclass(frozen=True)
class Stretch:
    """A stretch of time in which two groups differ, `more` or `less`."""

    start_s: float | None = None
    end_s: float | None = None
    mass: float | None = None
    p: float | None = None
    direction: str = ""


@dataclass(frozen=True)
class Course:
    """Two groups over the time in the recording: time_s and t [T], and of each group mean, low and high [T]."""

    groups: list[str] = field(default_factory=list)
    time_s: list[float | None] = field(default_factory=list)
    mean: dict[str, list[float | None]] = field(default_factory=dict)
    low: dict[str, list[float | None]] = field(default_factory=dict)
    high: dict[str, list[float | None]] = field(default_factory=dict)
    t: list[float | None] = field(default_factory=list)
    threshold: float | None = None
    clusters: list[Stretch] = field(default_factory=list)
    p: float | None = None
    smallest_p: float | None = None
    words: str = ""


@dataclass(frozen=True)
class MotifTest:
    """Whether two groups spend different shares of their time on one motif."""

    groups: list[str] = field(default_factory=list)
    motif: int = 0
    share: dict[str, float] = field(default_factory=dict)
    difference: float | None = None
    p: float | None = None
    correction_p: float | None = None


@dataclass(frozen=True)
class MotifUse:
    """The tests of all motifs, and what they found in words."""

    tests: list[MotifTest] = field(default_factory=list)
    words: str = ""


@dataclass(frozen=True)
class ControlScore:
    """How well a control tells the reference from all others; p only where an older run kept one."""

    auc: float | None = None
    p: float | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class AgainstReference:
    """The frozen reference that new subjects were scored by; usual: its own values as `usual_values` gives them."""

    path: str = ""
    version: str = ""
    hash: str = ""
    model: str = ""
    group: str = ""
    n: int = 0
    usual: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Statistics:
    """All of statistics.json; a part that a run has nothing to say of is None or empty."""

    format: int = FORMAT
    unit: str = "subject"
    reference: str | None = None
    against: AgainstReference | None = field(default=None, metadata=OMITTED)
    looks: bool = False
    n: dict[str, int] = field(default_factory=dict)
    counts: dict[str, GroupCount] | None = field(default=None, metadata=OMITTED)
    design: Design | None = field(default=None, metadata=OMITTED)
    tests: list[Test] = field(default_factory=list)
    power: list[Power] | None = field(default=None, metadata=OMITTED)
    classifier: Classifier | None = None
    mutual: Mutual | None = None
    curves: list[Curve] | None = field(default=None, metadata=OMITTED)
    timecourse: list[Course] | None = field(default=None, metadata=OMITTED)
    motifs: MotifUse | None = None
    controls: dict[str, ControlScore] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    audit: Audit | None = field(default=None, metadata=OMITTED)

    @classmethod
    def from_json(cls, value: object) -> "Statistics":
        """What can be read of `value`, the object in a statistics.json."""
        return from_json(cls, value)

    def to_json(self) -> dict[str, object]:
        """What is written; of new subjects, scored by a frozen reference, only what can be said of them."""
        found = to_json(self)
        if self.against is not None:
            found = {name: value for name, value in found.items() if name not in ("classifier", "mutual", "motifs")}
        return found

    def write(self, path: Path) -> None:
        """Write statistics.json."""
        write_json(path, self.to_json())
