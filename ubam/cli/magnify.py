"""`ubam magnify`: one clip of a scored run, or the stage."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ubam.cli.console import Bars
from ubam.cli.places import RUN
from ubam.cli.run import ask_for_reference, given_options, kept_options, perform, run_options, study_of
from ubam.core.errors import UbamError
from ubam.core.settings import LAYOUTS, PUBLISHED, SUFFIXES

if TYPE_CHECKING:
    from ubam.pipeline.job import Job
    from ubam.results.records.clips import ClipFacts, PublishedFacts, TransferFacts

LAYOUT = click.option("--layout", type=click.Choice((*LAYOUTS, PUBLISHED)), default="side-by-side", show_default=True)
APPEARANCE = click.option(
    "--appearance", metavar="ID", help="The pixels of this recording, in the posture of --recording."
)
FRAMES = click.option(
    "--frames", type=click.IntRange(2, 24), default=6, show_default=True, help="Moments in --layout strip."
)


@click.command("magnify")
@click.argument("run", type=RUN)
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
    context: click.Context, /, run: Path, study: Path | None, recording: str | None, **options: Any
) -> None:  # fmt: skip
    """Do the run up to the magnified clips; with --recording, render one clip or strip of one recording."""
    asked = {name: options.pop(name) for name in ("layout", "appearance", "frames", "from_s", "to_s", "out")}
    if recording is None:
        return perform(study or study_of(run), run, "magnify", kept=kept_options(run, context), **options)
    from ubam.pipeline.plan import plan_again

    asked["out"] = check_request(asked["layout"], asked["appearance"], asked["out"])
    order = ClipOrder(recording, factor=(*options["factors"], 2.0)[0], **asked)
    bars = Bars(quiet=options["as_json"])
    job = plan_again(run, ask_for_reference, given_options(context), study).dry(run, bars)
    magnify_one(job, bars, order, options["as_json"])


@dataclass(frozen=True)
class ClipOrder:
    """One clip or strip: of which recording and seconds, how it is laid out, and the file to write."""

    recording: str
    factor: float
    layout: str
    appearance: str | None
    frames: int
    from_s: float | None
    to_s: float | None
    out: Path


def check_request(layout: str, appearance: str | None, out: Path | None) -> Path:
    """Return the file to write; UbamError when it is missing or of another kind than the layout."""
    wanted = (".mp4",) if appearance is not None else SUFFIXES.get(layout, (".mp4",))
    if out is None or out.suffix.lower() not in wanted:
        kind = "clip" if wanted == (".mp4",) else "figure"
        raise UbamError(f"--recording needs --out FILE{' or FILE'.join(wanted)}, the {kind} to write.")
    if appearance is not None and layout != "side-by-side":
        raise UbamError("--appearance has its own layout (the moved picture alone); leave out --layout.")
    return out


def magnify_one(job: "Job", bars: Bars, order: ClipOrder, as_json: bool) -> None:
    """Render what `order` asks for and print what was measured."""
    from ubam.evaluation.published import clip
    from ubam.pipeline import queries, runner

    runner.require_scored(job)
    facts: ClipFacts | TransferFacts | PublishedFacts
    recording, out, span = order.recording, order.out, (order.from_s, order.to_s)
    if order.appearance is not None:
        facts = queries.transfer_posture(job, recording, order.appearance, span, out)
    elif order.layout == PUBLISHED:
        facts = clip.write_published(job, recording, order.factor, span, out)
    else:
        facts = queries.magnify_recording(job, recording, order.factor, order.layout, span, out, order.frames)
    bars.close()
    click.echo(json.dumps(facts.to_json(), indent=1) if as_json else f"{out}: {said_of(facts)}")


def said_of(facts: "ClipFacts | TransferFacts | PublishedFacts") -> str:
    """What was measured of a clip, in a line."""
    from ubam.results.records.clips import PublishedFacts, TransferFacts

    if isinstance(facts, PublishedFacts):
        share = 100 * facts.share_of_published_training
        return f"factor {facts.factor:g}, drawn after {share:.2g} % of the published training"
    if isinstance(facts, TransferFacts):
        words = f"outlines agree {facts.agreement:.2f} (before the move {facts.agreement_before:.2f}), "
        words += f"{facts.jumps} jumps"
    else:
        words = (
            f"factor {facts.factor:g}, measured {facts.factor_geometric:.2f} (registered), "
            f"{facts.factor_measured:.2f} (posture code)"
        )
    return words + _said_of_marks(facts)


def _said_of_marks(facts: "ClipFacts | TransferFacts") -> str:
    """How many frames are not to be trusted and why; nothing shows it in a picture on which nothing is drawn."""
    from ubam.results.records.clips import REASONS

    if not facts.marked_frames:
        return ""
    why = ", ".join(f"{REASONS[name]} {count}" for name, count in facts.marked_reasons.items() if count)
    return f"; {facts.marked_frames} of {facts.frames} frames are marked as not to be trusted: {why}"
