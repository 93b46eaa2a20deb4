"""The batches and losses of a training come in.

When it has learnt, and in which processes it learns, goes out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Course", "encode_together", "held_out_recordings"]

if TYPE_CHECKING:
    from ubam.encoding.learning.early_stopping import Course, held_out_recordings
    from ubam.encoding.learning.many_processes import encode_together
else:
    __getattr__, __dir__ = lazy_names(
        __name__, Course="early_stopping", encode_together="many_processes", held_out_recordings="early_stopping"
    )
