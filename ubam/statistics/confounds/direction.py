"""To which side subjects face, or turn: filmed from the other side, the same walk deviates.

Views are not mirrored to one side, and a healthy walker in a mirror leaves the range of the healthy. So every subject
that faces the other way than the reference is named, whether or not a test finds a difference between the groups.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ubam.core.text import listed, shortened
from ubam.tracking.body import landmarks_as_seen, read_body
from ubam.tracking.crop_store import CropStore
from ubam.tracking.eye.landmarks import LANDMARKS

AHEAD: Mapping[str, tuple[tuple[str, str], ...]] = {  # in each plan of body: what lies before what
    "person": (("toe_left", "ankle_left"), ("toe_right", "ankle_right")),
    "rodent": (("nose", "tail_base"),),
    "dog": (("nose", "tail_base"),),
    "fly": (("head", "abdomen_tip"),),
}
CLEAR = 1 / 3  # two of three frames on one side: what is less clear is neither left nor right
MOST = 0.75  # of the reference's subjects that face one way: then that is the reference's side
VERBS = {"direction": ("faces", "face"), "turning": ("mostly turns", "mostly turn")}
WHY = {
    "direction": "the side changes the deviation whatever the movement is. Film all subjects from one side, or mirror "
    "the films of one (their left and right limbs then change places).",
    "turning": "this may be the movement itself, or films in a mirror.",
}


def facing(store: CropStore, plan: str | None = None) -> float:
    """Which way the subject of a recording faces: -1 left, 1 right, 0 neither; NaN from above or where nobody is seen.

    The eye's landmarks tell it, as a subject on a treadmill goes nowhere, and in a real film somebody else may walk.
    plan: of the study's bodies; the eye looks again at a recording that it took for another one.
    """
    seen = landmarks_as_seen(store)
    if store.egocentric or seen is None or not store.found.any():
        return float("nan")
    own, marks = seen
    plan = plan or own
    marks = marks if plan == own else read_body(store, plan).landmarks
    names, across = LANDMARKS[plan], marks[store.found, :, 0]
    ahead = [across[:, names.index(front)] - across[:, names.index(back)] for front, back in AHEAD[plan]]
    share = float(np.sign(ahead).mean())
    return float(np.sign(share)) if abs(share) >= CLEAR else 0.0


def turning(store: CropStore) -> float:
    """Net over total turning of a subject seen from above: -1 always left, 1 always right; NaN of all others."""
    steps = np.diff(np.unwrap(store.heading[store.found].astype(float)))
    if not store.egocentric or not steps.any():
        return float("nan")
    return float(steps.sum() / np.abs(steps).sum())


def other_sides(
    keys: Sequence[tuple[str, str]], numbers: Mapping[str, np.ndarray], known: np.ndarray, reference: str
) -> dict[str, list[str]]:
    """Sentences about the subjects that face or turn the other way than most of the reference, by property.

    keys: (subject, group) of N subjects. numbers: name -> [N], from -1 to 1. known bool [N]: the reference's.
    reference: what its subjects are called, as in "most of healthy".
    """
    return {
        name: _sentences(name, keys, _sides(numbers[name]), known, reference)
        for name in VERBS
        if name in numbers
    }  # fmt: skip


def _sides(values: np.ndarray) -> np.ndarray:
    """-1, 0 or 1 of each subject; 0 where it is not known."""
    held = np.nan_to_num(values)
    return np.where(np.abs(held) >= CLEAR, np.sign(held), 0.0)


def _sentences(
    name: str, keys: Sequence[tuple[str, str]], sides: np.ndarray, known: np.ndarray, reference: str
) -> list[str]:
    sure = sides[known & (sides != 0)]
    usual = next((side for side in (-1.0, 1.0) if len(sure) and (sure == side).mean() >= MOST), None)
    if usual is None:
        return []
    there, here = ("left", "right") if usual > 0 else ("right", "left")
    one, many = VERBS[name]
    said = []
    for group in dict.fromkeys(group for _, group in keys):
        own = np.array([other == group for _, other in keys])
        away = [subject for (subject, _), other in zip(keys, own & (sides == -usual), strict=True) if other]
        if len(away) > 1 and len(away) == own.sum():
            who = f"The subjects of {group} {many} {there}"
        else:
            who = f"{listed(shortened(away))} ({group}) {one if len(away) == 1 else many} {there}"
        said += [f"{who}, {_those(reference, sure, usual)} {here}: {WHY[name]}"] if away else []
    return said


def _those(reference: str, sure: np.ndarray, usual: float) -> str:
    return f"those of {reference}" if bool((sure == usual).all()) else f"most of {reference}"
