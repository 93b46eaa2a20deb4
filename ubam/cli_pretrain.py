"""`ubam pretrain`: make a shipped network again."""

import os
from pathlib import Path

import click

from ubam.console import Bars


@click.command("pretrain")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The network to write (.safetensors).")
@click.option(
    "--what", type=click.Choice(["posture", "registration"]), default="posture", show_default=True,
    help="The encoder that `quick` adapts, or the network that registers two subjects for magnified clips.",
)  # fmt: skip
@click.option("--pictures", type=click.IntRange(100), help="Random bodies, or pairs, to draw; the shipped number.")
@click.option("--steps", type=click.IntRange(1), help="Training steps; the shipped number.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores")
def pretrain_command(out: Path, what: str, pictures: int | None, steps: int | None, seed: int, workers: int) -> None:
    """Train a network that every study starts from, on pictures of random bodies; about half an hour on two cores.

    No recording goes into it. The shipped encoder was made with the values that stand here. The shipped registration
    network was not made in one go: 24,000 pairs of unrelated builds, then 9,000 of one kind (its file says how).
    """
    from ubam.pretraining import PICTURES, STEPS, pretrain
    from ubam.pretraining_pairs import PAIR_STEPS, PAIRS, pretrain_registration

    bars = Bars(quiet=False)
    try:
        if what == "posture":
            errors = pretrain(
                out, pictures=pictures or PICTURES, steps=steps or STEPS, seed=seed, workers=workers, progress=bars
            )
            found = f"error on held-out bodies {errors[0]:.3f} after the first steps, {errors[-1]:.3f} at the end"
        else:
            agreements = pretrain_registration(
                out, pairs=pictures or PAIRS, steps=steps or PAIR_STEPS, seed=seed, workers=workers, progress=bars
            )
            found = f"agreement with the truth on held-out pairs {agreements[-1]:.3f}"
    finally:
        bars.close()
    click.echo(f"{out}: {found}")
