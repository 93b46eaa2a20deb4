"""The rows of the tables of deviations: of subjects, of recordings, and of windows."""

from collections.abc import Mapping
from dataclasses import dataclass

from ubam.results.records.codec import number

SCORE_COLUMNS = (
    "n_windows", "deviation", "deviation_low", "deviation_high", "static", "dynamic", "reference_percentile",
    "p_value", "smallest_p",
)  # fmt: skip
WINDOW_COLUMNS = ("recording_id", "subject", "group", "t_start_s", "t_end_s", "deviation")


@dataclass(frozen=True)
class ScoreRow:
    """One row of deviation/subjects.csv or deviation/recordings.csv; a number is None where its cell is empty."""

    subject: str
    group: str
    recording_id: str = ""
    n_windows: int = 0
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    static: float | None = None
    dynamic: float | None = None
    percentile: float | None = None
    p: float | None = None
    smallest_p: float | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> "ScoreRow":
        """The scores in a row of the table."""
        values = [number(row.get(name)) for name in SCORE_COLUMNS]
        names = row.get("subject", ""), row.get("group", ""), row.get("recording_id") or ""
        return cls(*names, int(values[0] or 0), *values[1:])

    def to_row(self) -> dict[str, str | float | None]:
        """The cells of the row, by column."""
        values = (
            self.n_windows, self.deviation, self.low, self.high, self.static, self.dynamic, self.percentile, self.p,
            self.smallest_p,
        )  # fmt: skip
        named = {"subject": self.subject, "group": self.group}
        return named | dict(zip(SCORE_COLUMNS, values, strict=True)) | {"recording_id": self.recording_id}

    @property
    def beyond_reference(self) -> bool:
        """Whether no reference subject is as deviant, each scored without itself: p is the smallest there can be."""
        return self.p is not None and self.smallest_p is not None and self.p <= self.smallest_p * 1.001


@dataclass(frozen=True)
class WindowRow:
    """One row of deviation/windows.csv: a window in seconds of its recording's own clock, and its deviation."""

    recording_id: str
    subject: str
    group: str
    t_start_s: float
    t_end_s: float
    deviation: float
