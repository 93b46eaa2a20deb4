"""What a camera or a copy changes is no behaviour: light, side, encoding, frame rate and size leave the deviation."""

import pytest

from tests.support.videos import ff
from ubam.core.files import read_csv, write_csv
from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.evaluation.synthetic.study import write_recording
from ubam.pipeline.plan import plan_run
from ubam.pipeline.runner import run_stages

HEALTHY = range(1, 9)  # seeds of the reference
VARIANTS = {
    "darker": ("-vf", "lutyuv=y=val*0.75"),
    "brighter": ("-vf", "lutyuv=y=clip(val*1.2\\,16\\,235)"),
    "mirrored": ("-vf", "hflip"),
    "pressed": ("-crf", "34"),
    "slower": ("-vf", "fps=15"),
    "smaller": ("-vf", "scale=iw*0.6:-2"),
}


@pytest.fixture(scope="module")
def deviations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The deviation of healthy walkers, of one of them as other cameras would show him, and of an impaired one."""
    folder = tmp_path_factory.mktemp("same")
    for seed in (*HEALTHY, 20):
        write_recording(folder, f"h{seed}", render_recording(seed, RecordingSpec(seconds=2.4)))
    ill = RecordingSpec(seconds=2.4, impairment="lean", severity=1.0)
    write_recording(folder, "impaired", render_recording(20, ill))
    for name, options in VARIANTS.items():
        ff("-i", folder / "h20.mp4", *options, folder / f"{name}.mp4")
    rows = [{"video": f"h{seed}.mp4", "subject": f"h{seed}", "group": "healthy"} for seed in HEALTHY]
    rows += [{"video": f"{name}.mp4", "subject": name, "group": "query"} for name in ("h20", *VARIANTS, "impaired")]
    write_csv(folder / "study.csv", rows, list(rows[0]))
    plan = plan_run(folder / "study.csv", {"preset": "quick", "workers": 1}, ask=lambda groups: None)
    job = plan.start(folder / "run", lambda *_: None)
    run_stages(job, "score")
    return {row["subject"]: float(row["deviation"]) for row in read_csv(job.files.scores("subjects"))}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", VARIANTS)
def test_another_camera_stays_within_the_healthy_band(name: str, deviations: dict[str, float]) -> None:
    healthy = [deviations[f"h{seed}"] for seed in (*HEALTHY, 20)]
    assert deviations[name] <= max(healthy) + (max(healthy) - min(healthy)) / 2
    assert deviations[name] < deviations["impaired"]
