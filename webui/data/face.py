"""Where a face is in a film: a box that stays, or boxes at some moments between which it moves evenly."""

from collections.abc import Sequence

Key = Sequence[float]  # time_s, x0, y0, x1, y1: seconds from the first frame, pixels
STILL_S = 10.0  # the still picture of a film is from its middle, at most this far in (`video_reader.glimpse`)
AROUND_S = 1.0  # by which its moment may be off


def face_keys(box: Sequence[float] | None, path: Sequence[Key] | None) -> list[list[float]]:
    """The moments of a face, in order; none where there is nothing to hide."""
    if path:
        return [list(key) for key in path]
    return [[0.0, *box]] if box else []


def box_at(keys: Sequence[Key], time_s: float) -> tuple[float, float, float, float]:
    """Where the face is at a moment: before the first and after the last box it stays."""
    later = next((place for place, key in enumerate(keys) if key[0] >= time_s), len(keys))
    if later in (0, len(keys)):
        return _sides(keys[min(later, len(keys) - 1)][1:])
    before, after = keys[later - 1], keys[later]
    share = (time_s - before[0]) / (after[0] - before[0])
    return _sides([a + share * (b - a) for a, b in zip(before[1:], after[1:], strict=True)])


def box_around(keys: Sequence[Key], from_s: float, to_s: float) -> tuple[float, float, float, float]:
    """The box that holds the face from one moment to another."""
    inside = [key[1:] for key in keys if from_s <= key[0] <= to_s]
    boxes = [box_at(keys, from_s), box_at(keys, to_s), *inside]
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _sides(box: Sequence[float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return x0, y0, x1, y1
