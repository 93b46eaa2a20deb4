"""`ubam pretrain`: make a shipped network again."""

import os
from dataclasses import replace
from pathlib import Path

import click

from ubam.cli.console import Bars


@click.command("pretrain")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The network to write (.safetensors).")
@click.option(
    "--what", type=click.Choice(["posture", "registration", "eye"]), default="posture", show_default=True,
    help="The encoder that `quick` adapts, the network that registers two subjects for magnified clips, or the eye.",
)  # fmt: skip
@click.option("--pictures", type=click.IntRange(100), help="Largest number of random bodies, or of pairs.")
@click.option("--steps", type=click.IntRange(1), help="Largest number of training steps, or of steps a stage.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores")
def pretrain_command(out: Path, what: str, pictures: int | None, steps: int | None, seed: int, workers: int) -> None:
    """Train a network that every study starts from, on pictures of random bodies; half an hour to an hour on two cores.

    No recording goes into it. The shipped networks were made without --pictures and --steps, that of registration in
    the same two stages, before they were one command. The eye takes hours; what is drawn and trained so far is kept in
    a folder beside --out, and the same command continues from there.
    """
    if what == "eye":
        _pretrain_eye(out, pictures, steps, seed, workers)
        return
    from ubam.pretraining.posture_encoder import PICTURES, STEPS, pretrain
    from ubam.pretraining.registration_network import STAGES, pretrain_registration

    bars = Bars(quiet=False)
    try:
        if what == "posture":
            errors = pretrain(
                out, pictures=min(pictures or PICTURES, PICTURES), steps=min(steps or STEPS, STEPS),
                seed=seed, workers=workers, progress=bars,
            )  # fmt: skip
            found = f"error on held-out bodies {errors[0]:.3f} after the first steps, {errors[-1]:.3f} at the end"
        else:
            most = {"pairs": pictures or 10**9, "steps": steps or 10**9}
            stages = [
                replace(stage, pairs=min(stage.pairs, most["pairs"]), steps=min(stage.steps, most["steps"]))
                for stage in STAGES
            ]
            agreements = pretrain_registration(out, stages=stages, seed=seed, workers=workers, progress=bars)
            found = f"agreement with the truth on held-out pairs {agreements[-1]:.3f}"
    finally:
        bars.close()
    click.echo(f"{out}: {found}")


def _pretrain_eye(out: Path, pictures: int | None, steps: int | None, seed: int, workers: int) -> None:
    from ubam.pretraining.eye.pretrain import PARTS, pretrain_eye
    from ubam.pretraining.eye.train import Plan
    from ubam.pretraining.world.parts import PART

    parts = min(PARTS, -(-(pictures or PARTS * PART) // PART))
    plan = Plan() if steps is None else Plan(steps=steps)
    pretrain_eye(out, out.with_suffix(".work"), parts=parts, plan=plan, seed=seed, workers=workers, report=click.echo)
    click.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
