"""What the templates of the sections are given: the shape of every view."""

from typing import NotRequired, TypedDict

from ubam.report.views import Band, GroupKey, Level, Styled, Tick


class EffectView(TypedDict):
    """An effect size with its interval."""

    name: str
    value: str
    interval: str


class TestRow(TypedDict):
    """A test that was made, or `refused` for this reason."""

    question: str
    name: str
    unit: str
    n: str
    p: str
    smallest_p: str
    corrected_p: str
    correction: str
    effects: list[EffectView]
    refused: str
    notes: list[str]


class MainTest(TypedDict):
    """A test that answers the study's question, in a sentence."""

    heading: str
    sentence: str
    family: str
    notes: list[str]
    p: str
    smallest_p: str
    corrected_p: str
    correction: str
    effects: list[EffectView]
    n: str
    name: str
    unit: str


class Family(TypedDict):
    """The tests of one kind of question."""

    name: str
    rows: list[TestRow]


class GroupShare(Styled):
    """How probable a group is for a subject."""

    group: str
    percent: float


class LikenessRow(Styled):
    """What the classifier says of a subject."""

    subject: str
    group: str
    parts: list[GroupShare]
    own: str
    predicted: str
    wrong: bool


class ClassifierView(TypedDict):
    """Which subjects look like which group."""

    words: str
    refused: str
    name: str
    groups: list[GroupKey]
    facts: list[tuple[str, str]]
    rows: list[LikenessRow]


class CurvePoint(TypedDict):
    """A point of a subject's curve on the drawing, with the ends of its interval."""

    x: float
    y: float
    low: float | None
    high: float | None
    text: str


class CurveLine(TypedDict):
    """The curve of one subject."""

    subject: str
    path: str
    points: list[CurvePoint]
    slope: str


class CurvePanel(Styled):
    """The curves of one group."""

    group: str
    reference: bool
    words: str
    slope: str
    lines: list[CurveLine]
    mean: str
    mean_band: str
    band: str
    left_out: list[str]


class Drawing(TypedDict):
    """The frame that curves are drawn in."""

    ticks: list[Tick]
    levels: list[Level]
    wide: float
    high: float


class CurvesView(Drawing):
    """Deviation over days or doses."""

    column: str
    panels: list[CurvePanel]


class CourseLine(Styled):
    """The mean of a group over the time in the recording, with its interval."""

    group: str
    path: str
    band: str


class ClusterView(TypedDict):
    """A stretch of time in which two groups differ; sure: p is at most 0.05."""

    x: float
    wide: float
    sure: bool
    text: str


class CourseView(Drawing):
    """Two groups over the time in the recording."""

    title: str
    words: str
    lines: list[CourseLine]
    clusters: list[ClusterView]


class ControlView(TypedDict):
    """What one way of looking finds between two groups."""

    name: str
    auc: float
    p: str


class ComparedControl(ControlView):
    """A control beside the audit's properties; ours: it is ubam itself."""

    ours: bool


class PropertyView(Styled):
    """A property of the recordings, compared between two groups."""

    label: str
    auc: float | None
    at: float | None
    medians: list[str]
    unit: str
    p: str
    corrected_p: str
    verdict: str
    words: str


class ComparisonView(TypedDict):
    """All properties of the recordings between two groups."""

    groups: list[str]
    title: str
    refused: str
    correction: str
    rows: list[PropertyView]
    controls: list[ComparedControl]


class FollowView(Styled):
    """How closely the deviation follows a property; `at` has the places of deviation, low and high."""

    label: str
    rho: str
    at: dict[str, float | None]
    interval: str
    corrected_p: str
    words: str


class HeldView(TypedDict):
    """A new subject beside the reference's range of every property."""

    words: str


class AuditView(TypedDict):
    """The confound audit; new: subjects were scored by a frozen reference."""

    warnings: list[str]
    comparisons: list[ComparisonView]
    follows: list[FollowView]
    follows_n: int
    identity: str
    unknown: list[str]
    against: list[HeldView]
    new: bool


class NamedSubject(GroupKey):
    """A subject at the side of the matrix."""

    group: str


class Cell(TypedDict):
    """The distance between two subjects."""

    x: int
    y: int
    colour: str
    text: str


class DistancesView(TypedDict):
    """The matrix of distances; `cells` is empty when it is too large to draw."""

    subjects: list[NamedSubject]
    cells: list[Cell]
    size: int
    ramp: list[str]
    most: str
    nearest: list[str]


class MapShape(TypedDict):
    """Moments of one recording, motif and fifth of its time, as one path."""

    path: str
    recording: str
    subject: int
    group: str
    motif: int
    fifth: int
    times: str


class MapSubject(TypedDict):
    """A subject in the legend of a map."""

    number: int
    name: str


class MotifLabel(Styled):
    """The number of a motif on a map."""

    number: int
    x: float
    y: float


class MapMark(TypedDict):
    """A moment of a map that is shown with its crop; point: its row in the map."""

    point: int
    x: float
    y: float
    picture: NotRequired[str]
    time: NotRequired[float]
    subject: NotRequired[str]


class MapView(TypedDict):
    """A map of postures or behaviours."""

    what: str
    shapes: list[MapShape]
    subjects: list[MapSubject]
    motifs: list[MotifLabel]
    timed: bool
    points: int
    marks: list[MapMark]
    box: str


class Film(TypedDict):
    """An example of a motif, its eight crops side by side; time in seconds."""

    picture: str
    recording: str
    subject: str
    time: float | None


class MotifCard(Styled):
    """A motif with films of its examples."""

    number: int
    share: str
    films: list[Film]


class UsageCell(TypedDict):
    """How much of its time a subject spends in a motif."""

    at: float | None
    band: Band | None
    text: str


class UsageRow(Styled):
    """How much of its time a subject spends in each motif."""

    subject: str
    group: str
    cells: list[UsageCell]


class MotifsView(TypedDict):
    """The motifs; `cards` and `usage` are empty when there is only one."""

    words: str
    order: str
    kind: str
    cards: list[MotifCard]
    usage: list[UsageRow]
    tests: str
