"""The report is whole, self-contained, tells the run's own numbers, and is made whatever is missing from the run."""

import csv
import json
import re
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tests.support.report_page import Page, write_and_read
from tests.support.run_folders import make_fake_run
from ubam.core.files import read_csv, write_csv, write_json
from ubam.core.parallel import processes
from ubam.recordings.video_reader import probe
from ubam.report import charts
from ubam.report.figures.write import statistics_drawings, write_figures
from ubam.report.media import embed_clips
from ubam.results import caveats, sentences
from ubam.results.records.scores import ScoreRow
from ubam.results.run_data import Timeline, read_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_fake_run(tmp_path_factory.mktemp("report") / "run", reference_subjects=3, query_subjects=2, frames=60)
    write_figures(folder)
    return folder


@pytest.fixture(scope="module")
def written(run: Path) -> tuple[str, Page]:
    return write_and_read(run)


def test_the_page_asks_nothing_of_a_network(written: tuple[str, Page]) -> None:
    text, page = written
    outside = [source for source in page.sources if re.match(r"(?i)\s*(https?:|//|ftp:|file:|/)", source)]
    assert outside == []
    assert all(re.match(r"(#|data:|figures/|magnified/|preview/)", source) for source in page.sources if source)
    assert not re.search(r"@import|url\((?!\s*['\"]?data:)|<link|<base|<iframe|fetch\(|XMLHttpRequest|WebSocket", text)
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_it_holds_clips_timelines_and_peaks_of_every_query_subject(written: tuple[str, Page]) -> None:
    text, page = written
    assert text.count('class="magnified"') == text.count('class="preview"') == 3
    assert {"subjects", "groups", "cards", "maps", "figures", "methods", "subject-2"} <= set(page.ids)
    assert text.count('class="peak"') >= 3
    assert "not a medical device" in page.text
    assert "usual in the reference" in page.text


def test_every_failed_recording_is_listed_with_its_reason(run: Path, written: tuple[str, Page]) -> None:
    _, page = written
    for row in read_csv(run / "recordings.csv"):
        assert row["recording_id"] in page.text
        assert row["reason"] in page.text
    assert "1 of 7 recordings could not be used: h99_walk (h99_walk.mp4 is not a video: re-export it)" in page.text


def test_numbers_of_the_table_are_those_of_the_csv(run: Path, written: tuple[str, Page]) -> None:
    text, _ = written
    rows = re.findall(r'<div class="rank (?!head)[^>]*role="row">(.*?)</div>', text, re.S)
    shown = {}
    for row in rows:
        cells = re.findall(r'role="cell"[^>]*>(.*?)</span>', row, re.S)
        shown[cells[0]] = [re.sub(r"<[^>]*>|[()]", " ", cell).split() for cell in cells[2:]]
    scores = read_csv(run / "deviation" / "subjects.csv")
    assert list(shown) == [row["subject"] for row in sorted(scores, key=lambda row: -float(row["deviation"]))]
    for row in scores:
        deviation, interval, percentile, p = shown[row["subject"]]
        assert float(deviation[0]) == pytest.approx(float(row["deviation"]), abs=0.006)
        assert float(interval[0]) == pytest.approx(float(row["deviation_low"]), abs=0.006)
        assert float(interval[2]) == pytest.approx(float(row["deviation_high"]), abs=0.006)
        assert float(percentile[0]) == pytest.approx(float(row["reference_percentile"]), abs=0.51)
        assert [float(value) for value in p] == pytest.approx(
            [float(row["p_value"]), float(row["smallest_p"])], abs=6e-4
        )


def test_motifs_stand_in_their_order_with_the_shares_of_every_subject(run: Path, written: tuple[str, Page]) -> None:
    text, page = written
    assert "1 → 3 → 2 → 1; 93 % of all changes go forward" in page.text
    assert [int(n) for n in re.findall(r'<article class="motif m\d">\s*<h3><span class="chip">(\d)', text)] == [1, 3, 2]
    table = text[text.index('<table class="usage">') :]
    shown = re.findall(r'<th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', table[: table.index("</table>")], re.S)
    rows = read_csv(run / "motifs" / "usage.csv")
    assert {subject for subject, _ in shown} == {row["subject"] for row in rows}
    for subject, cells in shown:
        shares = [float(row["share"]) for row in rows if row["subject"] == subject]
        assert [int(cell) for cell in re.findall(r"<b>(\d+) %</b>", cells)] == [round(100 * share) for share in shares]


