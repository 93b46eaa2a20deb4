"""The whole job in one call: from the videos of a study to a run folder."""

from collections.abc import Callable
from pathlib import Path

from ubam.api.run import Run
from ubam.pipeline.job import no_progress
from ubam.pipeline.plan import plan_run
from ubam.pipeline.runner import run_stages
from ubam.results.records.run import RunOptions
from ubam.results.run_record import locked


def analyse(
    study: Path | str, out: Path | str, *, reference: str | None = None, preset: str = "standard", seed: int = 0,
    workers: int = 1, model: Path | str | None = None, progress: Callable[[str, int, int], None] | None = None,
) -> Run:  # fmt: skip
    """Analyse a study into the run folder `out`, as `ubam run` does; a run that was stopped goes on where it was.

    Parameters
    ----------
    study
        A CSV with the columns video, subject and group, or a folder with a folder of videos for each group.
    out
        The run folder; a new one, or one of the same study.
    reference
        The group that defines normal. None: the group called reference, healthy, control, sham or wildtype,
        and where there is none, as "none": every subject is scored against all others.
    preset
        "quick" for a first look, "standard" for results, "thorough" for a GPU or a night.
    seed
        The same seed on the same machine gives the same numbers.
    workers
        Processes that work side by side. With more than one, a script needs `if __name__ == "__main__":`.
    model
        The folder model of another run, to use its networks instead of training.
    progress
        Called with the stage, what is done of it and all of it.

    Raises
    ------
    StudyError
        The study cannot be read, or no recording of it can be used. One that fails is in
        `Run.recordings` with its reason, and the others are analysed.
    RunError
        `out` holds something else, or another process works in it.
    ModelError
        `model` holds no model, or the recordings are too short to learn from.
    """
    options: RunOptions = {
        "reference": reference, "block": None, "preset": preset, "model": Path(model) if model else None,
        "device": "auto", "seed": seed, "workers": workers, "scheduler": None, "factors": (),
    }  # fmt: skip
    plan, folder = plan_run(Path(study), options, ask=lambda groups: None), Path(out)
    with locked(folder):
        job = plan.start(folder, progress or no_progress)
        run_stages(job, "score")  # its tables are asked for: they are made again where they are gone
        run_stages(job)
    return Run(folder)


def open_run(folder: Path | str) -> Run:
    """The run in `folder`; RunError when it holds none."""
    return Run(folder)
