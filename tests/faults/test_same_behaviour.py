"""What a camera or a copy changes is no behaviour: light, encoding, frame rate and size leave the deviation."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.videos import ff
from ubam.core.files import read_csv, write_csv
from ubam.core.text import listed
from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.evaluation.synthetic.study import write_recording
from ubam.pipeline.plan import plan_run
from ubam.pipeline.runner import run_stages
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import probe
from ubam.results.records.study import Statistics
from ubam.results.run_data import read_facts
from ubam.results.run_folder import RunFolder
from ubam.statistics.confounds.direction import WHY
from ubam.tracking.locate import survey_and_find

REFERENCE, FILMED_AGAIN = range(1, 9), (20, 21, 22)  # seeds of healthy subjects
CAMERAS = {
    "darker": ("-vf", "lutyuv=y=val*0.75"),
    "brighter": ("-vf", "lutyuv=y=clip(val*1.2\\,16\\,235)"),
    "pressed": ("-crf", "34"),
    "slower": ("-vf", "fps=15"),
    "smaller": ("-vf", "scale=iw*0.6:-2"),
    "mirrored": ("-vf", "hflip"),
}
MIRROR = pytest.mark.xfail(strict=True, reason="views of the learned posture are not turned to one side")
TAIL = pytest.mark.xfail(strict=True, reason="the eye loses the end of a rat's tail in a film of 268 x 114 pixels")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of healthy walkers, of three of them as other cameras would show them, and of these impaired."""
    folder = tmp_path_factory.mktemp("same")
    for seed in (*REFERENCE, *FILMED_AGAIN):
        write_recording(folder, f"healthy{seed}", render_recording(seed, RecordingSpec(seconds=2.4)))
    for seed in FILMED_AGAIN:
        ill = RecordingSpec(seconds=2.4, impairment="lean", severity=1.0)
        write_recording(folder, f"impaired{seed}", render_recording(seed, ill))
        for name, options in CAMERAS.items():
            ff("-i", folder / f"healthy{seed}.mp4", *options, folder / f"{name}{seed}.mp4")
    names = [f"{name}{seed}" for seed in FILMED_AGAIN for name in ("healthy", *CAMERAS, "impaired")]
    rows = [{"video": f"healthy{seed}.mp4", "subject": f"healthy{seed}", "group": "healthy"} for seed in REFERENCE]
    rows += [{"video": f"{name}.mp4", "subject": name, "group": "query"} for name in names]
    write_csv(folder / "study.csv", rows, list(rows[0]))
    plan = plan_run(folder / "study.csv", {"preset": "quick", "workers": 1}, ask=lambda groups: None)
    job = plan.start(folder / "run", lambda *_: None)
    run_stages(job, "score")
    return job.files


@pytest.fixture(scope="module")
def deviations(scored: RunFolder) -> dict[str, float]:
    return {row["subject"]: float(row["deviation"]) for row in read_csv(scored.scores("subjects"))}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [pytest.param(name, marks=[MIRROR] * (name == "mirrored")) for name in CAMERAS])
def test_another_camera_leaves_a_healthy_subject_healthy(name: str, deviations: dict[str, float]) -> None:
    highest = max(deviations[f"healthy{seed}"] for seed in (*REFERENCE, *FILMED_AGAIN))
    now = [deviations[f"{name}{seed}"] for seed in FILMED_AGAIN]
    before, ill = ([deviations[f"{what}{seed}"] for seed in FILMED_AGAIN] for what in ("healthy", "impaired"))
    print(f"{name}: {np.round(before, 2)} -> {np.round(now, 2)}; healthy to {highest:.2f}, impaired {np.round(ill, 2)}")
    assert max(now) <= highest < min(ill)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_those_in_a_mirror_are_named(scored: RunFolder) -> None:
    """All and only they: what a mirror does to the deviation is not mended."""
    said = Statistics.from_json(read_facts(scored.statistics_json)).audit.warnings
    names = [f"mirrored{seed}" for seed in FILMED_AGAIN]
    assert [words for words in said if " face" in words] == [
        f"{listed(names)} (query) face left, those of healthy right: {WHY['direction']}"
    ]


@pytest.mark.parametrize("kind", ["human", pytest.param("rodent", marks=[pytest.mark.slow, TAIL])])
def test_another_camera_leaves_the_subject_where_it_is(kind: str, tmp_path: Path) -> None:
    """The cheap part: the track, by which everything else is seen."""
    write_recording(tmp_path, "healthy", render_recording(20, RecordingSpec(kind=kind, seconds=1.2)))
    ff("-i", tmp_path / "healthy.mp4", "-vf", "scale=iw*0.6:-2,lutyuv=y=val*0.75", "-crf", "30", tmp_path / "other.mp4")
    middles = []
    for name in ("healthy", "other"):
        recording = Recording(name, 2, tmp_path / f"{name}.mp4", name, "g")
        info = probe(recording.video)
        track = survey_and_find(recording, info, tmp_path)[1].track
        assert track.found.all()
        middles.append((track.box[:, :2] + track.box[:, 2:]) / 2 / info.height)
    assert np.abs(middles[0] - middles[1]).max() < 0.03
