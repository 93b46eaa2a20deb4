"""`ubam benchmark`: the measurements of the method on rendered studies."""

import os
from pathlib import Path
from typing import Any

import click

from ubam.cli.console import Bars
from ubam.core.settings import RUN_PRESETS

OWN_KINDS = ("human", "rodent")
CAPSULE_KINDS = ("capsule human", "capsule rodent", "capsule rodent above")  # of the second test renderer
EYE_PARTS = ("outlines", "real", "postures", "null")
SHARED = Path("../shared/data")  # of a checkout that has recordings beside it
STUDY_KINDS = {"main": ("main",), "null": ("null",), "confounded": ("confounded 0.5", "confounded 0.9")}


@click.command("benchmark")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder that keeps everything.")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([*OWN_KINDS, *CAPSULE_KINDS]),
    multiple=True,
    default=OWN_KINDS,
    show_default="human and rodent, with --eye all",
    help="Of rendered subjects; the capsule kinds are for --eye.",
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
@click.option(
    "--statistics",
    is_flag=True,
    help="Instead: false positives, power, calibration of every test, on simulated codes.",
)
@click.option("--studies", type=click.IntRange(4), default=400, show_default=True, help="For --statistics.")
@click.option(
    "--magnification", is_flag=True, help="Instead: magnified clips against the renderer's own, beside the baselines."
)
@click.option(
    "--eye", is_flag=True, help="Instead: what is seen of the subject, on both test renderers and real frames."
)
@click.option(
    "--eye-part",
    "parts",
    type=click.Choice(EYE_PARTS),
    multiple=True,
    default=EYE_PARTS,
    show_default=True,
    help="For --eye.",
)
@click.option(
    "--eye-real",
    "real",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="For --eye: a folder of recordings with keypoints of SLEAP or DeepLabCut  [default: ../shared/data, if there]",
)
@click.option("--speed", is_flag=True, help="Instead: how long a trained run takes to magnify 10 s at 640 x 480.")
@click.option(
    "--preset",
    type=click.Choice(RUN_PRESETS),
    default="quick",
    show_default=True,
    help="For --study and --magnification.",
)
@click.option("--model", type=click.Path(path_type=Path), help="For --study: a trained model folder to measure too.")
def benchmark_command(
    out: Path, kinds: tuple[str, ...], seeds: tuple[int, ...], subjects: int, seconds: float, names: tuple[str, ...],
    varieties: tuple[str, ...], workers: int, study: Path | None, statistics: bool, studies: int,
    magnification: bool, eye: bool, parts: tuple[str, ...], real: Path | None, speed: bool, preset: str,
    model: Path | None,
) -> None:  # fmt: skip
    """Measure postures, behaviours and deviations against known truth on rendered studies, beside the controls.

    A benchmark that was stopped goes on with the same command. --out gets benchmark.csv and benchmark.json. With
    --study, the linear read-out of labelled keypoints on real recordings is measured instead: readout.csv and .json.
    With --magnification, magnified clips are measured on the main studies: clips.csv and clips.json.
    With --eye, outlines, landmarks and postures are measured on pictures that taught nothing, by default on ten small
    studies of each kind, seeds 2 and 4 to 12: eye.csv, eye.json and contact sheets.
    With --speed, one clip is timed. With --statistics, the tests are proved on simulated studies: proofs.json (400
    studies of each: 30 CPU-minutes).
    """
    if not eye and set(kinds) - set(OWN_KINDS):
        raise click.UsageError("capsule subjects are for --eye")
    if eye:
        _seen(out, parts, names, real, workers)
    elif statistics:
        _prove(out, studies)
    elif speed:
        _timed(out)
    elif magnification:
        _magnified(out, kinds, seeds, subjects, seconds, names, workers, preset)
    elif study is not None:
        _read_out(study, out, preset, workers, model)
    else:
        _on_rendered(out, kinds, seeds, subjects, seconds, names, varieties, workers)


def _prove(out: Path, studies: int) -> None:
    from ubam.evaluation.benchmark.proofs import run_proofs, table
    from ubam.evaluation.benchmark.proofs_figure import write_comparison
    from ubam.results.run_record import locked

    bars = Bars(quiet=False)
    with locked(out):
        try:
            summary = run_proofs(out, studies, progress=bars)
        finally:
            bars.close()
    write_comparison(summary, out)
    click.echo(f"{table(summary)}\n\nAll numbers: {out / 'proofs.json'}; as a figure: {out / 'comparison.png'}")


def _seen(out: Path, parts: tuple[str, ...], names: tuple[str, ...], real: Path | None, workers: int) -> None:
    from ubam.evaluation.benchmark.eye.run import Plan, run_eye
    from ubam.evaluation.benchmark.eye.table import eye_table
    from ubam.results.run_record import locked

    chosen: dict[str, Any] = {
        name: tuple(dict.fromkeys(value)) if isinstance(value, tuple) else value
        for name, value in click.get_current_context().params.items()
        if name in ("seeds", "subjects", "seconds", "kinds") and _given(name)
    }
    if real is None and SHARED.is_dir():
        real = SHARED
    if real is None and "real" in parts:
        click.echo(f"No real recordings: {SHARED} is not there and --eye-real was not given.", err=True)
    plan, bars = Plan(out, workers=workers, **chosen), Bars(quiet=False)
    with locked(out):
        try:
            values = run_eye(plan, parts, names, real, bars)
        finally:
            bars.close()
    click.echo(eye_table(values))
    click.echo(f"\nEvery value: {out / 'eye.csv'}; outlines to look at: {out / 'sheets'}")


def _given(name: str) -> bool:
    """Whether the user wrote an option: --eye has defaults of its own."""
    return click.get_current_context().get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


def _timed(out: Path) -> None:
    from ubam.evaluation.benchmark.speed import SECONDS, measure_speed
    from ubam.results.run_record import locked

    with locked(out):
        for layout, taken in measure_speed(out).items():
            click.echo(f"{layout:14} {taken:6.1f} s for {SECONDS} s at 640 x 480: {taken / SECONDS:.1f} x real time")


def _magnified(
    out: Path, kinds: tuple[str, ...], seeds: tuple[int, ...], subjects: int, seconds: float, names: tuple[str, ...],
    workers: int, preset: str,
) -> None:  # fmt: skip
    from ubam.core.settings import preset as settings_of
    from ubam.evaluation.benchmark.clips.run import choose_clip_rows, run_clips
    from ubam.evaluation.benchmark.clips.table import clip_table, write_clip_results
    from ubam.evaluation.benchmark.run import renderings
    from ubam.results.run_record import locked

    rows, settings = choose_clip_rows(names), settings_of(preset, workers=1)
    studies = renderings(dict.fromkeys(kinds), dict.fromkeys(seeds), ["main"], subjects, seconds)
    bars = Bars(quiet=False)
    with locked(out):
        try:
            cells = run_clips(out, studies, rows, settings, workers, bars)
        finally:
            bars.close()
        write_clip_results(out, cells, rows, settings)
    click.echo(clip_table(cells, rows))
    click.echo(f"\nEvery value: {out / 'clips.csv'}; settings, versions and means: {out / 'clips.json'}")


def _read_out(study: Path, out: Path, preset: str, workers: int, model: Path | None) -> None:
    from ubam.core.settings import preset as settings_of
    from ubam.evaluation.benchmark.readout import measure_readout
    from ubam.recordings.study_table import read_study

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
    from ubam.evaluation.benchmark.run import choose_rows, renderings, run_benchmark
    from ubam.evaluation.benchmark.table import table, write_results
    from ubam.results.run_record import locked

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
