"""2-D maps of postures and of behaviours, for looking: close dots look alike to the networks."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from ubam.encoding.embedding import moment_times
from ubam.motifs.discovery import Motifs, WindowSet, balanced_rows

MAP_POINTS = 1500
FEWEST_FOR_TSNE = 40  # points; below, the first two principal components say as much


def draw_maps(
    windows: Sequence[WindowSet], embeddings: Sequence[Mapping[str, np.ndarray]], motifs: Motifs, seed: int
) -> dict[str, np.ndarray]:
    """Maps of about 1500 postures and as many behaviours at most, evenly spaced in time and alike from every subject.

    windows, embeddings (arrays of its .npz) and motifs: of each recording. For both kinds `<kind>_xy` float32 [N, 2],
    and what each point is: `<kind>_recording`, `<kind>_time_s`; `behaviour_motif`. Postures are drawn as they are, so
    that subjects of another appearance or build lie apart. Of behaviours, the map shows what the motifs cluster.
    """
    names, subjects = [one.recording_id for one in windows], [one.subject for one in windows]
    maps: dict[str, np.ndarray] = {}
    for what in ("posture", "behaviour"):
        rows = [arrays["posture"] for arrays in embeddings] if what == "posture" else motifs.codes
        kept = balanced_rows([len(own) for own in rows], subjects, MAP_POINTS)
        maps[f"{what}_xy"] = flatten(_chosen(rows, kept).astype(np.float32), seed)
        maps[f"{what}_recording"] = np.repeat(np.asarray(names, dtype=str), [len(own) for own in kept])
        maps[f"{what}_time_s"] = _chosen([moment_times(arrays, what) for arrays in embeddings], kept)
        if what == "behaviour":
            maps["behaviour_motif"] = _chosen(motifs.labels, kept)
    return maps


def flatten(rows: np.ndarray, seed: int) -> np.ndarray:
    """Rows [N, D] as points float32 [N, 2] of a map.

    t-SNE (van der Maaten and Hinton 2008) starts from the first two principal components. Fewer than 40 rows are shown
    by these components alone.
    """
    if not len(rows):
        return np.empty((0, 2), np.float32)
    if len(rows) < FEWEST_FOR_TSNE:
        padded = np.pad(rows, ((0, max(0, 2 - len(rows))), (0, max(0, 2 - rows.shape[1]))))
        return PCA(2).fit_transform(padded)[: len(rows)].astype(np.float32)
    reduced = PCA(min(20, *rows.shape), random_state=seed).fit_transform(rows)
    return TSNE(2, init="pca", perplexity=30, max_iter=500, random_state=seed).fit_transform(reduced).astype(np.float32)


def _chosen(arrays: Sequence[np.ndarray], kept: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([own[index] for own, index in zip(arrays, kept, strict=True)])