def test_every_point_of_the_maps_has_its_moment(written: tuple[str, Page]) -> None:
    text, _ = written
    paths = re.findall(r'data-recording="([^"]*)" data-times="([^"]*)" d="([^"]*)"', text)
    assert sum(path.count("M") for _, _, path in paths) == 80 * len({name for name, _, _ in paths})
    assert all(len(times.split()) == path.count("M") for _, times, path in paths)


def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    names = {"A01": "<script>alert(1)</script>", "A02": "\"'><img src=x onerror=alert(2)>", "A03": "{{ 7*7 }} $x$ 日本"}
    run = make_fake_run(tmp_path / "run", reference_subjects=1, query_subjects=3, frames=40, videos=False, names=names)
    record = json.loads((run / "run.json").read_text())
    write_json(run / "run.json", record | {"warnings": ["</style></script><b>bold"], "study": "/x/<i>study.csv"})
    text, page = write_and_read(run)
    assert "<script>alert(1)" not in text
    assert "<img src=x" not in text
    assert "<b>bold" not in text
    assert "49 $x$" not in page.text
    assert all(name in page.text for name in names.values())


@pytest.mark.parametrize(
    "missing",
    [
        ["statistics.json"],
        ["maps.npz", "evidence"],
        ["motifs"],
        ["motifs/usage.csv"],
        ["deviation"],
        ["deviation/subjects.csv"],
        ["deviation/recordings.csv", "deviation/windows.csv"],
        ["magnified", "embeddings"],
        ["run.json"],
        ["recordings.csv"],
        ["run.json", "recordings.csv", "deviation", "statistics.json", "maps.npz", "evidence"],
    ],
)
def test_whatever_is_missing_the_report_is_made(missing: list[str], tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=2, query_subjects=1, frames=40, videos=False)
    for name in missing:
        path = run / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            file.unlink(missing_ok=True)
    if "deviation" in missing:
        write_figures(run)
    write_and_read(run)


def test_workers_draw_what_one_process_draws(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=2, query_subjects=1, frames=40, videos=False)
    alone = {path.name: path.read_bytes() for path in write_figures(run)}
    shutil.rmtree(run / "figures")
    with processes(2) as pool:
        together = {path.name: path.read_bytes() for path in write_figures(run, pool, 2)}
    assert len(alone) > 8
    assert together == alone


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b"a,b\n1,2,3\n"])
def test_damaged_files_count_as_missing(damage: bytes, tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=2, query_subjects=1, frames=40, videos=False)
    for file in [path for path in run.rglob("*") if path.is_file()]:
        file.write_bytes(damage)
    write_figures(run)
    write_and_read(run)


@pytest.mark.parametrize("odd", [None, [], "text", 7, {"ubam": 3}, [None, 1, {}]])
def test_odd_values_in_the_json_files_do_not_stop_the_report(odd: object, tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=2, query_subjects=1, frames=40, videos=False)
    for name in ("run.json", "statistics.json"):
        whole = json.loads((run / name).read_text())
        lists = {"warnings": odd, "notes": odd} if odd is None or isinstance(odd, list) else {}
        keys = ["stages", "settings", "versions", "tests", "controls", "n", "device", "study", "options"]
        keys += ["power", "classifier", "mutual", "curves", "timecourse", "motifs", "audit", "design", "counts"]
        write_json(run / name, whole | dict.fromkeys(keys, odd) | lists)
    for _, draw in statistics_drawings(read_run(run)):
        draw()
    write_and_read(run)


def test_without_a_reference_each_is_compared_with_all(tmp_path: Path) -> None:
    run = make_fake_run(
        tmp_path / "run", reference_subjects=3, query_subjects=3, frames=40, videos=False, design="mutual"
    )
    _, page = write_and_read(run)
    assert "No reference group was named" in page.text
    assert "moves least like the others" in page.text
    assert page.ids.count("subject-6") == 1


def test_one_recording_alone_still_gives_a_report(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=1, query_subjects=0, frames=40, videos=False)
    _, page = write_and_read(run)
    assert "h01_walk" in page.text


def test_sixty_subjects_are_all_in_the_page(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=30, query_subjects=30, frames=40, videos=False)
    text, page = write_and_read(run)
    assert "subject-30" in page.ids
    assert len(text) < 6_000_000


