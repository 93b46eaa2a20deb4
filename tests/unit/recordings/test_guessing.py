"""Subjects and groups by names and folders: never too few subjects, and said how the names were read."""

import pytest

from ubam.recordings.guessing import describe_guess, guess

READ = {
    "digits that belong to the name": (
        ["c/treated1.mp4", "c/treated2.mp4", "d/id07.mp4", "d/id08.mp4", "d/eartag0123.mp4", "d/aged1.mp4"],
        ["c|treated1", "c|treated2", "d|id07", "d|id08", "d|eartag0123", "d|aged1"],
    ),
    "dates as folders": (
        ["wt/2024-01-15/m1.mp4", "wt/2024-01-16/m1.mp4", "ko/20240115/m2.mp4", "ko/20240115/m3.mp4"],
        ["wt|m1", "wt|m1", "ko|m2", "ko|m3"],
    ),
    "a folder above the groups": (
        ["study/healthy/a.mp4", "study/healthy/b.mp4", "study/ill/c.mp4"],
        ["healthy|a", "healthy|b", "ill|c"],
    ),
    "days in names": (
        ["healthy/mouse3_day2.mp4", "healthy/mouse3_day3.mp4", "healthy/mouse4_day2.mp4", "ill/mouse5_day2.mp4"],
        ["healthy|mouse3", "healthy|mouse3", "healthy|mouse4", "ill|mouse5"],
    ),
    "names that would make one subject of a group": (
        ["healthy/rat_d1.mp4", "healthy/rat_d2.mp4", "ill/rat_d3.mp4", "ill/rat_d4.mp4"],
        ["healthy|rat_d1", "healthy|rat_d2", "ill|rat_d3", "ill|rat_d4"],
    ),
    "folders of subjects": (
        ["healthy/anna/day1.mp4", "healthy/anna/slow.mp4", "healthy/bert/day1.mp4", "ill/carl/walk.mp4"],
        ["healthy|anna", "healthy|anna", "healthy|bert", "ill|carl"],
    ),
    "one folder for all of a group": (
        ["healthy/mice/m1.mp4", "healthy/mice/m2.mp4", "ill/mice/m3.mp4", "ill/mice/m4.mp4"],
        ["healthy|m1", "healthy|m2", "ill|m3", "ill|m4"],
    ),
    "names that cameras give": (
        ["wt/m1/GX010023.MP4", "wt/m2/GX010024.MP4", "ko/m3/DSC_0001.MOV"],
        ["wt|m1", "wt|m2", "ko|m3"],
    ),
    "one subject's folder alone": (["stroke/anna/session1.mp4"], ["stroke|anna"]),
    "one group's folder in another": (["lab/healthy/mouse3.mp4"], ["healthy|mouse3"]),
    "cages": (
        ["KO/cageA/mouse1.mp4", "KO/cageA/mouse2.mp4", "WT/cageB/mouse3.mp4", "WT/cageB/mouse4.mp4"],
        ["KO|mouse1", "KO|mouse2", "WT|mouse3", "WT|mouse4"],
    ),
    "plain folders": (
        ["WT/videos/m1.mp4", "WT/videos/m2.mp4", "KO/raw/m3.mp4"],
        ["WT|m1", "WT|m2", "KO|m3"],
    ),
    "one name in two groups": (
        ["WT/1.mp4", "WT/2.mp4", "KO/1.mp4", "KO/2.mp4"],
        ["WT|WT 1", "WT|WT 2", "KO|KO 1", "KO|KO 2"],
    ),
    "before and after": (
        ["before/m1.mp4", "before/m2.mp4", "after/m1.mp4", "after/m2.mp4"],
        ["before|m1", "before|m2", "after|m1", "after|m2"],
    ),
    "dates and times, as recording programs call their files": (
        ["h/2024-01-15 10-22-33.mkv", "h/2024-01-15 11-02-01.mkv", "h/20240116_102233.mkv", "i/2024-01-15 12-22.mkv"],
        ["h|2024-01-15 10-22-33", "h|2024-01-15 11-02-01", "h|20240116_102233", "i|2024-01-15 12-22"],
    ),
    "visits of patients": (
        ["h/P1/baseline/walk1.mp4", "h/P1/weaned/walk1.mp4", "s/P2/t0/a.mp4", "s/P3/t0/a.mp4"],
        ["h|P1", "h|P1", "s|P2", "s|P3"],
    ),
    "lines of animals": (
        ["wt/lineA/m1/x.mp4", "wt/lineA/m2/x.mp4", "ko/lineB/m3/x.mp4", "ko/lineB/m4/y.mp4"],
        ["wt|m1", "wt|m2", "ko|m3", "ko|m4"],
    ),
    "animals that are numbered in each cage": (
        ["KO/cageA/1.mp4", "KO/cageA/2.mp4", "KO/cageB/1.mp4", "KO/cageB/2.mp4", "WT/cageC/7.mp4"],
        ["KO|cageA 1", "KO|cageA 2", "KO|cageB 1", "KO|cageB 2", "WT|7"],
    ),
    "folders of animals that are numbered in each cage": (
        ["KO/cage1/1/a.mp4", "KO/cage1/2/a.mp4", "KO/cage2/1/a.mp4", "WT/cage3/9/a.mp4", "WT/cage3/8/a.mp4"],
        ["KO|cage1 1", "KO|2", "KO|cage2 1", "WT|9", "WT|8"],
    ),
    "one animal before two cameras": (
        ["wt/cam1/m1.mp4", "wt/cam2/m1.mp4", "ko/cam1/m2.mp4", "ko/cam2/m2.mp4"],
        ["wt|m1", "wt|m1", "ko|m2", "ko|m2"],
    ),
    "a tree of BIDS": (
        ["sub-01/ses-1/motion/sub-01_ses-1_task-walk_video.mp4", "sub-01/ses-2/v.mp4", "sub-ab2/motion/v.mp4"],
        ["|sub-01", "|sub-01", "|sub-ab2"],
    ),
    "trees of BIDS of two groups": (
        ["study/controls/sub-01/ses-1/v.mp4", "study/patients/sub-01/ses-1/v.mp4", "study/patients/sub-02/v.mp4"],
        ["controls|controls sub-01", "patients|patients sub-01", "patients|sub-02"],
    ),
    "no groups": (["a.mp4", "b.mp4"], ["|a", "|b"]),
    "one group": (["healthy/a.mp4", "healthy/b.mp4"], ["healthy|a", "healthy|b"]),
    "both ways of umlauts": (["wt/Ma\u0308x.mp4", "ko/Moritz.mp4"], ["wt|Mäx", "ko|Moritz"]),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_names_and_folders_are_read(case: str) -> None:
    paths, expected = READ[case]
    assert [f"{one.group}|{one.subject}" for one in guess(paths)] == expected


def test_days_and_sessions_are_columns_of_their_own() -> None:
    found = guess(["wt/m1_day2.mp4", "wt/m1_day10.mp4", "wt/m2_trial3.mp4", "ko/day4/m3.mp4", "ko/m4.mp4"])
    assert [one.day for one in found] == ["2", "10", "", "4", ""]
    assert [one.session for one in found] == ["", "", "3", "", ""]
    visits = guess(["h/P1/baseline/a.mp4", "h/P1/followup/a.mp4", "s/P2/baseline/a.mp4", "s/P3/post 2/a.mp4"])
    assert [one.session for one in visits] == ["baseline", "followup", "baseline", "post 2"]
    above = guess(["2024-01-15/wt/m1.mp4", "2024-01-15/ko/m2.mp4", "2024-01-16/wt/m1.mp4", "2024-01-16/ko/m2.mp4"])
    assert [(one.group, one.session) for one in above[:3:2]] == [("wt", "2024-01-15"), ("wt", "2024-01-16")]
    assert [one.session for one in guess(["sub-1/ses-a/v.mp4", r"sub-1\ses-2\v.mp4", "sub-2/v.mp4"])] == ["a", "2", ""]
    dated = guess(["wt/m1_2024-01-15 10-22-33.mp4", "wt/m2_20240116.mp4", "ko/m3.mp4"])
    assert [(one.subject, one.session) for one in dated] == [("m1", "2024-01-15"), ("m2", "20240116"), ("m3", "")]


def test_what_was_made_is_said_with_an_example_and_the_doubts() -> None:
    said = describe_guess(guess(["wt/m1_day2.mp4", "wt/m1_day3.mp4", "wt/m2.mp4", "ko/m3.mp4"]))
    assert said == [
        "4 files: 3 subjects, 2 groups.",
        "For example, 'wt/m1_day2.mp4' is read as subject 'm1', group 'wt', day 2.",
    ]
    assert "one subject?" in describe_guess(guess(["wt/rat_d1.mp4", "wt/rat_d2.mp4", "ko/x.mp4"]))[2]
    folders = ["wt/anna/a.mp4", "wt/anna/b.mp4", "wt/bo/c.mp4", "ko/cy/d.mp4"]
    assert "Are all films in 'wt/anna'" in describe_guess(guess(folders))[2]
    visits = ["h/anna/baseline/a.mp4", "h/anna/week/b.mp4", "i/cy/baseline/d.mp4", "i/di/baseline/d.mp4"]
    assert "Are all films in 'h/anna'" in describe_guess(guess(visits))[2]
    copies = ["wt/m1.mp4", "wt/m1DLC_resnet50_wheelshuffle1_50000_labeled.mp4", "ko/m2.mp4"]
    assert "looks like a copy with drawn points" in describe_guess(guess(copies))[2]
    assert "compared with itself" in describe_guess(guess(["before/m1.mp4", "after/m1.mp4"]))[2]
    assert "differ in spelling only" in describe_guess(guess(["wt/M1.mp4", "ko/m 1.mp4"]))[2]


def test_windows_paths_are_read_as_others() -> None:
    assert guess([r"wt\a.mp4", r"ko\b.mp4"])[0].group == "wt"
