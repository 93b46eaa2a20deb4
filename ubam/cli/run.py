"""`ubam run`, the commands of its single stages, and `ubam demo`."""

import shutil
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ubam.cli.console import Bars, print_failed, print_outcome, print_plan
from ubam.cli.places import RUN
from ubam.core.errors import RunError, UbamError
from ubam.core.parallel import usable_cores
from ubam.core.settings import FACTOR_RANGE, POSTURES, RUN_PRESETS, Settings
from ubam.recordings.folders import sample_folder
from ubam.results.run_folder import LOCK, RunFolder
from ubam.tracking.eye.landmarks import PLANS

if TYPE_CHECKING:
    from ubam.pipeline.job import Job
    from ubam.results.records.run import RunOptions

LOWEST, HIGHEST = FACTOR_RANGE
KEPT = ("reference", "block", "preset", "posture", "plan", "model", "device", "seed", "workers", "scheduler", "factors")

POSTURE_OPTION = click.option(
    "--posture",
    type=click.Choice(POSTURES),
    show_default=f"{Settings.posture}, or the model's",
    help="What postures are made of: learned numbers and landmarks that the eye sees (both), one of them alone, or "
    "your own keypoints alone.",
)
PLAN_OPTION = click.option(
    "--plan",
    type=click.Choice(PLANS),
    help="The plan of the subjects' bodies; a person is never turned  [default: the eye decides]",
)


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `run` and the single stages share."""
    options = [
        click.option(
            "--reference", help="The group that defines normal; `none` scores every subject against all others."
        ),
        click.option(
            "--block", metavar="COLUMN", help="Compare within cages, litters or sites: the column that names them."
        ),
        click.option("--preset", type=click.Choice(RUN_PRESETS), default="standard", show_default=True),
        POSTURE_OPTION,
        PLAN_OPTION,
        click.option(
            "--model", type=click.Path(path_type=Path), help="Use this trained model folder instead of training."
        ),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
        click.option("--seed", type=int, default=0, show_default=True),
        click.option("--workers", type=click.IntRange(1), default=usable_cores(), show_default="all that may be used"),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Do the work of each recording on the Dask scheduler at this address.",
        ),
        click.option(
            "--factor",
            "factors",
            type=float,
            multiple=True,
            help=f"Magnification factor, {LOWEST:g} to {HIGHEST:g}, may be repeated  [default: 2]",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON and nothing else."),
        click.option("--dry-run", is_flag=True, help="Say what would be done and stop."),
        click.option("--fresh", is_flag=True, help="Begin again: delete what this run folder holds."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command("run")
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--out", type=RUN, required=True, help="The run folder, or its URL; a stopped run continues.")
@click.option(
    "--shard", metavar="i/n", help="Only find and crop the subjects of every n-th recording, from the i-th, then stop."
)
@run_options
def run_command(study: Path, out: Path, shard: str | None, **options: Any) -> None:
    """The whole job: from the videos of STUDY to deviation scores, magnified clips and report.html in --out."""
    perform(study, out, "report", shard=shard, **options)


def _stage_command(stage: str, text: str) -> click.Command:
    @click.command(stage, help=text)
    @click.argument("run", type=RUN)
    @click.option("--study", type=click.Path(path_type=Path), help="The study, when RUN is new.")
    @run_options
    @click.pass_context
    def command(context: click.Context, /, run: Path, study: Path | None, **options: Any) -> None:
        perform(study or study_of(run), run, stage, kept=kept_options(run, context), **options)

    return command


STAGE_COMMANDS = (
    _stage_command("crops", "Do the run up to the crops and views of every recording."),
    _stage_command("train", "Do the run up to the trained posture and behaviour networks."),
    _stage_command("embed", "Do the run up to the postures and behaviours of every recording."),
    _stage_command("generator", "Do the run up to the generator that repairs magnified clips."),
    _stage_command("report", "Do the run up to report.html."),
)


def study_of(run: Path) -> Path:
    """Where the study of a run was when the run started; RunError when there is no run."""
    from ubam.results.run_record import RunRecord

    return Path(RunRecord.open(run).record["study"])


def given_options(context: click.Context) -> "RunOptions":
    """The options of a run on the command line, without those left at their default."""
    source = click.core.ParameterSource.COMMANDLINE
    given = {name: context.params[name] for name in KEPT if context.get_parameter_source(name) == source}
    return cast("RunOptions", given)


def kept_options(run: Path, context: click.Context) -> "RunOptions":
    """The options that the run was started with, except those given again, and its scheduler, which may be gone."""
    from ubam.results.run_record import RunRecord

    if not RunFolder(run).run_json.exists():
        return {}
    given = given_options(context)
    begun = RunRecord.open(run).record.get("options", {})
    return cast("RunOptions", {name: value for name, value in begun.items() if name not in (*given, "scheduler")})


def perform(
    study: Path, out: Path, until: str, *, kept: "RunOptions | None" = None, shard: str | None = None, **options: Any
) -> None:
    """Do the stages of a run up to `until` and print the outcome; exit code 2 when a recording failed.

    kept: options of the run that hold, whatever `options` says. shard: "i/n", to crop a share of the recordings only.
    Of the processes that `torchrun` starts the first one does all that; the others help it to learn.
    """
    from ubam.encoding.learning.many_processes import helped, helps
    from ubam.encoding.study_encoder import help_to_learn
    from ubam.pipeline import runner
    from ubam.pipeline.plan import plan_run
    from ubam.results.run_record import locked

    if helps():
        return None if options["dry_run"] else help_to_learn()
    as_json, dry_run, fresh = options.pop("as_json"), options.pop("dry_run"), options.pop("fresh")
    part = _parse_shard(shard) if shard else None
    plan = plan_run(study, cast("RunOptions", {**options, **(kept or {})}), ask=ask_for_reference)
    if not as_json:
        click.echo(plan.choice_of_reference)
    if dry_run:
        return print_plan(runner.pending_stages(plan.dry(out), until), out, as_json)
    bars = Bars(quiet=as_json)
    with nullcontext() if part else locked(out):
        if fresh:
            _delete_run(out)
        job = plan.start(out, bars)
        try:
            with helped():
                if part:
                    return _crop_shard(job, part, bars)
                done = runner.run_stages(job, until)
        finally:
            bars.close()
    print_outcome(job, done, until, as_json)
    if any(row["status"] == "failed" for row in job.read_verdicts()):
        sys.exit(2)


def _crop_shard(job: "Job", part: tuple[int, int], bars: Bars) -> None:
    """Crop a share of the recordings and say what came of it; exit code 2 when one of them failed."""
    from ubam.pipeline.recording_stages import make_shard

    made = make_shard(job, part)
    bars.close()
    failed = {name: outcome.reason for name, outcome in made if outcome.status == "failed"}
    print_failed(failed, len(made))
    click.echo(f"Done: crops of shard {part[0]}/{part[1]}; without --shard the run continues.")
    if failed:
        sys.exit(2)


def ask_for_reference(groups: list[str]) -> str | None:
    """Ask on a terminal which group defines normal; None (mutual scoring) where nobody can answer."""
    if not sys.stdin.isatty():
        return None
    answer: str = click.prompt("Which group is the reference?", type=click.Choice([*groups, "none"]))
    return None if answer == "none" else answer


def _delete_run(out: Path) -> None:
    from ubam.core.storage import TOLD, Mirror

    entries = [entry for entry in out.iterdir() if entry.name not in (LOCK, TOLD)]
    if entries and not RunFolder(out).run_json.exists():
        raise RunError(f"{out} holds no run, so --fresh will not delete it; choose another --out.")
    if mirror := Mirror.of(out):
        mirror.clear()
    for entry in entries:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _parse_shard(text: str) -> tuple[int, int]:
    first, _, count = text.partition("/")
    if not (first.isdigit() and count.isdigit() and 1 <= int(first) <= int(count)):
        raise UbamError(f"--shard {text} is not i/n with 1 <= i <= n; for example --shard 2/8.")
    return int(first), int(count)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-run"), show_default=True)
def demo(out: Path) -> None:
    """The whole job on the rendered sample recordings: walkers in --out, rodents in --out/rodents."""
    samples = sample_folder()
    if samples is None:
        raise UbamError("The sample recordings are missing; make some with: ubam synthesise FOLDER")
    common: dict[str, Any] = {
        "preset": "quick",
        "reference": None,
        "model": None,
        "device": "auto",
        "seed": 0,
        "scheduler": None,
        "factors": (),
    }
    common |= {"workers": usable_cores(), "as_json": False, "dry_run": False, "fresh": False}
    for study, run in ((samples / "study.csv", out), (samples / "rodents" / "study.csv", out / "rodents")):
        click.secho(f"\n{study} -> {run}", bold=True)
        perform(study, run, "report", **common)
