"""The controls of every score: other ways of coding that learnt nothing about movement."""

from dataclasses import dataclass

OURS = "ubam"  # the name of the score itself among its controls
KEYPOINTS = "keypoints"  # that of the score of the study's own keypoints alone: it stands there, and is no control


@dataclass(frozen=True)
class Control:
    """One control: its name in files, how tables and figures call it, and how a sentence does."""

    name: str
    label: str
    words: str


CONTROLS = (
    Control("untrained", "untrained network", "a network that learned nothing"),
    Control("pixel", "pixels of the crop", "the plain pixels of the subject"),
    Control("background", "background only", "the empty scene"),
)


def labels_of_controls() -> dict[str, str]:
    """How tables and figures call ubam's own score, that of keypoints alone and each control, by its name in files."""
    beside = {OURS: OURS, KEYPOINTS: "keypoints alone (no control)"}
    return beside | {control.name: control.label for control in CONTROLS}
