"""Whether marks tell the truth: what is measured of a frame without the truth, beside how far its picture is from it.

A frame misleads when what it shows is further from the true deviation than the recording itself, which shows none.
"""

from collections.abc import Mapping, Sequence

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

    marked: their share. wrong: error over what is shown, all frames together. misled: share of frames further from the
    truth than the recording. unlike, behind: means. Of every mark the area under the ROC curve of its value: `bent`
    against frames whose background is more wrong than the median's, others against misleading frames, or, where
    nothing is to deviate (a rebuilt recording), those more unlike the true picture than the median one.
    """
    marked = np.any([frames[name] > 1 for name in REASONS], axis=0)
    deviates, misled = bool(frames["true"].any()), frames["off"] > frames["true"]
    found = {"marked": float(marked.mean())}
    for name, which in (("marked", marked), ("others", ~marked)):
        if deviates:
            found[f"wrong {name}"] = _ratio(frames["off"][which], frames["shown"][which])
            found[f"misled {name}"] = _mean(misled[which])
        found[f"unlike {name}"] = _mean(frames["unlike"][which])
        found[f"behind {name}"] = _mean(frames["behind"][which])
    wrong = misled if deviates else _above_median(frames["unlike"])
    behind = _above_median(frames["behind"])
    return found | {f"AUC {name}": auc(frames[name], behind if name == "bent" else wrong) for name in REASONS}


def _above_median(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(values > np.median(values))


def auc(values: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float:
    """Chance that a wrong frame has the higher value (Mann and Whitney 1947); nan where all are alike."""
    count = int(wrong.sum())
    if count in (0, len(wrong)) or np.ptp(values) == 0:
        return float("nan")
    return float((rankdata(values)[wrong].sum() - count * (count + 1) / 2) / (count * (len(wrong) - count)))


def _ratio(off: NDArray[np.float64], shown: NDArray[np.float64]) -> float:
    length = float((shown**2).sum())
    return float(np.sqrt((off**2).sum() / length)) if length else float("nan")


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")
