"""The measures of a magnified clip, one function each with its formula; nothing here is learnt.

Pictures are uint8 [n, H, W, 3] RGB, masks bool [n, H, W], points float [n, K, 2] (x, y) in pixels. The ruler is dense
optical flow from the recorded to the shown picture, read at the true keypoints. Flow sees only part of a displacement.
So it is also read on pictures that the renderer drew at that factor, and a clip is judged by its share of that reading.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ubam.core.errors import UbamError

try:
    from skimage.metrics import structural_similarity
except ImportError as error:
    raise UbamError("The benchmark of clips needs scikit-image: pip install 'ubam[benchmark]'") from error

Array = NDArray[np.floating]
Pictures = NDArray[np.uint8]
Masks = NDArray[np.bool_]

UNLIKE_EMPTY = 10  # grey levels; true clips read cosine 0.89 and 0.81 (walkers, rodents) with it, 0.75 and 0.78 at 18
MOST = 0.2  # share of the keypoints that count as deviating most
NOTICEABLE = 0.02  # of the body height: where no keypoint deviates by more, pointing is not judged
STEADY = 0.1  # standard deviation over mean of a curve below which timing is not judged (a lean: 0.002)
BLANK, ROOM = 128, 24  # grey level and pixels around the subject for the ruler


def subjects_in(pictures: Pictures, empty: Pictures) -> Masks:
    """Where pictures differ from the known empty scene [n, H, W, 3] by more than 10 grey levels, small parts left out.

    These are smaller than a tenth of the largest. Recorded and shown pictures of all methods are treated alike.
    """
    masks = np.empty(pictures.shape[:3], bool)
    for index, (picture, behind) in enumerate(zip(pictures, empty, strict=True)):
        unlike = cv2.GaussianBlur(cv2.absdiff(picture, behind), (0, 0), 0.8).max(-1) > UNLIKE_EMPTY
        _, labels, stats, _ = cv2.connectedComponentsWithStats(unlike.astype(np.uint8))
        areas = stats[:, cv2.CC_STAT_AREA].copy()
        areas[0] = 0
        masks[index] = (areas >= max(1, 0.1 * areas.max()))[labels]
    return masks


def shown_flow(recorded: Pictures, shown: Pictures, subject: Masks, shown_subject: Masks) -> NDArray[np.float32]:
    """Flow float32 [n, H, W, 2], pixels, from recorded to shown pictures: dense inverse search down to full resolution.

    Everything but the subject is blanked in both. Medium preset with the finest scale 0 (Kroeger et al. 2016).
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    flow, part = np.zeros((*recorded.shape[:3], 2), np.float32), _around(subject | shown_subject)
    for index in range(len(recorded)):
        if np.array_equal(recorded[index], shown[index]):
            continue
        before, after = (
            np.where(mask[index], cv2.cvtColor(pictures[index], cv2.COLOR_RGB2GRAY), BLANK)[part].astype(np.uint8)
            for pictures, mask in ((recorded, subject), (shown, shown_subject))
        )
        flow[index][part] = search.calc(before, after, np.zeros((*before.shape, 2), np.float32))
    return flow


def _around(masks: Masks) -> tuple[slice, slice]:
    """The part of the picture that holds all masks, with room; beyond it everything is blank in both pictures."""
    x, y, width, height = cv2.boundingRect(np.asarray(masks.any(0), np.uint8))
    return slice(max(0, y - ROOM), y + height + ROOM), slice(max(0, x - ROOM), x + width + ROOM)


