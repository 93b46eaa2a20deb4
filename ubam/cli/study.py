"""`ubam init`, `ubam check` and `ubam synthesise`: studies before a run."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ubam.cli.console import Bars, verdict_line
from ubam.core.errors import UbamError
from ubam.core.parallel import usable_cores


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write FOLDER/study.csv from group folders (FOLDER/healthy/*.mp4, FOLDER/impaired/*.mp4)."""
    from ubam.recordings.study_table import init_study, read_study

    path, said = init_study(folder)
    study = read_study(path, compared=False)
    click.echo(f"{path}: {len(study.recordings)} recordings, groups {', '.join(study.groups)}.")
    for words in said:
        click.echo(words)
    click.echo(f"Correct what is wrong in the columns `subject` and `group`. Then: ubam check {path}")


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--reference", help="The group that defines normal.")
@click.option("--workers", type=click.IntRange(1), default=usable_cores(), show_default="all that may be used")
@click.option("--json", "as_json", is_flag=True)
def check(study: Path, reference: str | None, workers: int, as_json: bool) -> None:
    """Probe every recording of STUDY, one verdict line each, and say whether it is enough."""
    from ubam.recordings.study_table import choose_reference, read_study
    from ubam.recordings.validation import check_study, describe_study, study_issues

    table = read_study(study)
    chosen = choose_reference(table, reference)
    bars = Bars(quiet=as_json)
    verdicts = check_study(table, lambda done, total: bars("check", done, total), workers)
    bars.close()
    statements = describe_study(table, verdicts, chosen)
    misgivings = [issue.words for issue in study_issues(table, verdicts, chosen)]
    if as_json:
        rows = [verdict.to_json() for verdict in verdicts]
        click.echo(json.dumps({"recordings": rows, "summary": statements, "doubts": misgivings}, indent=1))
    else:
        for verdict in verdicts:
            click.echo(verdict_line(verdict))
        for statement in statements + misgivings:
            click.echo(statement)
    if not all(verdict.usable for verdict in verdicts):
        sys.exit(2)


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(["human", "rodent"]), default="human", show_default=True)
@click.option("--subjects", type=click.IntRange(2), show_default="12, or 14 with --recovery")
@click.option("--recordings", type=click.IntRange(1), default=1, show_default=True, help="Recordings of each subject.")
@click.option("--seconds", type=float, default=5.0, show_default=True)
@click.option("--scene", type=click.Choice(["walkway", "treadmill"]), default="walkway", show_default=True)
@click.option("--null", is_flag=True, help="Groups differ in appearance only.")
@click.option("--recovery", is_flag=True, help="The same subjects on days 0 to 28: some get well, some do not.")
@click.option("--seed", type=int, default=0, show_default=True)
def synthesise(out: Path, subjects: int | None, recordings: int, null: bool, recovery: bool, **common: Any) -> None:
    """Render a study with known truth into OUT: videos, study.csv, and the truth of every frame."""
    from ubam.evaluation.synthetic.recovery_study import synthesise_recovery
    from ubam.evaluation.synthetic.study import StudySpec, synthesise_study

    if recovery and (null or recordings != 1):
        raise UbamError("--recovery has its own groups and days; leave out --null and --recordings.")
    bars = Bars(quiet=False)
    common |= {"subjects": subjects} if subjects else {}

    def progress(done: int, total: int) -> None:
        bars("rendering", done, total)

    if recovery:
        path = synthesise_recovery(out, progress=progress, **common)
    else:
        spec = StudySpec(recordings_per_subject=recordings, null=null, **common)
        path = synthesise_study(out, spec, progress)
    bars.close()
    click.echo(f"{path}\nNext: ubam run {path} --out {out / 'run'}")
