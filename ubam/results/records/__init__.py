"""The values that a run computes come in, or the JSON and the rows that it wrote.

A frozen dataclass for each kind of record goes out: it is written and read here and nowhere else.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Audit", "ClipFacts", "MotifDescription", "RunFacts", "ScoreRow", "Statistics", "Test", "WindowRow"]

if TYPE_CHECKING:
    from ubam.results.records.audit import Audit
    from ubam.results.records.clips import ClipFacts
    from ubam.results.records.motifs import MotifDescription
    from ubam.results.records.run import RunFacts
    from ubam.results.records.scores import ScoreRow, WindowRow
    from ubam.results.records.study import Statistics
    from ubam.results.records.tests import Test
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Audit="audit",
        ClipFacts="clips",
        MotifDescription="motifs",
        RunFacts="run",
        ScoreRow="scores",
        Statistics="study",
        Test="tests",
        WindowRow="scores",
    )
