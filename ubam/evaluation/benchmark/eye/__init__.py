"""Pictures that trained nothing come in, with true outlines and landmarks.

How well these are found goes out, as a table and as contact sheets.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["PictureSet", "eye_rows", "eye_table", "run_eye", "write_eye_results"]

if TYPE_CHECKING:
    from ubam.evaluation.benchmark.eye.rows import eye_rows
    from ubam.evaluation.benchmark.eye.run import run_eye
    from ubam.evaluation.benchmark.eye.sets import PictureSet
    from ubam.evaluation.benchmark.eye.table import eye_table, write_eye_results
else:
    __getattr__, __dir__ = lazy_names(
        __name__, PictureSet="sets", eye_rows="rows", eye_table="table", run_eye="run", write_eye_results="table"
    )
