"""What the user hands in: the study table, videos and keypoint files come in.

Checked recordings, frames with their times and a verdict on each recording go out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Recording", "Study", "check_study", "init_study", "probe", "read_frames", "read_study", "write_clip"]

if TYPE_CHECKING:
    from ubam.recordings.study_table import Recording, Study, init_study, read_study
    from ubam.recordings.validation import check_study
    from ubam.recordings.video_reader import probe, read_frames
    from ubam.recordings.video_writer import write_clip
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Recording="study_table",
        Study="study_table",
        check_study="validation",
        init_study="study_table",
        probe="video_reader",
        read_frames="video_reader",
        read_study="study_table",
        write_clip="video_writer",
    )
