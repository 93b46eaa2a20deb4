"""The landmarks that the eye sees in the crops of a study come in.

Postures made of them go out, and what other looks of the subjects would do to these.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["LandmarkCode", "encode_landmarks", "moved_by_other_looks"]

if TYPE_CHECKING:
    from ubam.encoding.landmarks.other_looks import moved_by_other_looks
    from ubam.encoding.landmarks.postures import LandmarkCode, encode_landmarks
else:
    __getattr__, __dir__ = lazy_names(
        __name__, LandmarkCode="postures", encode_landmarks="postures", moved_by_other_looks="other_looks"
    )
