"""Pairs of clips that the training world drew come in.

The network of the eye goes out, trained on them alone.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Plan", "pretrain_eye"]

if TYPE_CHECKING:
    from ubam.pretraining.eye.pretrain import pretrain_eye
    from ubam.pretraining.eye.train import Plan
else:
    __getattr__, __dir__ = lazy_names(__name__, Plan="train", pretrain_eye="pretrain")
