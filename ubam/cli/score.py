"""Commands on a finished run: scores of new subjects by its frozen reference, and the moments most like one."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ubam.cli.console import Bars, print_outcome
from ubam.cli.places import RUN
from ubam.cli.run import kept_options, perform, run_options, study_of
from ubam.core.errors import UbamError


@click.command("score")
@click.argument("run", metavar="RUN|STUDY", type=RUN)
@click.option("--study", type=click.Path(path_type=Path), help="The study, when RUN is new.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="REFERENCE",
    help="Score the recordings of STUDY by the frozen reference of another run (RUN/model/reference); trains nothing.",
)
@click.option("--out", type=RUN, help="With --against: the run folder to write.")
@run_options
@click.pass_context
def score_command(
    context: click.Context, /, run: Path, study: Path | None, against: Path | None, out: Path | None, **options: Any
) -> None:  # fmt: skip
    """Do the run up to the deviation tables and statistics; with --against, score new subjects and train nothing."""
    if against is not None:
        score_new(run, against, out, device=options["device"], workers=options["workers"], as_json=options["as_json"])
    else:
        perform(study or study_of(run), run, "score", kept=kept_options(run, context), **options)


def score_new(study: Path, against: Path, out: Path | None, *, device: str, workers: int, as_json: bool) -> None:
    """Score the recordings of `study` by a frozen reference and print the outcome; exit code 2 when one failed."""
    from ubam.pipeline.plan import plan_scoring
    from ubam.pipeline.runner import run_scoring
    from ubam.results.run_record import locked

    if out is None:
        raise UbamError("--against needs --out, the folder to write the scores into.")
    plan = plan_scoring(study, against, {"device": device, "workers": workers})
    if not as_json:
        click.echo(plan.choice_of_reference)
    bars = Bars(quiet=as_json)
    with locked(out):
        try:
            job = plan.start(out, bars)
            done = run_scoring(job)
        finally:
            bars.close()
    print_outcome(job, done, "score", as_json)
    if any(row["status"] == "failed" for row in job.read_verdicts()):
        sys.exit(2)


@click.command("neighbours")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--recording", required=True, help="recording_id of the query (see recordings.csv).")
@click.option("--time", "time_s", type=float, required=True, help="Seconds of the recording's own clock.")
@click.option("--what", type=click.Choice(["posture", "behaviour"]), default="behaviour", show_default=True)
@click.option("--count", type=click.IntRange(1), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def neighbours_command(run: Path, recording: str, time_s: float, what: str, count: int, as_json: bool) -> None:
    """The most similar postures of other subjects, or the most similar behaviours by what changes in each recording."""
    from ubam.api import open_run

    rows = open_run(run).neighbours(recording, time_s, what, count)
    if as_json:
        click.echo(json.dumps(list(rows), indent=1))
        return
    click.echo(f"{'similarity':>10} {'time_s':>9}  {'subject':14} {'group':12} recording")
    for row in rows:
        where = f"{row['subject']:14} {row['group']:12} {row['recording_id']}"
        click.echo(f"{row['similarity']:10.3f} {row['time_s']:9.2f}  {where}")
