"""A seed and a kind of subject come in.

Recordings of people and rats made of capsules go out with their truth, from a second renderer that judges what the
first one taught.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["CapsuleRecording", "CapsuleStudy", "film_recording", "write_filmed"]

if TYPE_CHECKING:
    from ubam.evaluation.synthetic.capsules.recording import CapsuleRecording, film_recording
    from ubam.evaluation.synthetic.capsules.study import CapsuleStudy, write_filmed
else:
    __getattr__, __dir__ = lazy_names(
        __name__, CapsuleRecording="recording", CapsuleStudy="study", film_recording="recording", write_filmed="study"
    )
