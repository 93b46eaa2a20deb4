"""Meshes of people and animals come in.

Bodies of many builds go out, posed and dressed, with their landmarks.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Cast", "load_cast", "make_cast"]

if TYPE_CHECKING:
    from ubam.pretraining.world.bodies.cast import Cast, load_cast, make_cast
else:
    __getattr__, __dir__ = lazy_names(__name__, Cast="cast", load_cast="cast", make_cast="cast")
