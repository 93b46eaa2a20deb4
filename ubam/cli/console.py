"""What the command line shows: progress bars, tables, outcomes."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ubam.pipeline.stages import STAGE_WORDS

if TYPE_CHECKING:
    from ubam.pipeline.job import Job
    from ubam.recordings.validation import Verdict


class Bars:
    """One progress bar at a time, on the terminal only (a log file gets one line per stage)."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.stage = quiet, ""
        self.bar: Any = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show `done` of `total` of a stage; the first call of a stage closes the bar before."""
        if self.quiet:
            return
        if stage != self.stage:
            self.close()
            self.stage = stage
            self.bar = click.progressbar(
                length=total, label=f"{STAGE_WORDS.get(stage, stage):34}", show_pos=True, file=sys.stderr
            )
            self.bar.render_progress()
        self.bar.update(done - self.bar.pos)

    def close(self) -> None:
        """End the bar that is shown."""
        if self.bar is not None:
            self.bar.render_finish()
            self.bar = None


def print_plan(stages: list[str], out: Path, as_json: bool) -> None:
    """Say which stages a run would do."""
    if as_json:
        click.echo(json.dumps({"run": str(out), "would_do": stages}))
    else:
        click.echo("Would do: " + ", ".join(stages) if stages else f"Nothing to do: {out} is finished.")


def print_outcome(job: "Job", done: list[str], until: str, as_json: bool) -> None:
    """Say what was found, which recordings failed and why, and where the report is."""
    outcome = job.outcome(done)
    if as_json:
        click.echo(json.dumps(vars(outcome), indent=1))
        return
    for warning in outcome.warnings:
        click.secho(f"note: {warning}", fg="yellow", err=True)
    if "train" in done and (training := job.run.record.get("training")):
        click.echo(training["why"])
    for row in outcome.subjects:
        click.echo(subject_line(row))
    failed = {row["recording_id"]: row["reason"] for row in outcome.recordings if row["status"] == "failed"}
    print_failed(failed, len(outcome.recordings))
    click.echo(f"Done: {', '.join(done)}" if done else "Nothing to do: every stage of this run is done.")
    if until == "report":
        click.echo(f"Report: {outcome.report}")


def print_failed(failed: Mapping[str, str], count: int) -> None:
    """Say which of `count` recordings failed, each with its reason; nothing where none did."""
    if failed:
        click.secho(f"{len(failed)} of {count} recordings failed:", fg="red", err=True)
    for name, reason in failed.items():
        click.echo(f"  {name}: {reason}", err=True)


def subject_line(row: dict[str, str]) -> str:
    """One row of deviation/subjects.csv as a line for the terminal."""
    interval = f"{float(row['deviation']):5.2f} [{float(row['deviation_low']):.2f}, {float(row['deviation_high']):.2f}]"
    p_value = f"  p {float(row['p_value']):.3f}" if row.get("p_value") else ""
    return f"{row['subject']:>16}  {row['group']:12} deviation {interval}{p_value}"


def verdict_line(verdict: "Verdict") -> str:
    """One line of `ubam check`."""
    start = f"{verdict.status:7} {verdict.recording_id:28} {verdict.subject:14} {verdict.group:12}"
    if not verdict.usable:
        return f"{start} {verdict.reason}"
    size, length, rate = f"{verdict.width}x{verdict.height}", verdict.duration_s or 0.0, verdict.fps or 0.0
    line = f"{start} {length:8.2f} s {rate:7.2f} fps {size:>10} {verdict.frames_declared or 0:7d} frames"
    notes = [words for words in (verdict.reason, verdict.warnings) if words]
    return "\n".join([line, *(f"        {words}" for words in notes)])
