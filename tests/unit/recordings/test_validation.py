"""What `ubam check` says of a study: each sentence stands where its condition holds, and nowhere else."""

from concurrent.futures import Executor
from pathlib import Path

import pytest

from tests.support.command_line import call
from tests.support.videos import walking_frames, write_video
from ubam.core.files import write_csv
from ubam.core.parallel import executor
from ubam.recordings import validation
from ubam.recordings.study_table import Recording, Study
from ubam.recordings.validation import Verdict, describe_study, study_issues

Rows = list[tuple[str, str, str]]  # subject, group, status


def of(rows: Rows) -> tuple[Study, list[Verdict]]:
    """A study of one recording a row, and its verdicts."""
    recordings = [Recording(f"r{n}", n, Path("x.mp4"), subject, group) for n, (subject, group, _) in enumerate(rows)]
    verdicts = [
        Verdict(f"r{n}", subject, group, status, duration_s=60.0) for n, (subject, group, status) in enumerate(rows)
    ]
    return Study(Path("study.csv"), tuple(recordings)), verdicts


def people(group: str, count: int, status: str = "ok") -> Rows:
    return [(f"{group}{number}", group, status) for number in range(count)]


@pytest.mark.parametrize(
    ("rows", "reference", "words"),
    [
        (people("a", 3) + people("b", 2), None, "Subjects: 3 a, 2 b."),
        (people("", 8), None, "Subjects: 8 without a group."),
        (people("a", 1) + people("", 1), None, "Subjects: 1 a, 1 without a group."),
        (people("a", 4) + people("b", 1), "a", "One subject against 4 of a: the smallest possible p is 1/5 = 0.200."),
        (people("a", 4) + people("b", 4), "a", "b (4) against a (4): the smallest possible p is 0.029."),
        (people("a", 1) + people("b", 1, "failed"), None, "1 of 2 recordings are readable: 1.0 minutes."),
    ],
)
def test_a_study_is_described(rows: Rows, reference: str | None, words: str) -> None:
    study, verdicts = of(rows)
    assert words in describe_study(study, verdicts, reference)


def test_nothing_is_said_of_subjects_that_nobody_can_see() -> None:
    study, verdicts = of(people("a", 2, "failed") + people("b", 2, "failed"))
    assert describe_study(study, verdicts, "a") == ["0 of 4 recordings are readable: 0.0 minutes."]
    study, verdicts = of([("", "a", "ok"), ("", "b", "ok")])
    assert describe_study(study, verdicts, None) == ["2 of 2 recordings are readable: 2.0 minutes."]


@pytest.mark.parametrize(
    ("rows", "reference", "words"),
    [
        (people("a", 2, "failed"), None, "No recording is readable"),
        (people("a", 2, "failed"), "a", "No recording is readable"),
        (people("a", 1) + people("b", 1, "failed"), None, "Only one subject is usable"),
        (people("a", 2, "failed") + people("b", 1), "a", "No subject of the reference group a is usable"),
        (people("a", 1) + people("b", 1), "a", "has one usable subject"),
        (people("a", 4) + people("b", 4), "a", "no single subject can reach p < 0.05"),
        (people("a", 19) + people("b", 4), "a", ""),
        (people("a", 2) + people("b", 2), "a", "b (2) against a (2) cannot reach p < 0.05"),
        (people("a", 2) + people("b", 2), None, ""),
    ],
)
def test_a_study_that_may_be_too_small_is_told_why(rows: Rows, reference: str | None, words: str) -> None:
    study, verdicts = of(rows)
    issues = [issue.words for issue in study_issues(study, verdicts, reference)]
    assert any(words in issue for issue in issues) if words else issues == []


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_many_recordings_are_checked_by_workers_with_the_same_words(
    option: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        write_video(tmp_path / f"{number}.mp4", walking_frames(40 - 5 * number))
    (tmp_path / "5.mp4").write_bytes(b"no film")
    rows = [{"video": f"{number}.mp4", "subject": f"s{number}", "group": "ab"[number % 2]} for number in range(7)]
    write_csv(tmp_path / "study.csv", rows, list(rows[0]))
    pools = list[int]()

    def counted(workers: int) -> Executor:
        pools.append(workers)
        return executor(workers)

    monkeypatch.setattr(validation, "MANY", 2)
    monkeypatch.setattr(validation, "executor", counted)
    said = []
    for workers in (1, 2):
        assert call("check", tmp_path / "study.csv", "--workers", workers, *option) == 2
        said.append(capsys.readouterr().out)
    assert pools == [1, 2]
    assert said[0] == said[1]
    assert said[0].index("s0") < said[0].index("s4") < said[0].index("6.mp4")
