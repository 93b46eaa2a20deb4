"""What is known of a recording before its views are made: the scene, the subject's track, the camera, the heading."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ubam.tracking.camera_motion import Camera
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.track import Track


@dataclass(frozen=True)
class Finding:
    """What is known of a recording before its views are made.

    scene: of the whole recording; in its own pixels, unless there is a camera. track: in pixels of the recording.
    camera: how it moves, from pixels of the recording to those of the scene; None where it stands still. heading
    float32 [T]: by how much each view is turned back, radians, clockwise. egocentric: whether that is the subject's
    own heading; upright: the track without that, None where views are not turned. lost: whether the camera moves and
    nothing is known of how. masks: the user's own outlines, a file or folder, where they gave some.
    """

    scene: Scene
    track: Track
    camera: Camera | None = None
    heading: np.ndarray | None = None
    egocentric: bool = False
    lost: bool = False
    masks: Path | None = None
    upright: Track | None = None

    def saying(self, *warnings: str) -> "Finding":
        """The same finding with further warnings."""
        return replace(self, track=self.track.saying(*warnings))

    def seen_upright(self) -> "Finding":
        """The same with views that are not turned to the subject's own heading."""
        if self.upright is None:
            return self
        track = replace(self.upright, warnings=self.track.warnings)
        roll = None if self.camera is None else self.camera.roll.astype(np.float32)
        return replace(self, track=track, heading=roll, egocentric=False, upright=None)
