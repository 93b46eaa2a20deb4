"""Do groups spend their time on different motifs? Shares of time per subject, tested by the largest difference."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ubam.results.records.study import MotifTest, MotifUse
from ubam.results.records.tests import Test
from ubam.statistics.blocks import Blocks, how_respected
from ubam.statistics.group_tests import share_subjects
from ubam.statistics.permutations import permute_labels

Usage = Mapping[tuple[str, str], np.ndarray]  # share of time [K] of each motif, of each (subject, group)


def compare_usage(
    usage: Usage, members: Mapping[str, Sequence[str]], reference: str | None, seed: int, blocks: Blocks | None = None
) -> tuple[list[Test], MotifUse | None]:
    """Test every group against the first, and each motif in it; nothing where there is one motif, or one group.

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
    return rows, MotifUse(tests, _in_words(tests))


def _compare(
    usage: Usage, members: Mapping[str, Sequence[str]], first: str, second: str, seed: int, blocks: Blocks | None
) -> tuple[Test, list[MotifTest]]:
    chosen, shared, left_out = share_subjects(members[first], members[second], first, second)
    units = [(s, group) for group, subjects in chosen.items() for s in subjects if np.isfinite(usage[s, group]).all()]
    labels = np.array([int(group == second) for _, group in units])
    row = Test(
        family="motifs", kind="motif usage", measure="share of time", groups=[first, second], left_out=left_out,
        name="permutation of subject labels, largest standardised difference over motifs",
        question=f"Does {second} spend its time on other motifs than {first}?",
        n={first: int((labels == 0).sum()), second: int(labels.sum())},
    )  # fmt: skip
    if min(row.n.values()) < 2:
        return replace(row, refused="a group has fewer than 2 subjects, so nothing varies within it"), []
    names = [subject for subject, _ in units]
    found = permute_labels(labels, names if shared else [blocks.of[name] for name in names] if blocks else None, seed)
    if len(found) < 3:
        return replace(row, refused="labels cannot be exchanged: groups and blocks are the same, or too small"), []
    row = replace(row, **vars(how_respected(None if shared else blocks, found.use)))
    shares = np.array([usage[unit] for unit in units])
    values = standardised(shares, found.labels)
    largest = np.abs(values).max(1)
    p = [float(np.mean(np.abs(one) >= abs(one[0]) - 1e-9)) for one in values.T]
    corrected = [float(np.mean(largest >= abs(one) - 1e-9)) for one in values[0]]
    means = {group: shares[labels == number].mean(0) for number, group in enumerate((first, second))}
    tests = [
        MotifTest(
            groups=[first, second], motif=motif + 1,
            share={group: float(mean[motif]) for group, mean in means.items()},
            difference=float(means[second][motif] - means[first][motif]), p=p[motif], correction_p=corrected[motif],
        )
        for motif in range(shares.shape[1])
    ]  # fmt: skip
    return replace(
        row, statistic=float(largest[0]), statistic_name="largest standardised difference of a motif's share",
        p=float(np.mean(largest >= largest[0] - 1e-9)), smallest_p=1 / len(found), effects=[],
        arrangements=len(found), exact=found.exact, correction_p=min(corrected),
        correction=f"max-statistic over {shares.shape[1]} motifs",
    ), tests  # fmt: skip


def standardised(shares: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Difference of the mean shares [A, K] of groups 1 and 0 in labels [A, N], in the spread of all N subjects."""
    one = labels / labels.sum(1, keepdims=True) - (1 - labels) / (1 - labels).sum(1, keepdims=True)
    found: np.ndarray = one @ shares / np.maximum(shares.std(0), 1e-9)
    return found


def _in_words(tests: Sequence[MotifTest]) -> str:
    found = [one for one in tests if one.correction_p is not None and one.correction_p <= 0.05]
    if not found:
        return "No motif is used to a different share of the time."
    words = "; ".join(
        f"motif {one.motif} {one.share[second]:.0%} in {second} against {one.share[first]:.0%} in {first} "
        f"(p = {one.correction_p:.2g})"
        for one in found
        for first, second in [one.groups]
    )
    return f"Different shares of time: {words}."
