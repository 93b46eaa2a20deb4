"""Whether marks tell the truth: what is measured of a frame without the truth, beside how far its picture is from it.

A frame that shows something misleads when it is further from the truth than the recording itself, which shows nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ubam.evaluation.benchmark.clips import measures
from ubam.evaluation.benchmark.clips.rows import Clip
from ubam.evaluation.benchmark.clips.study import ClipTruth, Points
from ubam.results.records.clips import REASONS

Frames = Mapping[str, Sequence[float]]
ERRORS = ("off", "true", "shown", "unlike", "behind")
BEYOND = 1e6  # in place of an infinite value, which JSON has not
SHOWS = 1.0  # % of the body height from which a frame shows something


def frames_of(
    clip: Clip, truth: ClipTruth, factor: float, pictures: NDArray[np.uint8], moved: Points
) -> dict[str, list[float]]:
    """What is known of each of the n frames of a row's clip: its errors, and the row's own value of each mark.

    off, true, shown: root mean square over keypoints, % of the body height, of the error of what is shown, of the true
    deviation and of what is shown. unlike: 1 - SSIM to the true picture inside the subject. behind: mean difference to
    it beside the subject, grey levels. Values of marks are over their limits, as in `quality_checks.frame_values`.
    """
    wanted = (factor - 1) * (truth.keypoints - truth.healthy)
    lengths = {"off": moved - wanted, "true": wanted, "shown": moved}
    found = {
        name: [measures.rms_percent(frame[None], truth.body_height) for frame in of] for name, of in lengths.items()
    }
    true, masks = clip.rendered[factor], truth.masks[factor]
    pairs = list(zip(pictures, true, masks, masks | truth.masks[1.0], strict=True))
    found["unlike"] = [
        1 - measures.foreground_ssim(one[None], other[None], mask[None]) for one, other, mask, _ in pairs
    ]
    found["behind"] = [
        measures.beside_difference(one, other, mask, 0.1 * truth.body_height) for one, other, _, mask in pairs
    ]
    values = clip.checked[factor]
    return found | {name: [min(frame.get(name, 0.0), BEYOND) for frame in values] for name in REASONS}


def pooled(frames: Sequence[Frames]) -> dict[str, NDArray[np.float64]]:
    """The frames of several clips as one."""
    return {name: np.concatenate([np.asarray(one[name], float) for one in frames]) for name in (*ERRORS, *REASONS)}


def separation(frames: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """How much more wrong marked frames are than others; nan where there is none of either.

    marked: their share. worse: mean of how much further from the truth they are than the recording, % of the body
    height, below 0 where they are nearer. misled: share of those that show something and are further. unlike, behind:
    means. Of every mark the area under the ROC curve of its value: `bent` against frames whose background is more wrong
    than the median's, others against misleading frames among those that show something, or, where nothing is to deviate
    (a rebuilt recording), frames more unlike the true picture than the median one.
    """
    marked = np.any([frames[name] > 1 for name in REASONS], axis=0)
    deviates, misled, shows = bool(frames["true"].any()), frames["off"] > frames["true"], frames["shown"] > SHOWS
    found = {"marked": float(marked.mean())}
    for name, which in (("marked", marked), ("others", ~marked)):
        if deviates:
            found[f"worse {name}"] = _mean((frames["off"] - frames["true"])[which])
            found[f"misled {name}"] = _mean(misled[which & shows])
        found[f"unlike {name}"] = _mean(frames["unlike"][which])
        found[f"behind {name}"] = _mean(frames["behind"][which])
    wrong, judged = (misled, shows) if deviates else (_above_median(frames["unlike"]), np.ones_like(shows))
    behind = _above_median(frames["behind"])
    for name in REASONS:
        found[f"AUC {name}"] = auc(frames[name], behind) if name == "bent" else auc(frames[name][judged], wrong[judged])
    return found


def _above_median(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(values > np.median(values))


def auc(values: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float:
    """Chance that a wrong frame has the higher value (Mann and Whitney 1947); nan where all are alike."""
    count = int(wrong.sum())
    if count in (0, len(wrong)) or not np.ptp(values):
        return float("nan")
    return float((rankdata(values)[wrong].sum() - count * (count + 1) / 2) / (count * (len(wrong) - count)))


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")