def read_at(flow: Array, points: Array) -> NDArray[np.float64]:
    """The flow [n, H, W, 2] at points [n, K, 2], bilinear, float64 [n, K, 2]; beyond the edge, that at the edge."""
    x, y = np.moveaxis(np.asarray(points, np.float32), -1, 0)
    found = [
        cv2.remap(frame, x[None, index], y[None, index], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
        for index, frame in enumerate(np.asarray(flow, np.float32))
    ]
    return np.stack(found).astype(np.float64)


def agreement(shown: Array, true: Array) -> tuple[float, float]:
    """Cosine <s, d> / (|s| |d|) and gain <s, d> / |d|² of shown and true displacements [n, K, 2], over all at once.

    The cosine is 0 where nothing moves; both are nan where nothing deviates.
    """
    product, length, wanted = float((shown * true).sum()), float((shown**2).sum()), float((true**2).sum())
    if not wanted:
        return float("nan"), float("nan")
    return float(product / np.sqrt(length * wanted)) if length else 0.0, product / wanted


def response(shown: Mapping[float, Array]) -> tuple[float, float]:
    """Slope and R² of 1 + <s(f), s(2)> / |s(2)|² against the factor f: 1 and 1 for a linear answer.

    shown: displacements [n, K, 2] at each factor, 2 among them. The direction is the clip's own, so a straight answer
    in a wrong direction scores as well as in the right one: read it beside the cosine. nan where nothing moves at 2.
    """
    own, factors = shown[2.0], np.array(sorted(shown))
    length = float((own**2).sum())
    if not length:
        return float("nan"), float("nan")
    answers = np.array([1 + float((shown[factor] * own).sum()) / length for factor in factors])
    slope, offset = np.polyfit(factors, answers, 1)
    left = ((answers - slope * factors - offset) ** 2).sum()
    return float(slope), float(1 - left / max(((answers - answers.mean()) ** 2).sum(), 1e-12))


def sharpness(recorded: Pictures, shown: Pictures, region: Masks) -> float:
    """Gradient energy in the region, shown over recorded: sum of squared central differences of the grey picture."""
    return _gradient_energy(shown, region) / max(_gradient_energy(recorded, region), 1e-9)


def _gradient_energy(pictures: Pictures, region: Masks) -> float:
    down, right = np.gradient(_grey(pictures), axis=(1, 2))
    energy = np.asarray(down**2 + right**2)
    return float(energy[region].sum())


def _grey(pictures: Pictures) -> NDArray[np.float32]:
    return np.stack([cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]).astype(np.float32)


def flicker(recorded: Pictures, shown: Pictures, region: Masks) -> float:
    """Mean |I(t-1) - 2 I(t) + I(t+1)| of the grey pictures in the region, shown over recorded.

    A place counts at t where it lies in the region at t or beside it. nan for fewer than three pictures.
    """
    if len(shown) < 3:
        return float("nan")
    inside = _beside(region)
    return float(_second_difference(shown)[inside].mean() / max(_second_difference(recorded)[inside].mean(), 1e-9))


def background_flicker(recorded: Pictures, shown: Pictures, region: Masks, margin: float) -> float:
    """Mean |second temporal difference of (shown - recorded)|, grey levels, further than `margin` px from the region.

    0 where the background of the recording is left as it is. nan for fewer than three pictures.
    """
    if len(shown) < 3:
        return float("nan")
    reach = max(1, round(margin))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    outside = np.stack([cv2.dilate(mask.astype(np.uint8), disc) == 0 for mask in _beside(region)])
    change = _grey(shown) - _grey(recorded)
    return float(np.abs(change[:-2] - 2 * change[1:-1] + change[2:])[outside].mean()) if outside.any() else 0.0


def _beside(region: Masks) -> Masks:
    return region[:-2] | region[1:-1] | region[2:]


def _second_difference(pictures: Pictures) -> NDArray[np.float32]:
    grey = _grey(pictures)
    return np.abs(grey[:-2] - 2 * grey[1:-1] + grey[2:])


def foreground_ssim(shown: Pictures, true: Pictures, subject: Masks) -> float:
    """Structural similarity (Wang et al. 2004) of grey pictures, Gaussian 11x11 of sigma 1.5, mean over the subject.

    SSIM = (2 m_a m_b + c1) (2 s_ab + c2) / ((m_a² + m_b² + c1) (s_a² + s_b² + c2)), c1 = 2.55², c2 = 7.65².
    """
    options = {
        "data_range": 255.0,
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "full": True,
    }
    pairs = zip(_grey(shown).astype(np.float64), _grey(true).astype(np.float64), subject, strict=True)
    values = [structural_similarity(one, other, **options)[1][mask] for one, other, mask in pairs]
    return float(np.concatenate(values).mean())


def wrongness(shown: Array, true: Array) -> float:
    """|s - d| / |s| of shown and true displacements [n, K, 2], all frames together: 1 is as wrong as what is shown.

    nan where nothing is shown.
    """
    length = float(np.sqrt((shown**2).sum()))
    return float(np.sqrt(((shown - true) ** 2).sum())) / length if length else float("nan")


def rms_percent(displacement: Array, body_height: float) -> float:
    """Root mean square length of displacements [n, K, 2] in % of the body height."""
    return float(100 * np.sqrt((displacement**2).sum(-1).mean()) / body_height)


def posture_error(shown: Array, sides: Array) -> float:
    """Mean |s - mean over keypoints of s|, in pixels of a box of 64: how unlike the recorded posture the shown one is.

    shown: displacements [n, K, 2] of keypoints from the recorded to the shown picture; sides [n]: of the boxes, px.
    """
    apart = shown - shown.mean(1, keepdims=True)
    return float((np.linalg.norm(apart, axis=-1) * (64 / sides)[:, None]).mean())


def most_deviating(true: Array, body_height: float) -> NDArray[np.bool_]:
    """Which keypoints [n, K] belong to the fifth that deviates most in its frame; none where none deviates by 2 %."""
    length = np.linalg.norm(true, axis=-1)
    count = int(np.ceil(MOST * length.shape[1]))
    threshold = np.sort(length, axis=1)[:, -count][:, None]
    noticeable = length.max(1, keepdims=True) >= NOTICEABLE * body_height
    return np.asarray((length >= threshold) & noticeable)


def where_keypoints(shown: Array, most: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean over frames of the average precision with which shown lengths rank the `most` deviating keypoints; chance.

    shown [n, K, 2]; most [n, K]. Chance is the share of such keypoints. nan without a frame that has any.
    """
    frames = np.flatnonzero(most.any(1))
    if not len(frames):
        return float("nan"), float("nan")
    length = np.linalg.norm(shown, axis=-1)
    precision = [_average_precision(most[frame], length[frame]) for frame in frames]
    return float(np.mean(precision)), float(most[frames].mean())


def _average_precision(relevant: NDArray[np.bool_], score: Array) -> float:
    """Mean, over the relevant, of the precision among all with at least their score."""
    above = score[None] >= score[relevant][:, None]
    return float(((above & relevant).sum(1) / above.sum(1)).mean())


def pointing(
    flow: Array, subject: Masks, points: Array, most: NDArray[np.bool_], body_height: float
) -> tuple[float, float]:
    """Share of frames whose largest shown displacement is nearest to a keypoint that deviates most; chance.

    The length of the flow [n, H, W, 2] is smoothed by 2 % of the body height inside the subject. Chance is the share of
    the subject that is nearest to one. nan without a frame that has such keypoints.
    """
    hits, chances = [], []
    for frame in np.flatnonzero(most.any(1) & subject.any((1, 2))):
        inside = subject[frame].astype(np.float32)
        weighted = np.dstack([np.linalg.norm(flow[frame], axis=-1) * inside, inside]).astype(np.float32)
        smooth = cv2.GaussianBlur(weighted, (0, 0), max(0.02 * body_height, 0.5))
        length = np.where(subject[frame], smooth[..., 0] / np.maximum(smooth[..., 1], 1e-6), -1)
        rows, columns = np.nonzero(subject[frame])
        apart = np.linalg.norm(np.stack([columns, rows], 1)[:, None] - points[frame][None], axis=-1)
        near = most[frame][apart.argmin(1)]
        hits.append(bool(near[length[rows, columns].argmax()]) and float(length.max()) > 0)
        chances.append(near.mean())
    return (float(np.mean(hits)), float(np.mean(chances))) if hits else (float("nan"), float("nan"))


def time_agreement(shown: Array, true: Array) -> float:
    """Spearman's rho over the frames of the rms lengths over keypoints of shown and true displacements [n, K, 2].

    nan where the true one is as large at all times, to a tenth, or nothing is shown to vary.
    """
    found, wanted = (np.sqrt((each**2).sum(-1).mean(1)) for each in (shown, true))
    if np.ptp(found) == 0 or wanted.std() <= STEADY * wanted.mean():
        return float("nan")
    return float(spearmanr(found, wanted).statistic)
