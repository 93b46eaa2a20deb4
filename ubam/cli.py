"""The command line: `ubam --help`. Prints what the user needs, exits 2 for what the user can mend, 1 for our faults."""

import errno
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from ubam.cli_benchmark import benchmark_command
from ubam.cli_export import export_command
from ubam.cli_magnify import APPEARANCE, FRAMES, LAYOUT, check_request, magnify_one
from ubam.cli_pretrain import pretrain_command
from ubam.cli_score import neighbours_command, score_new
from ubam.cli_web import serve_command, user_group, worker_command
from ubam.console import Bars, print_outcome, print_plan, verdict_line
from ubam.errors import RunError, UbamError
from ubam.settings import FACTOR_RANGE, RUN_PRESETS

LOWEST, HIGHEST = FACTOR_RANGE
ENVIRONMENT_ERRORS = {
    errno.ENOSPC: "free some space, or put --out on another disk",
    errno.EDQUOT: "your quota is used up; free some space, or put --out elsewhere",
    errno.EACCES: "you may not read or write there; change its permissions or choose another folder",
    errno.ENOTDIR: "a file stands where a folder should be; choose another --out",
    errno.EEXIST: "a file stands where a folder should be; choose another --out",
    errno.EROFS: "that disk cannot be written; choose another folder with --out",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ubam")
def cli() -> None:
    """Learn postures and behaviours from video alone, score how far each subject deviates from a reference group, and
    magnify the deviation into a clip that a person can see."""


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
        click.option(
            "--model", type=click.Path(path_type=Path), help="Use this trained model folder instead of training."
        ),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
        click.option("--seed", type=int, default=0, show_default=True),
        click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores"),
        click.option(
            "--scheduler", metavar="ADDRESS", help="Do per-recording work on the Dask scheduler at this address."
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


@cli.command("run")
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The run folder; a run goes on where it stopped."
)
@click.option(
    "--shard", metavar="i/n", help="Only find and crop the subjects of every n-th recording, from the i-th, then stop."
)
@run_options
def run_command(study: Path, out: Path, shard: str | None, **options: Any) -> None:
    """The whole job: from the videos of STUDY to deviation scores, magnified clips and report.html in --out."""
    _perform(study, out, "report", shard=shard, **options)


def _stage_command(stage: str, name: str, text: str) -> None:
    @cli.command(name, help=text)
    @click.argument("run", type=click.Path(path_type=Path))
    @click.option("--study", type=click.Path(path_type=Path), help="The study, when RUN is new.")
    @run_options
    @click.pass_context
    def command(context: click.Context, run: Path, study: Path | None, **options: Any) -> None:
        _perform(study or _study_of(run), run, stage, kept=_kept_options(run, context), **options)


_stage_command("crops", "crops", "Do the run up to the crops and views of every recording.")
_stage_command("train", "train", "Do the run up to the trained posture and behaviour networks.")
_stage_command("embed", "embed", "Do the run up to the postures and behaviours of every recording.")
_stage_command("generator", "generator", "Do the run up to the generator that repairs magnified clips.")
_stage_command("report", "report", "Do the run up to report.html.")


@cli.command("score")
@click.argument("run", metavar="RUN|STUDY", type=click.Path(path_type=Path))
@click.option("--study", type=click.Path(path_type=Path), help="The study, when RUN is new.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="REFERENCE",
    help="Score the recordings of STUDY by the frozen reference of another run (RUN/model/reference); trains nothing.",
)
@click.option("--out", type=click.Path(path_type=Path), help="With --against: the run folder to write.")
@run_options
@click.pass_context
def score_command(
    context: click.Context, run: Path, study: Path | None, against: Path | None, out: Path | None, **options: Any
) -> None:  # fmt: skip
    """Do the run up to the deviation tables and statistics; with --against, score new subjects and train nothing."""
    if against is not None:
        score_new(run, against, out, options)
    else:
        _perform(study or _study_of(run), run, "score", kept=_kept_options(run, context), **options)


@cli.command("magnify")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--study", type=click.Path(path_type=Path), help="The study, when RUN is new.")
@click.option("--recording", help="Render this recording instead of doing the stage.")
@LAYOUT
@APPEARANCE
@FRAMES
@click.option("--from", "from_s", type=float, help="Seconds of the recording's own clock.")
@click.option("--to", "to_s", type=float)
@click.option("--out", type=click.Path(path_type=Path), help="The clip (.mp4) or strip (.png, .svg) to write.")
@run_options
@click.pass_context
def magnify_command(
    context: click.Context, run: Path, study: Path | None, recording: str | None, layout: str, appearance: str | None,
    frames: int, from_s: float | None, to_s: float | None, out: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Do the run up to the magnified clips; with --recording, render one clip or strip of one recording."""
    kept = _kept_options(run, context)
    if recording is None:
        return _perform(study or _study_of(run), run, "magnify", kept=kept, **options)
    from ubam.job import plan_run

    order = {"recording": recording, "factor": (*options["factors"], 2.0)[0], "layout": layout, "span": (from_s, to_s)}
    order |= {"out": check_request(layout, appearance, out), "appearance": appearance, "frames": frames}
    bars = Bars(quiet=options["as_json"])
    job = plan_run(study or _study_of(run), options | kept, ask=_ask_for_reference).dry(run, bars)
    magnify_one(job, bars, order, options["as_json"])


def _study_of(run: Path) -> Path:
    from ubam.runs import Run

    return Path(Run.open(run).record["study"])


def _kept_options(run: Path, context: click.Context) -> dict[str, Any]:
    """What the run was started with, for every option that was not given anew."""
    from ubam.runs import Run

    if not (run / "run.json").exists():
        return {}
    given = {
        name for name in context.params if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE
    }
    return {name: value for name, value in Run.open(run).record.get("options", {}).items() if name not in given}


def _perform(
    study: Path, out: Path, until: str, *, kept: dict[str, Any] | None = None, shard: str | None = None, **options: Any
) -> None:
    from ubam import pipeline
    from ubam.job import plan_run
    from ubam.runs import locked

    as_json, dry_run, fresh = options.pop("as_json"), options.pop("dry_run"), options.pop("fresh")
    part = _parse_shard(shard) if shard else None
    plan = plan_run(study, options | (kept or {}), ask=_ask_for_reference)
    if not as_json:
        click.echo(plan.choice_of_reference)
    if dry_run:
        return print_plan(pipeline.pending_stages(plan.dry(out), until), out, as_json)
    bars = Bars(quiet=as_json)
    with nullcontext() if part else locked(out):
        if fresh:
            _delete_run(out)
        job = plan.start(out, bars)
        try:
            done = pipeline.make_shard(job, part) if part else pipeline.run_stages(job, until)
        finally:
            bars.close()
    if part:
        click.echo(f"Done: {', '.join(done)}.")
        return
    print_outcome(job, done, until, as_json)
    if any(row["status"] == "failed" for row in job.verdicts()):
        sys.exit(2)


def _ask_for_reference(groups: list[str]) -> str | None:
    """Ask on a terminal which group defines normal; None (mutual scoring) where nobody can answer."""
    if not sys.stdin.isatty():
        return None
    answer: str = click.prompt("Which group is the reference?", type=click.Choice([*groups, "none"]))
    return None if answer == "none" else answer


def _delete_run(out: Path) -> None:
    entries = [entry for entry in out.iterdir() if entry.name != ".lock"]
    if entries and not (out / "run.json").exists():
        raise RunError(f"{out} holds no run, so --fresh will not delete it; choose another --out.")
    for entry in entries:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _parse_shard(text: str) -> tuple[int, int]:
    first, _, count = text.partition("/")
    if not (first.isdigit() and count.isdigit() and 1 <= int(first) <= int(count)):
        raise UbamError(f"--shard {text} is not i/n with 1 <= i <= n; for example --shard 2/8.")
    return int(first), int(count)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-run"), show_default=True)
def demo(out: Path) -> None:
    """The whole job on the rendered sample recordings: walkers in --out, rodents in --out/rodents."""
    samples = _sample_videos()
    common: dict[str, Any] = {
        "preset": "quick",
        "reference": None,
        "model": None,
        "device": "auto",
        "seed": 0,
        "scheduler": None,
        "factors": (),
    }
    common |= {"workers": os.cpu_count() or 1, "as_json": False, "dry_run": False, "fresh": False}
    for study, run in ((samples / "study.csv", out), (samples / "rodents" / "study.csv", out / "rodents")):
        click.secho(f"\n{study} -> {run}", bold=True)
        _perform(study, run, "report", **common)


def _sample_videos() -> Path:
    here = Path(__file__).resolve().parent
    folder = here / "sample_videos" if (here / "sample_videos").exists() else here.parent / "sample_videos"
    if not (folder / "study.csv").exists():
        raise UbamError(f"The sample recordings are missing ({folder}); make some with: ubam synthesise FOLDER")
    return folder


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write FOLDER/study.csv from group folders (FOLDER/healthy/*.mp4, FOLDER/impaired/*.mp4)."""
    from ubam.study import init_study, read_study

    path = init_study(folder)
    study = read_study(path)
    click.echo(f"{path}: {len(study.recordings)} recordings, groups {', '.join(study.groups)}.")
    click.echo(
        "Every file counts as a subject of its own; where one subject has several recordings, give them one name in"
    )
    click.echo(f"the column `subject`. Then: ubam check {path}")


@cli.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--reference", help="The group that defines normal.")
@click.option("--json", "as_json", is_flag=True)
def check(study: Path, reference: str | None, as_json: bool) -> None:
    """Probe every recording of STUDY, one verdict line each, and say whether it is enough."""
    from ubam.checking import check_study, describe_study, doubts
    from ubam.study import choose_reference, read_study

    table = read_study(study)
    chosen = choose_reference(table, reference)
    bars = Bars(quiet=as_json)
    verdicts = check_study(table, lambda done, total: bars("check", done, total))
    bars.close()
    statements, misgivings = describe_study(table, verdicts, chosen), doubts(table, verdicts, chosen)
    if as_json:
        click.echo(json.dumps({"recordings": verdicts, "summary": statements, "doubts": misgivings}, indent=1))
    else:
        for verdict in verdicts:
            click.echo(verdict_line(verdict))
        for statement in statements + misgivings:
            click.echo(statement)
    if any(verdict["status"] == "failed" for verdict in verdicts):
        sys.exit(2)


@cli.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(["human", "rodent"]), default="human", show_default=True)
@click.option("--subjects", type=click.IntRange(2), show_default="12, or 14 with --recovery")
@click.option("--recordings", type=click.IntRange(1), default=1, show_default=True, help="Recordings of each subject.")
@click.option("--seconds", type=float, default=5.0, show_default=True)
@click.option("--scene", type=click.Choice(["walkway", "treadmill"]), default="walkway", show_default=True)
@click.option("--null", is_flag=True, help="Groups differ in appearance only.")
@click.option("--recovery", is_flag=True, help="The same subjects on days 0 to 28: some get well, some do not.")
@click.option("--seed", type=int, default=0, show_default=True)
def synthesise(
    out: Path, kind: str, subjects: int | None, recordings: int, seconds: float, scene: str, null: bool,
    recovery: bool, seed: int,
) -> None:  # fmt: skip
    """Render a study with known truth into OUT: videos, study.csv, and the truth of every frame."""
    from ubam.recovery import synthesise_recovery
    from ubam.synthetic import synthesise_study

    if recovery and (null or recordings != 1):
        raise UbamError("--recovery has its own groups and days; leave out --null and --recordings.")
    bars = Bars(quiet=False)
    common: dict[str, Any] = {"kind": kind, "seconds": seconds, "scene": scene, "seed": seed}
    common |= {"subjects": subjects} if subjects else {}
    common["progress"] = lambda done, total: bars("rendering", done, total)
    if recovery:
        path = synthesise_recovery(out, **common)
    else:
        path = synthesise_study(out, recordings_per_subject=recordings, null=null, **common)
    bars.close()
    click.echo(f"{path}\nNext: ubam run {path} --out {out / 'run'}")


cli.add_command(benchmark_command)
cli.add_command(neighbours_command)
cli.add_command(pretrain_command)
cli.add_command(export_command)
cli.add_command(serve_command)
cli.add_command(worker_command)
cli.add_command(user_group)


@cli.command()
def doctor() -> None:
    """Versions, threads, GPU, ffmpeg and disk: what is there, and what to do about what is missing."""
    from ubam.doctor import examine

    findings = examine(Path.cwd())
    for finding in findings:
        click.secho(
            f"{'ok' if finding.good else 'PROBLEM':8}{finding.what:18}{finding.found}",
            fg=None if finding.good else "red",
        )
        if not finding.good:
            click.echo(f"{'':26}{finding.remedy}")
    if not all(finding.good for finding in findings):
        sys.exit(2)


def main() -> None:
    """Entry point of the `ubam` command."""
    try:
        cli(standalone_mode=False)
    except UbamError as error:
        click.secho(f"ubam: {error}", fg="red", err=True)
        sys.exit(2)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. The same command goes on from here.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except OSError as error:
        if error.errno not in ENVIRONMENT_ERRORS:
            _end_with_fault()
        click.secho(f"ubam: {_environment_words(error)}", fg="red", err=True)
        sys.exit(2)
    except Exception:
        _end_with_fault()


def _environment_words(error: OSError) -> str:
    place = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror}{place}: {ENVIRONMENT_ERRORS[error.errno or 0]}; the same command goes on from here."


def _end_with_fault() -> None:
    traceback.print_exc()
    text = "ubam: this is a fault of ubam, not of your input; please report the lines above."
    click.secho(text, fg="red", err=True)
    sys.exit(1)
