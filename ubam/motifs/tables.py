"""What the run folder says of motifs: a row per window, one per subject and motif, and a description with examples."""

from collections.abc import Sequence

import numpy as np

from ubam.core.files import write_csv, write_json
from ubam.motifs.clustering import MOST_CLUSTERS, SPLITS
from ubam.motifs.discovery import REPLICATES, SHORTEST_BOUT, Motifs, WindowSet, bouts
from ubam.results.records.motifs import Cycle, Example, MotifDescription, MotifExamples, UsageRow
from ubam.results.run_folder import RunFolder

Table = tuple[list[dict[str, object]], list[str]]
EXAMPLES = 3  # windows shown of each motif, every one of another subject
IN_ORDER = 0.75  # share of changes that must go forward in a cycle, halfway from chance to always


def write_motifs(run: RunFolder, windows: Sequence[WindowSet], motifs: Motifs, reference: str | None) -> None:
    """Write the tables `windows` and `usage` and motifs.json of a run."""
    for name, (rows, columns) in motif_tables(windows, motifs).items():
        write_csv(run.motifs(name), rows, columns)
    write_json(run.motifs_json, describe_motifs(windows, motifs, reference).to_json())


def motif_tables(windows: Sequence[WindowSet], motifs: Motifs) -> dict[str, Table]:
    """The tables `windows` and `usage`: rows in the order of the study, and their columns."""
    rows: list[dict[str, object]] = [
        {"recording_id": one.recording_id, "subject": one.subject, "group": one.group, "t_start_s": float(start),
         "t_end_s": float(end), "motif": int(motif)}
        for one, labels in zip(windows, motifs.labels, strict=True)
        for start, end, motif in zip(one.start_s, one.end_s, labels, strict=True)
    ]  # fmt: skip
    return {
        "windows": (rows, ["recording_id", "subject", "group", "t_start_s", "t_end_s", "motif"]),
        "usage": (
            [vars(row) for row in motif_usage(windows, motifs)],
            ["subject", "group", "motif", "share", "bouts", "mean_bout_s"],
        ),
    }


def motif_usage(windows: Sequence[WindowSet], motifs: Motifs) -> list[UsageRow]:
    """A row for every subject (in each of its groups) and motif, zero shares included.

    A bout that the end of a recording cuts is as long as it was seen.
    """
    rows = []
    for subject, group in dict.fromkeys((one.subject, one.group) for one in windows):
        lengths: dict[int, list[float]] = {motif: [] for motif in range(1, motifs.count + 1)}
        for one, labels in zip(windows, motifs.labels, strict=True):
            if (one.subject, one.group) == (subject, group):
                for motif, first, stop in bouts(labels):
                    lengths[motif].append(float(one.spans[first:stop].sum()))
        total = sum(map(sum, lengths.values()))
        for motif, seconds in lengths.items():
            share = sum(seconds) / total if total else np.nan
            mean_bout_s = float(np.mean(seconds)) if seconds else np.nan
            rows.append(UsageRow(subject, group, motif, share, len(seconds), mean_bout_s))
    return rows


def describe_motifs(windows: Sequence[WindowSet], motifs: Motifs, reference: str | None) -> MotifDescription:
    """What motifs.json holds: how many and by which rule, what they are, their order, usage and examples."""
    usual = [row for row in motif_usage(windows, motifs) if reference is None or row.group == reference]
    return MotifDescription(
        count=motifs.count,
        kind=motifs.kind,
        words=_in_words(motifs),
        rule=(
            f"the largest number from 2 to {MOST_CLUSTERS} whose prediction strength (Tibshirani and Walther 2005) "
            f"between halves of the subjects, mean of {SPLITS} divisions, is at least {REPLICATES}; else 1"
        ),
        prediction_strength=motifs.strength,
        shortest_bout_windows=SHORTEST_BOUT if motifs.kind == "behaviours" else 1,
        regularity=motifs.regularity,
        period_s=motifs.period_s,
        cycle=cycle_of(windows, motifs),
        reference=reference,
        motifs=[
            MotifExamples(
                motif=motif,
                shades_into=motifs.blurred[motif - 1] or None,
                share=float(np.nanmean([row.share for row in usual if row.motif == motif] or [np.nan])),
                examples=_examples(windows, motifs, motif),
            )
            for motif in range(1, motifs.count + 1)
        ],
    )


def _in_words(motifs: Motifs) -> str:
    if motifs.kind == "phases":
        return (
            f"The windows go round one movement that repeats itself about every {motifs.period_s:.2g} s, so the motifs "
            f"are {motifs.count} phases of that movement, not {motifs.count} behaviours."
        )
    if motifs.kind == "one":
        return "No division of the windows into motifs came out alike in both halves of the subjects: one behaviour."
    found = f"{motifs.count} motifs came out alike in both halves of the subjects"
    if all(motifs.blurred):
        return f"{found}, but no gap lies between them: they are parts of a continuum, not separate behaviours."
    blurred = sorted({tuple(sorted((one, other))) for one, other in enumerate(motifs.blurred, 1) if other})
    pairs = "".join(f" Motifs {one} and {other} shade into each other." for one, other in blurred)
    return f"{found}.{pairs}"


def cycle_of(windows: Sequence[WindowSet], motifs: Motifs) -> Cycle | None:
    """The order in which three or more motifs follow each other round and round; None where there is no such order.

    order: the motifs from 1 on, by the angle of their components in the eigenvector of the table of changes (subjects
    weighing the same) that turns fastest; share: of all changes of motif, mean over subjects, those that go forward in
    it by less than half a round, 0.5 by chance.
    """
    changes: dict[str, np.ndarray] = {}
    for one, labels in zip(windows, motifs.labels, strict=True):
        table = changes.setdefault(one.subject, np.zeros((motifs.count, motifs.count)))
        moved = np.flatnonzero(np.diff(labels))
        np.add.at(table, (labels[moved] - 1, labels[moved + 1] - 1), 1)
    tables = [table / table.sum() for table in changes.values() if table.sum()]
    if motifs.count < 3 or not tables:
        return None
    mean = np.mean(tables, axis=0)
    values, vectors = np.linalg.eig(mean / np.maximum(mean.sum(1, keepdims=True), 1e-12))
    turning = np.where(values.imag > 1e-9, np.abs(values), 0)
    if not turning.any():
        return None
    order = np.argsort(np.angle(vectors[:, turning.argmax()]), kind="stable")
    order = np.roll(order, -int(np.flatnonzero(order == 0)[0]))
    place = np.argsort(order)
    ahead = (place[None] - place[:, None]) % motifs.count
    share = float(mean[(ahead > 0) & (ahead < motifs.count / 2)].sum())
    return Cycle((order + 1).tolist(), share) if share >= IN_ORDER else None


def _examples(windows: Sequence[WindowSet], motifs: Motifs, motif: int) -> list[Example]:
    """The windows nearest to the centre of a motif, the nearest one first, one for each of up to three subjects."""
    best: dict[str, tuple[float, Example]] = {}
    for one, labels, distance in zip(windows, motifs.labels, motifs.distance, strict=True):
        mine = np.flatnonzero(labels == motif)
        if not len(mine):
            continue
        index = int(mine[distance[mine].argmin()])
        value = float(distance[index])
        if one.subject not in best or value < best[one.subject][0]:
            span = float(one.start_s[index]), float(one.end_s[index])
            best[one.subject] = (value, Example(one.recording_id, one.subject, *span))
    return [example for _, example in sorted(best.values(), key=lambda pair: pair[0])][:EXAMPLES]
