"""The face for a notebook: a study, a recording or a run folder comes in.

Tables, arrays, figures and clips go out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Clip", "CroppedRecording", "Deviation", "Model", "Run", "Table", "analyse", "open_run"]

if TYPE_CHECKING:
    from ubam.api.analysis import analyse, open_run
    from ubam.api.clip import Clip
    from ubam.api.deviation import Deviation
    from ubam.api.model import Model
    from ubam.api.run import Run
    from ubam.api.subject import CroppedRecording
    from ubam.api.table import Table
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Clip="clip",
        CroppedRecording="subject",
        Deviation="deviation",
        Model="model",
        Run="run",
        Table="table",
        analyse="analysis",
        open_run="analysis",
    )
