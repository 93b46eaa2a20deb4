"""What the service reads from a run folder, as it is sent to the page."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from ubam.report.sections.views import AuditView, ClassifierView, Family, MainTest

Cell = str | float | None
Row = dict[str, Cell]


class ClipRecord(TypedDict):
    """A magnified clip; `id` is None for one that came with the run, `facts` is what the clip measures of itself."""

    id: str | None
    run: str
    recording_id: str
    factor: float | None
    layout: str
    appearance: str | None
    from_s: float | None
    to_s: float | None
    status: str
    error: str
    fraction: float
    queue_position: int | None
    facts: Mapping[str, object]
    url: str
    layers: str | None


class FileRecord(TypedDict):
    """A file of a run: its path inside the run folder, its size and its address."""

    path: str
    bytes: int
    url: str


class WindowRecord(TypedDict):
    """The deviation of one window; times in seconds of the recording."""

    t_start_s: Cell
    t_end_s: Cell
    deviation: Cell


class NearestRecord(TypedDict):
    """A reference moment that resembles a peak, with the address of its picture."""

    recording_id: str
    subject: str
    time_s: float
    url: str


class PeakRecord(TypedDict):
    """A most deviant moment, with the addresses of its pictures."""

    time_s: float
    start_s: float
    end_s: float
    query: str
    where: str
    nearest: list[NearestRecord]


class EvidenceRecord(TypedDict):
    """The peaks of a recording; `clock` holds pairs of seconds, of the recording and of its preview."""

    peaks: list[PeakRecord]
    clock: list[list[float]]


class MapRecord(TypedDict):
    """A dot for every moment; all lists have the same length."""

    xy: list[list[float]]
    recording: list[str]
    time_s: list[float]
    subject: list[str]
    group: list[str]
    motif: NotRequired[list[int]]


class MapsRecord(TypedDict):
    """The maps of postures and behaviours; None before they are drawn."""

    posture: MapRecord | None
    behaviour: MapRecord | None


class ComparedSubject(TypedDict):
    """The deviation of a subject in run a and in run b; None where it is not in that run."""

    subject: Cell
    group: Cell
    a: Cell
    b: Cell


class ComparisonRecord(TypedDict):
    """Two runs, subject by subject: `n` are in both, and `rank_correlation` is Spearman's."""

    subjects: list[ComparedSubject]
    n: int
    rank_correlation: float | None


class PartWords(TypedDict):
    """The static or the dynamic part of a deviation in words."""

    name: str
    words: str
    value: str
    verdict: str


class SubjectWords(TypedDict):
    """A subject in words."""

    subject: str
    group: str
    sentence: str
    parts: list[PartWords]


class RunWords(TypedDict):
    """What a run says in words; `usual` is the range of 90 % of the reference's windows."""

    headline: list[str]
    warnings: list[str]
    tests: list[MainTest]
    table: list[Family]
    power: list[str]
    classifier: ClassifierView | None
    audit: AuditView | None
    subjects: list[SubjectWords]
    clips: dict[str, list[str]]
    methods: str
    citations: list[str]
    reference: str | None
    usual: tuple[float, float] | None
