"""What else moves in a film: the animal is found where it is, or it is said when it could not be."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.faults import moving_things as films
from tests.faults.moving_things import FPS, Staged
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import probe
from ubam.recordings.video_writer import write_clip
from ubam.tracking.finding import Finding
from ubam.tracking.locate import survey_and_find

Make = Callable[[int], Staged]
SURE = [
    pytest.param(lambda seed: films.pushed(seed, 30), "the picture jumps at 3.0 s", id="pushed"),
    pytest.param(films.wheel, "does not look like a subject", id="wheel"),
    pytest.param(films.arm, "something much larger than the subject is in view", id="arm"),
]
MORE = [
    pytest.param(lambda seed: films.pushed(seed, 3), "the picture jumps at 3.0 s", id="pushed a little"),
    pytest.param(lambda seed: films.pushed(seed, 60, 0.6), "the picture jumps at 0.6 s", id="pushed far and early"),
    pytest.param(lambda seed: films.pushed(seed, 20, 5.4), "the picture jumps at 5.4 s", id="pushed late"),
    pytest.param(lambda seed: films.wheel(seed, 70.0, 0.4), "give a box", id="large wheel"),
    pytest.param(lambda seed: films.wheel(seed, 15.0, 4.0), "", id="small wheel"),
    pytest.param(films.cable, "", id="cable"),
    pytest.param(lambda seed: films.arm(seed, 1.0, 4.0), "something much larger", id="arm for long"),
    pytest.param(lambda seed: films.lamp(seed, 0.1), "the light changes at 3.0 s", id="lamp out"),
    pytest.param(lambda seed: films.lamp(seed, 0.8), "the light changes at 3.0 s", id="lamp dimmed"),
    pytest.param(films.bedding, "", id="bedding"),
    pytest.param(films.house, "", id="house"),
    pytest.param(films.clock, "give a box", id="clock"),
    pytest.param(films.tiny, "", id="tiny"),
    pytest.param(lambda seed: films.tiny(seed, 10), "is only about", id="a fly in a wide arena"),
    pytest.param(films.white_on_white, "a part of it may be missing", id="white on white"),
]


def find(film: Staged, folder: Path) -> Finding:
    write_clip(folder / "a.mp4", iter(film.frames), FPS, crf=16)
    recording = Recording("a", 2, folder / "a.mp4", "a", "g")
    return survey_and_find(recording, probe(recording.video), folder)[1]


def check(make: Make, says: str, folder: Path, seed: int) -> None:
    """The animal is found in most frames that show it, near its place in all of them; something is said, or nothing."""
    film = make(seed)
    track = find(film, folder).track
    middle = (track.box[:, :2] + track.box[:, 2:]) / 2
    off = np.hypot(*(middle - film.places).T) / film.length
    right = track.found & film.seen
    assert np.percentile(off[right], 98) < 0.7
    assert right.sum() > 0.85 * (film.seen & ~film.disturbed).sum()
    assert (track.found & ~film.seen).sum() < 0.3 * max((~film.seen).sum(), 1)
    assert not (track.found & film.disturbed).sum() > 0.2 * film.disturbed.sum()
    assert says in " ".join(track.warnings) if says else track.warnings == ()


@pytest.mark.parametrize(("make", "says"), SURE)
def test_the_animal_is_found_and_what_else_happens_is_said(make: Make, says: str, tmp_path: Path) -> None:
    check(make, says, tmp_path, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("make", "says"), [*SURE, *MORE])
def test_it_is_found_over_ten_times_the_range(make: Make, says: str, seed: int, tmp_path: Path) -> None:
    check(make, says, tmp_path, seed)
