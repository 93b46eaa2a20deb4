"""`ubam pretrain`: make the shipped posture encoder again."""

import os
from pathlib import Path

import click

from ubam.console import Bars


@click.command("pretrain")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The encoder to write (.safetensors).")
@click.option("--pictures", type=click.IntRange(100), default=50_000, show_default=True, help="Random bodies to draw.")
@click.option("--steps", type=click.IntRange(1), default=4500, show_default=True, help="Training steps of 64 pictures.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores")
def pretrain_command(out: Path, pictures: int, steps: int, seed: int, workers: int) -> None:
    """Train the posture encoder that every study starts from, on pictures of random bodies; half an hour on two cores.

    No recording goes into it. The shipped one was made with the values above.
    """
    from ubam.pretraining import pretrain

    bars = Bars(quiet=False)
    try:
        errors = pretrain(out, pictures=pictures, steps=steps, seed=seed, workers=workers, progress=bars)
    finally:
        bars.close()
    click.echo(f"{out}: error on held-out bodies {errors[0]:.3f} after the first steps, {errors[-1]:.3f} at the end")
