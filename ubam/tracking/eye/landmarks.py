"""The body plans that the eye knows, their landmarks, and which landmarks a mirror exchanges."""

PLANS = ("person", "rodent", "dog", "fly")


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{side}" for name in names for side in ("left", "right"))


_QUADRUPED = (
    "nose", "skull", "neck", "back", "tail_base", "tail_middle", "tail_tip",
    *_both("shoulder", "elbow", "wrist", "forepaw", "hip", "knee", "ankle", "hindpaw"),
)  # fmt: skip
LANDMARKS = {
    "person": (
        "head", "neck", "pelvis", "nose",
        *_both("shoulder", "elbow", "wrist", "fingers", "hip", "knee", "ankle", "toe"),
    ),
    "rodent": _QUADRUPED,
    "dog": _QUADRUPED,
    "fly": (
        "head", "neck", "waist", "abdomen_tip", *_both("wing"),
        *(name for leg in ("T1", "T2", "T3")
          for name in _both(f"{leg}_coxa", f"{leg}_knee", f"{leg}_ankle", f"{leg}_tip")),
    ),
}  # fmt: skip
MOST_LANDMARKS = max(len(names) for names in LANDMARKS.values())


def mirrored(plan: str) -> list[int]:
    """For every landmark of the plan, the one that takes its place in a mirror image."""
    names, swap = LANDMARKS[plan], {"left": "right", "right": "left"}
    ends = [name.rpartition("_") for name in names]
    return [names.index(f"{start}_{swap[end]}") if end in swap else k for k, (start, _, end) in enumerate(ends)]
