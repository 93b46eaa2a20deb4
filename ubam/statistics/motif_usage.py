"""Do groups spend their time otherwise? Each subject's share of every motif, tested by the largest difference."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ubam.statistics.blocks import Blocks, how_respected
from ubam.statistics.group_tests import share_subjects
from ubam.statistics.permutations import permute_labels

Usage = Mapping[tuple[str, str], np.ndarray]  # share of time [K] of each motif, of each (subject, group)


def compare_usage(
    usage: Usage, members: Mapping[str, Sequence[str]], reference: str | None, seed: int, blocks: Blocks | None = None
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Test rows, and what statistics.json says under `motifs`; nothing where there is one motif, or one group.

    Motifs were found without labels. Each p is corrected over motifs by the largest difference under each permutation
    (Westfall and Young 1993).
    """
    groups = list(members)
    if len(groups) < 2 or len(next(iter(usage.values()))) < 2:
        return [], None
    pairs = [(reference or groups[0], group) for group in groups if group != (reference or groups[0])]
    rows, tests = [], []
    for first, second in pairs:
        row, found = _compare(usage, members, first, second, seed, blocks)
        rows.append(row)
        tests += found
    return rows, {"tests": tests, "words": _in_words(tests)}


def _compare(
    usage: Usage, members: Mapping[str, Sequence[str]], first: str, second: str, seed: int, blocks: Blocks | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    chosen, shared, left_out = share_subjects(members[first], members[second], first, second)
    units = [(s, group) for group, subjects in chosen.items() for s in subjects if np.isfinite(usage[s, group]).all()]
    labels = np.array([int(group == second) for _, group in units])
    row: dict[str, Any] = {
        "family": "motifs", "kind": "motif usage", "unit": "subject", "measure": "share of time", "blocks": None,
        "name": "permutation of subject labels, largest standardised difference over motifs", "groups": [first, second],
        "question": f"Does {second} spend its time on other motifs than {first}?", "left_out": left_out,
        "n": {first: int((labels == 0).sum()), second: int(labels.sum())}, "statistic": None, "p": None,
    }  # fmt: skip
    if min(row["n"].values()) < 2:
        return row | {"refused": "a group has fewer than 2 subjects, so nothing varies within it"}, []
    names = [subject for subject, _ in units]
    found = permute_labels(labels, names if shared else [blocks.of[name] for name in names] if blocks else None, seed)
    if len(found) < 3:
        return row | {"refused": "labels cannot be exchanged: groups and blocks are the same, or too small"}, []
    row |= how_respected(None if shared else blocks, found.use)
    shares = np.array([usage[unit] for unit in units])
    values = standardised(shares, found.labels)
    largest = np.abs(values).max(1)
    p = [float(np.mean(np.abs(one) >= abs(one[0]) - 1e-9)) for one in values.T]
    corrected = [float(np.mean(largest >= abs(one) - 1e-9)) for one in values[0]]
    means = {group: shares[labels == number].mean(0) for number, group in enumerate((first, second))}
    tests = [
        {"groups": [first, second], "motif": motif + 1, "share": {group: mean[motif] for group, mean in means.items()},
         "difference": means[second][motif] - means[first][motif], "p": p[motif], "correction_p": corrected[motif]}
        for motif in range(shares.shape[1])
    ]  # fmt: skip
    row |= {"statistic": float(largest[0]), "statistic_name": "largest standardised difference of a motif's share"}
    row |= {
        "p": float(np.mean(largest >= largest[0] - 1e-9)),
        "smallest_p": 1 / len(found),
        "effect": None,
        "effects": [],
    }
    row |= {"arrangements": len(found), "exact": found.exact, "correction_p": min(corrected)}
    row |= {"effect": None, "effects": []}
    return row | {"correction": f"max-statistic over {shares.shape[1]} motifs"}, tests


def standardised(shares: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Difference of the mean shares [A, K] of groups 1 and 0 in labels [A, N], in the spread of all N subjects."""
    one = labels / labels.sum(1, keepdims=True) - (1 - labels) / (1 - labels).sum(1, keepdims=True)
    found: np.ndarray = one @ shares / np.maximum(shares.std(0), 1e-9)
    return found


def _in_words(tests: Sequence[Mapping[str, Any]]) -> str:
    found = [one for one in tests if one["correction_p"] <= 0.05]
    if not found:
        return "No motif is used to a different share of the time."
    words = "; ".join(
        f"motif {one['motif']} {one['share'][one['groups'][1]]:.0%} in {one['groups'][1]} against "
        f"{one['share'][one['groups'][0]]:.0%} in {one['groups'][0]} (p = {one['correction_p']:.2g})"
        for one in found
    )
    return f"Different shares of time: {words}."
