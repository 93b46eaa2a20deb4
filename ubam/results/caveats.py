"""What a reader must know before trusting the numbers of a run."""

from collections.abc import Iterable

from ubam.core.issue_codes import LIMITED_SINGLE_P
from ubam.core.text import listed, p_text, plural, shortened
from ubam.results.controls import KEYPOINTS, OURS, labels_of_controls
from ubam.results.run_data import RunData
from ubam.results.sentences import LEVEL

OUTLYING = 2.0  # times the next reference subject
ABOUT_AS_WELL = 0.05  # AUC; below its standard error with a few dozen subjects


def warnings_of(data: RunData) -> list[str]:
    """What a reader must know before trusting the numbers; each recording's own warnings are in its table."""
    said = {f"{row.get('recording_id')}: {row.get('warnings')}" for row in data.recordings}  # below, all together
    said |= {f"{row.get('recording_id')} {row.get('status')}: {row.get('reason')}" for row in data.recordings}
    own = [message for message in data.record.warnings if message not in said]
    found = [*_first_look(data), *_damage(data), *_audited(data), *_recording_warnings(data), *_size_warnings(data)]
    found += [*_outlier_warnings(data), *own, *data.statistics.notes]
    return list(dict.fromkeys(message for message in found if message))


def _first_look(data: RunData) -> Iterable[str]:
    """That a quick run is no basis for conclusions."""
    if data.record.preset == "quick" and data.subjects:
        yield (
            "This is a first look: the preset quick trains too briefly for results to be relied on. "
            "Run the study again with the preset standard before you draw conclusions."
        )


def _damage(data: RunData) -> Iterable[str]:
    for name in data.damaged:
        yield f"The file {name} of this run is damaged; what it holds is missing here."
    for name, stage in data.record.stages.items():
        if stage.state in ("failed", "running") and name != "report":
            reason = f": {stage.reason}" if stage.reason else ""
            yield f"The stage {name} {'failed' if stage.state == 'failed' else 'was not finished'}{reason}."


def _recording_warnings(data: RunData) -> Iterable[str]:
    for status, words in (("failed", "could not be used"), ("partial", "could be used only in part")):
        rows = [row for row in data.recordings if row.get("status") == status]
        if rows:
            some = listed([f"{row.get('recording_id')} ({row.get('reason') or 'no reason given'})" for row in rows[:5]])
            more = f" and {len(rows) - 5} more, see the table of recordings" if len(rows) > 5 else ""
            yield f"{len(rows)} of {len(data.recordings)} recordings {words}: {some}{more}."
    warned: dict[str, list[str]] = {}
    for row in data.recordings:
        if row.get("warnings"):
            warned.setdefault(row["warnings"], []).append(str(row.get("recording_id")))
    for remark, names in warned.items():
        yield f"{len(names)} {plural(len(names), 'recording')} ({listed(shortened(names))}): {remark}."


def _size_warnings(data: RunData) -> Iterable[str]:
    if LIMITED_SINGLE_P not in (data.record.issues or []):
        yield from _limits_of_p(data)
    for score in data.subjects:
        if 0 < score.n_windows < 10:
            yield f"{score.subject} has only {score.n_windows} scored moments (windows): its deviation is uncertain."


def _limits_of_p(data: RunData) -> Iterable[str]:
    """What these numbers of subjects cannot show; `check` may have said it already."""
    smallest = min((score.smallest_p for score in data.queries if score.smallest_p is not None), default=None)
    if data.reference is not None and smallest is not None and smallest > LEVEL:
        yield (
            f"The reference group has {data.reference_count} subjects: the p of a single subject cannot be smaller "
            f"than {p_text(smallest, bare=True)}, however much it deviates. For p < 0.05, 19 reference subjects "
            "are needed."
        )
    for test in data.statistics.tests:
        if test.smallest_p is not None and test.smallest_p > LEVEL:
            against = " against ".join(test.pair)
            yield f"The test of {against} cannot give a p below {test.smallest_p:.2g} with so few subjects."


def _outlier_warnings(data: RunData) -> Iterable[str]:
    known = [(score.deviation, score.subject) for score in data.references if score.deviation is not None]
    ranked = sorted(known, reverse=True)
    if len(ranked) >= 3 and ranked[0][0] > OUTLYING * max(ranked[1][0], 1e-9):
        times = f"{ranked[0][0] / max(ranked[1][0], 1e-9):.1f} times as much as any other reference subject"
        yield (
            f"{ranked[0][1]} of the reference group deviates {times} and alone widens the normal range: look at its "
            "recording before you read the rest."
        )


def _audited(data: RunData) -> Iterable[str]:
    """What the audit found; a run without one (an older one) has its controls judged here."""
    audit = data.statistics.audit
    yield from _control_warnings(data) if audit is None else audit.warnings


def _control_warnings(data: RunData) -> Iterable[str]:
    controls, labels = data.statistics.controls, labels_of_controls()
    ours = controls[OURS].auc if OURS in controls else None
    for name, control in controls.items():
        auc, p = control.auc, control.p
        if name in (OURS, KEYPOINTS) or auc is None:
            continue
        words = labels.get(name, name)
        if name == "background" and (auc >= 0.8 if p is None else p <= LEVEL):
            yield (
                f"The background alone, without the subject, separates the groups (AUC {auc:.2f}"
                f"{f', {p_text(p)}' if p else ''}): camera, light or place differ between the groups, and the "
                "deviation may show that instead of movement."
            )
        elif ours is not None and ours > 0.6 and auc >= ours - ABOUT_AS_WELL and auc > 0.6:
            yield (
                f"A control that learned nothing about movement ({words}) separates the groups about as well "
                f"(AUC {auc:.2f}) as ubam ({ours:.2f})."
            )
