"""What the template of the page is given on single subjects: a card for each, and their most unusual moments."""

from typing import NotRequired, TypedDict

from ubam.report.media import Clip
from ubam.report.views import Numbers, Part, Styled, TimelineView


class Nearest(TypedDict):
    """A moment of the reference that is near to a peak."""

    picture: str
    recording: str
    subject: str
    time: float | None


class Pair(TypedDict):
    """A peak of a recording beside the nearest moments of the reference; `where` and `place`: where it deviates."""

    time: float
    number: int
    query: str
    nearest: list[Nearest]
    where: NotRequired[str]
    place: NotRequired[str]


class RecordingView(Styled):
    """A recording of a subject's card: clips, timeline and peaks; clock: JSON that maps its time to the clip's."""

    id: str
    name: str
    about: str
    deviation: str
    magnified: Clip | None
    magnified_words: list[str]
    other_factors: list[tuple[str, str]]
    panels: tuple[str, ...]
    preview: Clip | None
    timeline: TimelineView | None
    clock: str
    pairs: list[Pair]


class SubjectCard(Styled):
    """Everything on one subject."""

    id: str
    subject: str
    group: str
    numbers: Numbers
    sentence: str
    parts: list[Part]
    recordings: list[RecordingView]


class UnusualWindow(TypedDict):
    """An unusual moment, and the player that shows it."""

    player: str | None
    time: float
    text: str


class UnusualRow(TypedDict):
    """The most unusual moments of a subject."""

    rank: int | None
    subject: str
    group: str
    deviation: str
    p: str
    smallest_p: str
    windows: list[UnusualWindow]


class UnusualView(TypedDict):
    """Without a reference: every subject's most unusual moments."""

    words: str
    rows: list[UnusualRow]
