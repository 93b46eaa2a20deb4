"""Rendered pictures of random bodies come in, and no recording.

The networks that ship with ubam go out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["draw_pair", "draw_picture", "pretrain", "pretrain_registration"]

if TYPE_CHECKING:
    from ubam.pretraining.body_pairs import draw_pair
    from ubam.pretraining.body_pictures import draw_picture
    from ubam.pretraining.posture_encoder import pretrain
    from ubam.pretraining.registration_network import pretrain_registration
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        draw_pair="body_pairs",
        draw_picture="body_pictures",
        pretrain="posture_encoder",
        pretrain_registration="registration_network",
    )
