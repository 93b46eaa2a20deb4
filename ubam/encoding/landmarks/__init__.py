"""The landmarks that the eye sees in the crops of a study come in.

Postures made of them go out, and what other looks of the subjects would do to these.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["LandmarkCode", "moved_landmarks", "read_landmarks", "settle_landmark_code"]

if TYPE_CHECKING:
    from ubam.encoding.landmarks.other_looks import moved_landmarks
    from ubam.encoding.landmarks.postures import LandmarkCode, read_landmarks, settle_landmark_code
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        LandmarkCode="postures",
        moved_landmarks="other_looks",
        read_landmarks="postures",
        settle_landmark_code="postures",
    )