def test_no_difference_says_what_these_groups_could_have_shown(tmp_path: Path) -> None:
    other = make_fake_run(tmp_path / "run", frames=40, videos=False, effect=0.0)
    statistics = json.loads((other / "statistics.json").read_text())
    statistics["tests"][0] |= {"p": 0.43, "correction_p": 0.43}
    write_json(other / "statistics.json", statistics)
    assert statistics["power"][0]["words"] in " ".join(sentences.headline(read_run(other)))
    write_json(other / "statistics.json", statistics | {"power": None})
    words = " ".join(sentences.headline(read_run(other)))
    assert "No difference between the groups healthy and affected was found (p = 0.43)" in words
    assert "an AUC of 0.86" in words
    assert "would do so in 1 of 8 such studies" in words


def test_warnings_name_small_groups_and_controls_that_do_as_well(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=3, query_subjects=3, frames=40, videos=False)
    statistics = json.loads((run / "statistics.json").read_text())
    statistics["controls"] |= {"background": {"auc": 1.0, "p": 0.01}, "untrained": {"auc": 0.96, "p": 0.02}}
    statistics["tests"][0]["smallest_p"] = 0.1
    del statistics["audit"]
    write_json(run / "statistics.json", statistics)
    words = " ".join(caveats.warnings_of(read_run(run)))
    assert "cannot be smaller than 0.25" in words
    assert "cannot give a p below 0.1" in words
    assert "The background alone" in words
    assert "untrained network" in words


def test_a_reference_subject_far_from_the_others_is_named(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=4, query_subjects=1, frames=40, videos=False)
    assert "alone widens" not in " ".join(caveats.warnings_of(read_run(run)))
    path = run / "deviation" / "subjects.csv"
    rows = read_csv(path)
    rows[1]["deviation"] = "9.5"
    write_csv(path, rows, list(rows[0]))
    words = " ".join(caveats.warnings_of(read_run(run)))
    assert "H02 of the reference group deviates" in words


def test_what_check_has_said_is_not_said_twice(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=3, query_subjects=1, frames=40, videos=False)
    record = json.loads((run / "run.json").read_text())
    write_json(run / "run.json", record | {"warnings": ["With 3 reference subjects ... (smallest possible 0.25)"]})
    assert "cannot be smaller" not in " ".join(caveats.warnings_of(read_run(run)))


def test_an_interrupted_stage_is_a_warning_but_the_report_itself_is_not(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=2, query_subjects=1, frames=40, videos=False)
    record = json.loads((run / "run.json").read_text())
    record["stages"] |= {"magnify": {"state": "failed", "reason": "disk full"}, "report": {"state": "running"}}
    write_json(run / "run.json", record)
    words = " ".join(caveats.warnings_of(read_run(run)))
    assert "The stage magnify failed: disk full." in words
    assert "stage report" not in words


def _slow_smallest_auc(first: int, second: int, level: float) -> float | None:
    counts: dict[int, int] = {}
    for ranks in combinations(range(first + second), first):
        u = sum(rank > other for rank in ranks for other in range(first + second) if other not in ranks)
        counts[u] = counts.get(u, 0) + 1
    total, smallest = sum(counts.values()), None
    for u in counts:
        tail = sum(count for other, count in counts.items() if other >= u)
        if 2 * tail <= level * total:
            smallest = min(u / (first * second), smallest or 1.0)
    return smallest


@pytest.mark.parametrize(("first", "second"), [(1, 3), (3, 3), (4, 4), (5, 5), (2, 8), (6, 4)])
def test_smallest_effect_agrees_with_counting_every_order(first: int, second: int) -> None:
    assert sentences.smallest_auc(first, second) == _slow_smallest_auc(first, second, 0.05)


def test_a_subject_in_two_groups_keeps_its_recordings_apart(tmp_path: Path) -> None:
    run = make_fake_run(
        tmp_path / "run", reference_subjects=2, query_subjects=2, frames=40, videos=False, names={"A01": "H01"}
    )
    data = read_run(run)
    assert [score.recording_id for score in data.recordings_of("H01", "healthy")] == ["h01_walk"]
    assert {score.recording_id for score in data.recordings_of("H01", "affected")} == {"a01_walk", "a01_walk_2"}


