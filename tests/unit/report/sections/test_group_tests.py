"""The report tells every test, the audit, curves, distances and the classifier with the numbers of the run's files."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.support.report_page import Page, write_and_read
from tests.support.run_folders import make_fake_run
from ubam.core.files import read_csv, write_csv, write_json
from ubam.report.charts import group_class, ranking
from ubam.report.figures.write import statistics_drawings, write_figures
from ubam.report.page import write_report
from ubam.report.sections import curves as report_curves
from ubam.report.sections.distances import clustered, distances_view
from ubam.results import caveats, methods
from ubam.results.run_data import read_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("statistics") / "run"
    return make_fake_run(folder, reference_subjects=4, query_subjects=3, frames=60, videos=False, design="days")


@pytest.fixture(scope="module")
def written(run: Path) -> tuple[str, Page]:
    return write_and_read(run)


def _change(run: Path, **changes: object) -> None:
    statistics = json.loads((run / "statistics.json").read_text())
    write_json(run / "statistics.json", statistics | changes)


def test_every_test_stands_in_the_table_with_its_correction_or_the_reason_why_not(
    run: Path, written: tuple[str, Page]
) -> None:
    text, page = written
    table = text[text.index('<table class="tests">') : text.index("</table>")]
    tests = json.loads((run / "statistics.json").read_text())["tests"]
    assert table.count("<tr") - 1 == len(tests) + len({test["family"] for test in tests})
    for test in tests:
        assert test["question"] in page.text
        assert test.get("refused", test.get("correction", "")) in page.text
        for effect in test.get("effects", ()):
            assert re.search(rf"{effect['name'].replace(chr(39), '&#39;')} <b>{effect['value']:.2g}", table)


def test_the_audit_is_told_near_the_top_and_in_full_below(written: tuple[str, Page]) -> None:
    text, page = written
    words = "The brightness of the empty scene alone separates the groups healthy and affected (AUC 0.90"
    assert text.index(words) < text.index('id="subjects"')
    assert text.index('<a href="#audit">The audit</a>') < text.index('id="subjects"')
    assert page.text.count(words) == 2
    audit = text[text.index('<section id="audit">') : text.index('<section id="cards">')]
    assert "median healthy 120.0, affected 180.5 grey levels" in audit
    assert "weaker confounds remain unseen" in audit
    assert len(re.findall(r'<div class="rank (?:bad|doubt|ref)"', audit)) >= 4
    assert 'class="rank bad"' in audit


def test_a_run_without_an_audit_has_its_controls_judged(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=3, query_subjects=3, frames=40, videos=False)
    _change(run, audit=None, controls={"ubam": {"auc": 0.9}, "background": {"auc": 1.0}})
    assert "The background alone" in " ".join(caveats.warnings_of(read_run(run)))
    assert '<section id="audit">' in write_report(run).read_text()


def test_curves_have_a_line_for_every_subject_and_a_point_for_every_day(run: Path, written: tuple[str, Page]) -> None:
    view = report_curves.curves_view(read_run(run))
    assert view is not None
    assert [panel["group"] for panel in view["panels"]] == ["healthy", "affected"]
    assert [len(panel["lines"]) for panel in view["panels"]] == [4, 3]
    sessions = read_csv(run / "deviation" / "sessions.csv")
    for panel in view["panels"]:
        for line in panel["lines"]:
            mine = [float(row["deviation"]) for row in sessions if row["subject"] == line["subject"]]
            heights = [point["y"] for point in line["points"]]
            assert len(heights) == len(mine)
            assert np.array_equal(np.argsort(heights), np.argsort(mine)[::-1])  # down the page is less deviant
            assert all(point["high"] < point["y"] < point["low"] for point in line["points"])
    assert written[0].count('class="thin"') == 7
    assert [tick["text"] for tick in view["ticks"]] == ["0", "3", "7", "14", "28"]


def test_a_missing_day_leaves_the_rest_of_the_line(tmp_path: Path) -> None:
    run = make_fake_run(
        tmp_path / "run", reference_subjects=2, query_subjects=2, frames=40, videos=False, design="days"
    )
    curves = json.loads((run / "statistics.json").read_text())["curves"]
    curves[0]["points"][1]["deviation"] = None
    curves[0]["points"][2] |= {"low": None, "high": None}
    curves[1]["mean"] = []
    _change(run, curves=curves)
    view = report_curves.curves_view(read_run(run))
    assert view is not None
    assert [len(line["points"]) for line in view["panels"][0]["lines"]] == [4, 5]
    assert dict(statistics_drawings(read_run(run)))["curves"]() is not None
    write_and_read(run)


def test_subjects_that_move_alike_stand_beside_each_other(tmp_path: Path) -> None:
    place = np.array([0.0, 5.0, 0.1, 5.1, 0.2, 9.0])
    apart = np.abs(place[:, None] - place[None])
    order = clustered(apart).tolist()
    steps = apart[order[:-1], order[1:]].sum()
    assert steps == pytest.approx(np.ptp(place))  # the shortest way through points on a line
    run = make_fake_run(tmp_path / "run", reference_subjects=5, query_subjects=4, frames=40, videos=False)
    view = distances_view(read_run(run))
    assert view is not None
    assert len(view["cells"]) == 9 * 8
    groups = [subject["group"] for subject in view["subjects"]]
    assert sum(a != b for a, b in pairwise(groups)) <= 3


@pytest.mark.parametrize("cell", ["", "nan", "-1", "text"])
def test_a_matrix_that_is_odd_is_left_out(cell: str, tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=3, query_subjects=2, frames=40, videos=False)
    path = run / "deviation" / "distances.csv"
    rows = read_csv(path)
    rows[1]["H01"] = cell
    write_csv(path, rows, list(rows[0]))
    assert distances_view(read_run(run)) is None
    assert dict(statistics_drawings(read_run(run)))["distances"]() is None
    write_and_read(run)


def test_the_classifier_names_those_that_look_like_another_group(run: Path, written: tuple[str, Page]) -> None:
    text, page = written
    rows = json.loads((run / "statistics.json").read_text())["classifier"]["subjects"]
    wrong = [row for row in rows if row["predicted"] != row["group"]]
    assert text.count('class="look ') == len(rows)
    assert page.text.count("looks like ") == len(wrong)


def test_without_a_reference_the_most_unusual_moments_open_their_recording(tmp_path: Path) -> None:
    run = make_fake_run(
        tmp_path / "run", reference_subjects=3, query_subjects=2, frames=40, videos=False, design="mutual"
    )
    text, page = write_and_read(run)
    players = re.findall(r'data-player="([^"]*)"', text[text.index('id="unusual"') : text.index('id="cards"')])
    assert len(players) == 5
    assert set(players) <= set(page.ids)


def test_the_methods_say_n_at_every_level_and_cite_what_was_used(run: Path) -> None:
    data = read_run(run)
    words = methods.methods_paragraph(data)
    windows = sum(int(row["n_windows"]) for row in read_csv(run / "deviation" / "recordings.csv"))
    assert "8 video recordings of 7 subjects (4 healthy and 3 affected" in words
    assert f"{windows:,} windows" in words
    assert "(all 1,716 arrangements)" in words
    assert "AUC, Cliff's delta, Hedges' g and mean slope" in words
    sources = " ".join(methods.citations(data))
    assert "Brattoli" in sources
    assert "Cliff N" in sources
    assert "Westfall" in sources
    assert "Maris" not in sources


def test_the_figures_of_the_statistics_are_drawn(run: Path) -> None:
    names = {path.name for path in write_figures(run)}
    wanted = ["curves", "time_course_1", "distances", "classifier", "audit_1", "effects", "groups"]
    assert {f"{name}.{suffix}" for name in wanted for suffix in ("png", "svg")} <= names


def test_new_subjects_are_told_against_the_frozen_reference(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=2, query_subjects=3, frames=40, videos=False)
    frozen = {"group": "healthy", "n": 7, "hash": "dbe7e680", "version": "0.1.0", "path": "old/model/reference"}
    _change(run, against=frozen, tests=[], audit=None, controls={})
    data = read_run(run)
    assert len(data.queries) == 5  # a new subject called healthy is a subject, not the reference
    _, page = write_and_read(run)
    assert "with the frozen reference healthy of 7 subjects (dbe7e680)" in page.text
    assert "could be scored, so nothing says what is normal" not in page.text


def test_new_subjects_stand_beside_the_frozen_range_and_not_beside_each_other(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=2, query_subjects=1, frames=40, videos=False)
    usual = {"deviation": [0.2, 0.5], "static": [0.1, 0.4], "dynamic": [0.3, 0.6], "windows": [0.05, 0.95]}
    frozen = {"group": "healthy", "n": 2, "hash": "dbe7e680", "version": "0.1.0", "path": "x", "usual": usual}
    _change(run, against=frozen, tests=[], audit=None, controls={})
    data = read_run(run)
    assert data.normal("static") == [0.1, 0.4]
    assert data.usual() == (0.05, 0.95)
    assert ranking(data)["band"] is not None
    assert {group_class(data, group) for group in data.groups} == {"g0", "g1"}  # nobody here is of the reference
    _change(run, against={**frozen, "usual": {}})  # frozen before the range was kept
    assert read_run(run).usual() is None
    assert ranking(read_run(run))["band"] is None


def test_one_new_subject_has_a_sentence_and_an_audit_of_its_own(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=0, query_subjects=1, frames=40, videos=False)
    frozen = {"group": "healthy", "n": 7, "hash": "dbe7e680", "version": "0.1.0", "path": "old/model/reference"}
    rows = [{"label": "brightness", "verdict": "usual"}, {"label": "the place", "verdict": "outside"}]
    audit = {"comparisons": [], "warnings": [], "unknown": [], "against": [{"subject": "a01", "rows": rows}]}
    _change(run, against=frozen, reference="healthy", tests=[], audit=audit, controls={})
    _, page = write_and_read(run)
    assert "further from the healthy reference than any of the 7 healthy subjects." in page.text
    assert "of the 1 " not in page.text
    assert "Could something other than movement explain the deviation?" in page.text
    assert "a01: 1 of 2 properties within what the reference shows; outside it: place." in page.text
    assert "separate the groups?" not in page.text
