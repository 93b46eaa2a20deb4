"""The sentences of a finished run for its page: the report's own, so that page and report never disagree."""

from pathlib import Path

from ubam.report.charts import parts
from ubam.report.sections import group_tests
from ubam.report.sections.audit import audit_view
from ubam.results import methods
from ubam.results.caveats import warnings_of
from ubam.results.records.clips import ClipFacts
from ubam.results.records.scores import ScoreRow
from ubam.results.run_data import RunData, read_facts, read_run
from ubam.results.sentences import headline, magnified_words, subject_sentence
from webui.results.records import PartWords, RunWords, SubjectWords


def result_words(folder: Path) -> RunWords:
    """What the run in `folder` says in words.

    `headline`, `warnings`, `power`: sentences; `tests`: the main group tests, each with heading and sentence; `table`:
    every test by family; `classifier`, `audit`: as the report has them, or None; `subjects`: in the order of
    subjects.csv, with `sentence` and the `parts` (static, dynamic) of the deviation; `clips`: sentences on the clip of
    each recording; `methods`, `citations`: for a paper; `usual`: the range of 90 % of the reference's windows,
    or None. Empty where the run has nothing to say yet.
    """
    data = read_run(folder)
    clips = data.files.all_clip_facts()
    return {
        "headline": [sentence for sentence in headline(data) if sentence],
        "warnings": warnings_of(data),
        "tests": group_tests.main_tests(data),
        "table": group_tests.table(data),
        "power": group_tests.power(data),
        "classifier": group_tests.classifier(data),
        "audit": audit_view(data),
        "subjects": [_subject(data, score) for score in data.subjects],
        "clips": {path.stem: magnified_words(ClipFacts.from_json(read_facts(path))) for path in clips},
        "methods": methods.methods_paragraph(data),
        "citations": methods.citations(data),
        "reference": data.reference,
        "usual": data.usual(),
    }


def _subject(data: RunData, score: ScoreRow) -> SubjectWords:
    found: list[PartWords] = [
        {"name": part["name"], "words": part["words"], "value": part["value"], "verdict": part.get("verdict", "")}
        for part in parts(data, score)
    ]
    sentence = subject_sentence(data, score)
    return {"subject": score.subject, "group": score.group, "sentence": sentence, "parts": found}
