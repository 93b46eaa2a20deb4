"""`ubam benchmark`: the measurements of the method on rendered studies."""

import os
from pathlib import Path

import click

from ubam.console import Bars
from ubam.settings import RUN_PRESETS

STUDY_KINDS = {"main": ("main",), "null": ("null",), "confounded": ("confounded 0.5", "confounded 0.9")}


@click.command("benchmark")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder that keeps everything.")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(["human", "rodent"]),
    multiple=True,
    default=("human", "rodent"),
    show_default=True,
)
@click.option("--seed", "seeds", type=click.IntRange(0), multiple=True, default=(1, 2, 3), show_default=True)
@click.option("--subjects", type=click.IntRange(6), default=24, show_default=True, help="Subjects of each study.")
@click.option("--seconds", type=click.FloatRange(1), default=6.0, show_default=True, help="Length of each recording.")
@click.option("--row", "names", multiple=True, help="Only this row, may be repeated  [default: all]")
@click.option(
    "--study-kind",
    "varieties",
    type=click.Choice(list(STUDY_KINDS)),
    multiple=True,
    default=tuple(STUDY_KINDS),
    show_default=True,
)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores")
@click.option(
    "--study",
    type=click.Path(path_type=Path),
    help="Instead: how well postures of this study's recordings tell its keypoints (column `keypoints`).",
)
@click.option("--preset", type=click.Choice(RUN_PRESETS), default="quick", show_default=True, help="For --study.")
@click.option("--model", type=click.Path(path_type=Path), help="For --study: a trained model folder to measure too.")
def benchmark_command(
    out: Path, kinds: tuple[str, ...], seeds: tuple[int, ...], subjects: int, seconds: float, names: tuple[str, ...],
    varieties: tuple[str, ...], workers: int, study: Path | None, preset: str, model: Path | None,
) -> None:  # fmt: skip
    """Measure postures, behaviours and deviations against known truth on rendered studies, beside the controls.

    A benchmark that was stopped goes on with the same command. --out gets benchmark.csv and benchmark.json. With
    --study, the linear read-out of labelled keypoints on real recordings is measured instead: readout.csv and .json.
    """
    if study is not None:
        _read_out(study, out, preset, workers, model)
    else:
        _on_rendered(out, kinds, seeds, subjects, seconds, names, varieties, workers)


def _read_out(study: Path, out: Path, preset: str, workers: int, model: Path | None) -> None:
    from ubam.benchmark_readout import measure_readout
    from ubam.settings import preset as settings_of
    from ubam.study import read_study

    bars = Bars(quiet=False)
    try:
        rows = measure_readout(
            read_study(study, compared=False), out, settings_of(preset, workers=workers), model, bars
        )
    finally:
        bars.close()
    click.echo(f"{'':28} error of keypoints on held-out frames")
    for row in rows:
        click.echo(f"{row.row:28} {row.error_px:7.2f} px {row.error_body_lengths:7.3f} body lengths")


def _on_rendered(
    out: Path, kinds: tuple[str, ...], seeds: tuple[int, ...], subjects: int, seconds: float, names: tuple[str, ...],
    varieties: tuple[str, ...], workers: int,
) -> None:  # fmt: skip
    from ubam.benchmark_run import choose_rows, renderings, run_benchmark
    from ubam.benchmark_table import table, write_results
    from ubam.runs import locked

    rows = choose_rows(names)
    wanted = [variety for name in dict.fromkeys(varieties) for variety in STUDY_KINDS[name]]
    studies = renderings(dict.fromkeys(kinds), dict.fromkeys(seeds), wanted, subjects, seconds)
    bars = Bars(quiet=False)
    with locked(out):
        try:
            cells = run_benchmark(out, studies, rows, workers, bars)
        finally:
            bars.close()
        write_results(out, cells, rows)
    click.echo(table(cells, [row.name for row in rows]))
    click.echo(f"\nEvery value: {out / 'benchmark.csv'}; settings, versions and means: {out / 'benchmark.json'}")
