"""Bodies of `anny` and `dm_control` and photographs of backgrounds come in (the extra `ubam[world]`).

Pairs of short clips go out: one moment in two independent appearances, scenes and cameras, with outline, body
coordinates and landmarks of every frame. They train the eye; no run of the program needs them.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Cast", "Parts", "load_cast", "make_cast"]

if TYPE_CHECKING:
    from ubam.pretraining.world.bodies.cast import Cast, load_cast, make_cast
    from ubam.pretraining.world.parts import Parts
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Cast="bodies.cast",
        Parts="parts",
        load_cast="bodies.cast",
        make_cast="bodies.cast",
    )
