"""How subjects move, straight from video: recordings of a reference group and of others come in.

How far each deviates from the reference goes out, when and where in the picture, how sure that is, and a clip in which
the deviation is magnified.

    run = ubam.analyse("study.csv", "my_run", reference="healthy", preset="quick")
    run.subjects.to_pandas()
    run.magnify("patient_07", 2, "patient_07.mp4")

The parts alone: `read_study`, `find_subject` and `crop`, `Model`, `Deviation`, `magnify`. Errors that the user can mend
are `UbamError`; nothing is printed.
"""

import os
from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

# Before torch is imported: idle threads that spin long take the second core from other work; a short spin costs nothing
# there, and makes a training alone on two cores faster.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "300")
# Before numpy is imported: ubam works side by side in processes; threads within them take three times the processor.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Before OpenCV is imported: what it and its ffmpeg say goes to the user's terminal otherwise.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

__all__ = [
    "Deviation",
    "Model",
    "Run",
    "Table",
    "UbamError",
    "analyse",
    "crop",
    "find_subject",
    "magnify",
    "open_run",
    "read_study",
]

if TYPE_CHECKING:
    from ubam.api.analysis import analyse, open_run
    from ubam.api.clip import magnify
    from ubam.api.deviation import Deviation
    from ubam.api.model import Model
    from ubam.api.run import Run
    from ubam.api.subject import crop, find_subject
    from ubam.api.table import Table
    from ubam.core.errors import UbamError
    from ubam.recordings.study_table import read_study
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Deviation="api.deviation",
        Model="api.model",
        Run="api.run",
        Table="api.table",
        UbamError="core.errors",
        analyse="api.analysis",
        crop="api.subject",
        find_subject="api.subject",
        magnify="api.clip",
        open_run="api.analysis",
        read_study="recordings.study_table",
    )
