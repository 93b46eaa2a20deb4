"""A run: one analysis, its tables, embeddings, figures and clips."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ubam.api.table import Row, Table
from ubam.core.errors import RunError
from ubam.results.embeddings import Embeddings, read_embeddings
from ubam.results.run_data import read_run
from ubam.results.run_folder import RunFolder
from ubam.results.run_record import RunRecord
from ubam.results.tables import Exported, read_scored

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from ubam.api.clip import Clip

    Progress = Callable[[str, int, int], None]


class Run:
    """The folder that one analysis wrote. `analyse` and `open_run` make it; its tables are read when asked for.

    RunError is raised by `subjects`, `recordings`, `windows` and `tests` when the run is not scored yet.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._record = RunRecord.open(self.folder).record

    @property
    def subjects(self) -> Table:
        """A row for each subject: deviation with its interval, place in the reference, p-value, controls."""
        return self._table("subjects")

    @property
    def recordings(self) -> Table:
        """A row for each recording of the study, failed ones included: status, reason, length, and its scores."""
        scores = {row["recording_id"]: row for row in self._table("recordings")}
        known, scored = self._table("videos"), self._table("recordings").columns
        columns = [*known.columns, *(name for name in scored if name not in known.columns)]
        rows: list[Row] = [
            {name: {**scores.get(row["recording_id"], {}), **row}.get(name) for name in columns} for row in known
        ]
        return Table(rows, columns)

    @property
    def windows(self) -> Table:
        """A row for each window of each recording: when it is, and its deviation."""
        return self._table("windows")

    @property
    def tests(self) -> Table:
        """A row for each test: what was compared, n of each group, p with its smallest possible value, effect sizes."""
        return self._table("tests")

    @property
    def reference(self) -> str | None:
        """The group that defines normal; None where every subject is scored against all others."""
        return self._record.get("reference")

    @property
    def warnings(self) -> list[str]:
        """What to know before the numbers are trusted."""
        return list(self._record.get("warnings", []))

    @property
    def report(self) -> Path:
        """The report, one self-contained page; RunError when it is not written yet."""
        path = RunFolder(self.folder).report
        if not path.is_file():
            raise RunError(f"{self.folder} has no report yet; do first: ubam report {self.folder}")
        return path

    @property
    def figures(self) -> list[str]:
        """The names that `figure` draws, as far as the run has the numbers for them."""
        from ubam.report.figures.write import drawings

        return [name for name, draw in drawings(read_run(self.folder)) if draw() is not None]

    def figure(self, name: str) -> "Figure":
        """One of the report's figures, as a matplotlib Figure; RunError when there is none of that name."""
        from ubam.report.figures.write import drawings

        found = next((draw() for known, draw in drawings(read_run(self.folder)) if known == name), None)
        if found is None:
            raise RunError(f"{self.folder} has no figure '{name}'; it has {', '.join(self.figures)}.")
        return found

    def embeddings(self, recording_id: str) -> Embeddings:
        """Postures, behaviours, times and boxes of one recording; RunError when it has none."""
        return read_embeddings(self.folder, recording_id)

    def neighbours(self, recording_id: str, time_s: float, what: str = "behaviour", count: int = 10) -> Table:
        """The moments of other subjects that are most like one moment of a recording, the most similar first.

        what: "behaviour" or "posture". similarity: the cosine, from -1 to 1. At most one neighbour in half a second of
        each recording. RunError when there is no such recording, or `time_s` lies outside it.
        """
        from ubam.pipeline.queries import find_neighbours

        return Table([vars(row) for row in find_neighbours(self.folder, recording_id, time_s, what, count)])

    def magnify(
        self, recording_id: str, factor: float, out: Path | str, *, layout: str = "side-by-side",
        span: tuple[float | None, float | None] = (None, None), progress: "Progress | None" = None,
    ) -> "Clip":  # fmt: skip
        """Write a clip in which the deviation of a recording is magnified, and its JSON beside it.

        Parameters
        ----------
        recording_id
            One of the run's recordings.
        factor
            0 the twin, 1 the recording as it is, 2 the deviation doubled; from -2 to 6.
        out
            The .mp4 to write; of the layout "strip" the .png or .svg.
        layout
            "side-by-side", "magnified", "twin", "overlay" or "strip".
        span
            First and last second to show, on the recording's own clock; None: its start or end.
        progress
            Called with the stage ("magnify"), the frames that are done, and all of them.

        Raises
        ------
        RunError
            No such recording, no frames in `span`, or the run's videos are not compared with each other.
        StudyError
            The study or its videos are no longer where they were.
        UbamError
            A factor out of range, or no such layout.
        """
        from ubam.api.clip import clip_of
        from ubam.core.settings import check_factors
        from ubam.pipeline.job import no_progress
        from ubam.pipeline.plan import plan_again
        from ubam.pipeline.queries import magnify_recording
        from ubam.pipeline.runner import require_scored

        if self._record.get("options", {}).get("against"):
            raise RunError(f"{self.folder} was scored by a frozen reference, which holds no pictures to compare with.")
        check_factors([factor])
        job = plan_again(self.folder, lambda groups: None, {}).dry(self.folder, progress or no_progress)
        require_scored(job)
        facts = magnify_recording(job, recording_id, factor, layout, span, Path(out))
        return clip_of(Path(out), facts)

    def __repr__(self) -> str:
        return f"Run('{self.folder}')"

    @cached_property
    def _scored(self) -> Exported:
        return read_scored(self.folder)

    def _table(self, name: str) -> Table:
        columns, rows = self._scored.tables.get(name, ([], []))
        return Table(rows, columns)