def test_clips_that_do_not_fit_are_shrunk_then_left_out(run: Path) -> None:
    paths = sorted((run / "preview").glob("*.mp4"))
    sizes = {path: path.stat().st_size for path in paths}
    whole = embed_clips(paths)
    assert all(clip.data and not clip.note for clip in whole.values())
    tight = embed_clips(paths, budget=sum(sizes.values()) // 2)
    total = sum(len(clip.data) * 3 // 4 for clip in tight.values())
    assert total <= sum(sizes.values()) // 2
    assert all(clip.note for clip in tight.values() if not clip.data)
    assert all(clip.poster.startswith("data:image/jpeg;base64,") for clip in tight.values())
    assert embed_clips([run / "preview" / "none.mp4", run / "run.json"]) == {}
    assert probe(paths[0]).width == whole[paths[0]].width


def test_a_long_timeline_is_thinned_and_gaps_are_left_open() -> None:
    time = np.arange(100_000) * 0.16
    values = np.ones(len(time))
    values[40_000:60_000] = np.nan
    values[10] = 9.0
    drawn = charts.timeline(Timeline(time, time + 0.3, values), (0.8, 1.2), [1.7], 0.0, 0.0)
    assert len(drawn["path"]) < 30_000
    assert drawn["path"].count("M") == 2
    assert drawn["peaks"][0]["at"] == pytest.approx(1.7 / 16000 * 100, abs=0.001)
    assert drawn["ticks"][0]["text"] == "0:00 h"


def test_the_clock_of_a_varying_rate_ties_each_frame_to_the_clip() -> None:
    assert charts.clip_clock(np.arange(50) / 25 + 10, {}) == [[10.0, 0.0], [11.96, 1.96]]
    assert charts.clip_clock(None, {"start_s": "2", "duration_s": "3"}) == [[2.0, 0.0], [5.0, 3.0]]
    steps = np.r_[np.full(300, 0.04), np.full(100, 0.2)]
    time = np.r_[0.0, steps.cumsum()]
    recording, clip = np.transpose(charts.clip_clock(time, {}))
    assert np.abs(np.interp(time, recording, clip) - np.arange(401) * 0.04).max() < 0.05


def test_ticks_are_round_and_inside() -> None:
    for low, high in ((0.0, 1.0), (0.0, 0.0031), (3.2, 917.0), (0.0, 2.0000001)):
        ticks = charts.Scale(low, high).ticks()
        assert 2 <= len(ticks) <= 8
        assert all(low - 1e-9 <= tick <= high * (1 + 1e-6) for tick in ticks)


def test_a_score_that_is_not_a_number_is_ranked_last(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=2, query_subjects=2, frames=40, videos=False)
    path = run / "deviation" / "subjects.csv"
    rows = read_csv(path)
    rows[2] |= dict.fromkeys(["deviation", "deviation_low", "deviation_high", "p_value", "static"], "")
    write_csv(path, rows, list(rows[0]))
    data = read_run(run)
    assert data.queries[-1].deviation is None
    _, page = write_and_read(run)
    assert f"{rows[2]['subject']} could not be scored" in page.text


def test_a_region_is_named_where_it_lies() -> None:
    region = np.zeros((16, 16))
    region[12:14, 2:4] = 1
    assert charts.region_in_words(region) == "lower left part"
    assert charts.region_in_words(np.ones((8, 8))) == "middle"
    assert charts.region_in_words(np.full((8, 8), np.nan)) == ""


def test_beyond_the_reference_needs_the_smallest_p() -> None:
    assert ScoreRow("a", "x", p=0.125, smallest_p=0.125).beyond_reference
    assert not ScoreRow("a", "x", p=0.25, smallest_p=0.125).beyond_reference
    assert not ScoreRow("a", "x").beyond_reference


def test_the_figures_folder_holds_each_figure_twice(run: Path) -> None:
    names = {path.name for path in (run / "figures").iterdir()}
    wanted = ["subjects", "groups", "controls", "timeline_a01_walk", "strip_a01_walk", "map_postures_group"]
    wanted += ["map_postures_subject", "map_behaviours_group", "map_behaviours_subject"]
    assert {f"{name}.{suffix}" for name in wanted for suffix in ("png", "svg")} <= names
    with open(run / "recordings.csv", newline="") as handle:
        usable = [row for row in csv.DictReader(handle) if row["status"] != "failed"]
    assert sum(name.startswith("timeline_") for name in names) == 2 * len(usable)
