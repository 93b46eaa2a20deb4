"""What the templates of the page are given, by section: the shape of every view.

Places are percentages of an axis, or coordinates of a drawing; texts are ready to be shown, "" for nothing.
"""

from typing import NotRequired, TypedDict

Band = tuple[float, float]
Styled = TypedDict("Styled", {"class": str})  # the CSS class: the colour of a group, or how bad a finding is


class Tick(TypedDict):
    """A tick of an axis, `at` in percent of it."""

    at: float | None
    text: str


class Level(TypedDict):
    """A grid line of a drawing."""

    y: float
    text: str


class GroupKey(Styled):
    """A group in a legend."""

    name: str


class Numbers(TypedDict):
    """The numbers of a subject as text."""

    deviation: str
    interval: str
    percentile: str
    p: str
    smallest_p: str


class RankedSubject(Styled, Numbers):
    """A row of the dot plot; `at` has the places of deviation, low and high."""

    subject: str
    group: str
    at: dict[str, float | None]
    windows: int
    beyond: int | None


class Ranking(TypedDict):
    """The dot plot of all subjects; the band is the reference's range."""

    rows: list[RankedSubject]
    ticks: list[Tick]
    band: tuple[float | None, float | None] | None
    legend: list[GroupKey]


class Part(TypedDict):
    """The static or the dynamic part of a subject's deviation."""

    name: str
    words: str
    value: str
    at: float | None
    band: tuple[float | None, float | None] | None
    verdict: NotRequired[str]


class Peak(TypedDict):
    """A moment of a timeline that a button shows, in seconds."""

    at: float | None
    time: float
    text: str
    number: int


class TimelineView(TypedDict):
    """A recording's deviation over its time; begin and span in seconds."""

    path: str
    band: Band | None
    shown: tuple[float | None, float | None] | None
    ticks: list[Tick]
    levels: list[Tick]
    peaks: list[Peak]
    begin: float
    span: float
