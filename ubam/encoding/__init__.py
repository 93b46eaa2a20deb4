"""Views of a subject come in.

Postures, one for each frame, and behaviours, one for each window, go out, with the networks that were trained to make
them.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["BehaviourEncoder", "Embedding", "Networks", "PostureEncoder", "embed", "learn", "train_encoders"]

if TYPE_CHECKING:
    from ubam.encoding.encoders import BehaviourEncoder, PostureEncoder
    from ubam.encoding.saved_model import Networks
    from ubam.encoding.study_encoder import Embedding, embed, learn
    from ubam.encoding.training import train_encoders
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        BehaviourEncoder="encoders",
        Embedding="study_encoder",
        Networks="saved_model",
        PostureEncoder="encoders",
        embed="study_encoder",
        learn="study_encoder",
        train_encoders="training",
    )
