"""The video of one recording comes in.

The boxes of its subject go out, with the crops and views that the encoders see.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["CropStore", "Finding", "Scene", "Track", "build_crops", "find_subject", "read_first_pass"]

if TYPE_CHECKING:
    from ubam.tracking.crop_store import CropStore
    from ubam.tracking.cropping import build_crops
    from ubam.tracking.finding import Finding
    from ubam.tracking.first_pass import read_first_pass
    from ubam.tracking.locate import find_subject
    from ubam.tracking.scene.empty_scene import Scene
    from ubam.tracking.track import Track
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        CropStore="crop_store",
        Finding="finding",
        Scene="scene.empty_scene",
        Track="track",
        build_crops="cropping",
        find_subject="locate",
        read_first_pass="first_pass",  # noqa: S106 - no password, a module
    )
