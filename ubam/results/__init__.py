"""What a run folder holds, read without torch or OpenCV: the folder comes in.

Typed tables, arrays, sentences and export files go out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = [
    "Embeddings",
    "RunData",
    "RunRecord",
    "export_run",
    "methods_paragraph",
    "read_embeddings",
    "read_run",
    "read_scored",
]

if TYPE_CHECKING:
    from ubam.results.embeddings import Embeddings, read_embeddings
    from ubam.results.export import export_run
    from ubam.results.methods import methods_paragraph
    from ubam.results.run_data import RunData, read_run
    from ubam.results.run_record import RunRecord
    from ubam.results.tables import read_scored
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Embeddings="embeddings",
        RunData="run_data",
        RunRecord="run_record",
        export_run="export",
        methods_paragraph="methods",
        read_embeddings="embeddings",
        read_run="run_data",
        read_scored="tables",
    )
