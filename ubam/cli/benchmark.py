"""`ubam benchmark`: the measurements of the method on rendered studies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
@click.option(
    "--recordings", type=click.IntRange(1, 2), default=2, show_default=True, help="Of each subject; for --eye."
)
@click.option("--tests/--no-tests", default=True, show_default=True, help="p of the groups' tests; for --eye.")
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
    help="Instead: how well postures of this study's recordings predict its keypoints (column `keypoints`).",
)
@click.option(
    "--statistics",
    is_flag=True,
    help="Instead: false positives, power, calibration of every test, on simulated codes.",
)
@click.option("--studies", type=click.IntRange(4), default=400, show_default=True, help="For --statistics.")
@click.option(
    "--magnification",
    is_flag=True,
    help="Instead: compare magnified clips and baselines with the renderer's own clips.",
)
@click.option(
    "--transfers",
    metavar="RUN",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Instead: give every recording of a scored RUN of gait the postures of every other, and compare phases.",
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
@click.option("--speed", is_flag=True, help="Instead: what everything takes beside decoding, and how that grows.")
@click.option(
    "--preset",
    type=click.Choice(RUN_PRESETS),
    default="quick",
    show_default=True,
    help="For --study and --magnification.",
)
@click.option("--model", type=click.Path(path_type=Path), help="For --study: a trained model folder to measure too.")
def benchmark_command(**options: Any) -> None:
    """Measure postures, behaviours and deviations against known truth on rendered studies, beside the controls.

    The same command continues a stopped benchmark. --out gets benchmark.csv and benchmark.json. With
    --study, the linear read-out of labelled keypoints on real recordings is measured instead: readout.csv and .json.
    With --magnification, magnified clips are measured on the main studies: clips.csv and clips.json.
    With --eye, outlines, landmarks and postures are measured on pictures that taught nothing, by default on ten small
    studies of each kind, seeds 2 and 4 to 12: eye.csv, eye.json and contact sheets.
    With --transfers, postures are transferred between real or rendered recordings of gait: transfers.csv and clips.
    With --speed, every part is timed beside decoding alone: speed.csv and a figure. With --statistics, the tests are
    proved on simulated studies: proofs.json (400 studies of each: 30 CPU-minutes).
    """
    order = Order(**options)
    if not order.eye and set(order.kinds) - set(OWN_KINDS):
        raise click.UsageError("capsule subjects are for --eye")
    if order.eye:
        _measure_eye(order)
    elif order.statistics:
        _prove_tests(order)
    elif order.speed:
        _measure_speed(order)
    elif order.transfers is not None:
        _measure_transfers(order, order.transfers)
    elif order.magnification:
        _measure_clips(order)
    elif order.study is not None:
        _measure_readout(order, order.study)
    else:
        _measure_deviations(order)


@dataclass(frozen=True)
class Order:
    """What `ubam benchmark` is to measure, from its options."""

    out: Path
    kinds: tuple[str, ...]
    seeds: tuple[int, ...]
    subjects: int
    seconds: float
    recordings: int
    tests: bool
    names: tuple[str, ...]
    varieties: tuple[str, ...]
    workers: int
    study: Path | None
    statistics: bool
    studies: int
    magnification: bool
    transfers: Path | None
    eye: bool
    parts: tuple[str, ...]
    real: Path | None
    speed: bool
    preset: str
    model: Path | None

    @contextmanager
    def progress(self) -> Iterator[Bars]:
        """Progress bars; the folder is held by this process meanwhile."""
        from ubam.results.run_record import locked

        bars = Bars(quiet=False)
        with locked(self.out):
            try:
                yield bars
            finally:
                bars.close()


def _prove_tests(order: Order) -> None:
    from ubam.evaluation.benchmark.proofs import run_proofs, table
    from ubam.evaluation.benchmark.proofs_figure import write_comparison

    with order.progress() as bars:
        summary = run_proofs(order.out, order.studies, progress=bars)
    write_comparison(summary, order.out)
    numbers, figure = order.out / "proofs.json", order.out / "comparison.png"
    click.echo(f"{table(summary)}\n\nAll numbers: {numbers}; as a figure: {figure}")


def _measure_eye(order: Order) -> None:
    from ubam.evaluation.benchmark.eye.run import Plan, run_eye
    from ubam.evaluation.benchmark.eye.table import eye_table

    given: dict[str, Any] = {
        "seeds": tuple(dict.fromkeys(order.seeds)), "kinds": tuple(dict.fromkeys(order.kinds)),
        "subjects": order.subjects, "seconds": order.seconds, "recordings": order.recordings,
        "tests": order.tests,
    }  # fmt: skip
    real = order.real or (SHARED if SHARED.is_dir() else None)
    if real is None and "real" in order.parts:
        click.echo(f"No real recordings: {SHARED} is not there and --eye-real was not given.", err=True)
    plan = Plan(order.out, workers=order.workers, **{name: value for name, value in given.items() if _given(name)})
    with order.progress() as bars:
        values = run_eye(plan, order.parts, order.names, real, bars)
    click.echo(eye_table(values))
    click.echo(f"\nEvery value: {order.out / 'eye.csv'}; outlines to look at: {order.out / 'sheets'}")


def _given(name: str) -> bool:
    """Whether the user wrote an option: --eye has defaults of its own."""
    return click.get_current_context().get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


def _measure_speed(order: Order) -> None:
    from ubam.evaluation.benchmark.speed.run import Sizes, measure_speed
    from ubam.evaluation.benchmark.speed.study import Place
    from ubam.evaluation.benchmark.speed.table import speed_table, write_speed

    with order.progress() as bars:
        measured = measure_speed(Place(order.out), Sizes(), order.workers, bars)
    written = write_speed(measured, order.out)
    click.echo(f"{speed_table(measured)}\n\nEvery value: {written[0]}; growth as a figure: {written[1]}")


def _measure_clips(order: Order) -> None:
    from ubam.core.settings import preset as settings_of
    from ubam.evaluation.benchmark.clips.run import choose_clip_rows, run_clips
    from ubam.evaluation.benchmark.clips.table import clip_table, write_clip_results
    from ubam.evaluation.benchmark.run import renderings

    rows, settings = choose_clip_rows(order.names), settings_of(order.preset, workers=1)
    kinds, seeds = dict.fromkeys(order.kinds), dict.fromkeys(order.seeds)
    studies = renderings(kinds, seeds, ["main"], order.subjects, order.seconds)
    with order.progress() as bars:
        cells = run_clips(order.out, studies, rows, settings, order.workers, bars)
        write_clip_results(order.out, cells, rows, settings)
    click.echo(clip_table(cells, rows))
    results = order.out / "clips.csv", order.out / "clips.json"
    click.echo(f"\nEvery value: {results[0]}; settings, versions and means: {results[1]}")


def _measure_transfers(order: Order, run: Path) -> None:
    from ubam.evaluation.benchmark.clips.transfers import measure_transfers, transfer_table

    with order.progress() as bars:
        found = measure_transfers(run, order.out, bars)
    click.echo(f"{transfer_table(found)}\n\nEvery value: {order.out / 'transfers.csv'}; the clips lie beside it")


def _measure_readout(order: Order, study: Path) -> None:
    from ubam.core.settings import preset as settings_of
    from ubam.evaluation.benchmark.readout import measure_readout
    from ubam.recordings.study_table import read_study

    table, settings, bars = (
        read_study(study, compared=False),
        settings_of(order.preset, workers=order.workers),
        Bars(False),
    )
    try:
        rows = measure_readout(table, order.out, settings, order.model, bars)
    finally:
        bars.close()
    click.echo(f"{'':28} error of keypoints on held-out frames")
    for row in rows:
        click.echo(f"{row.row:28} {row.error_px:7.2f} px {row.error_body_lengths:7.3f} body lengths")


def _measure_deviations(order: Order) -> None:
    from ubam.evaluation.benchmark.run import choose_rows, renderings, run_benchmark
    from ubam.evaluation.benchmark.table import table, write_results

    rows, kinds, seeds = choose_rows(order.names), dict.fromkeys(order.kinds), dict.fromkeys(order.seeds)
    wanted = [variety for name in dict.fromkeys(order.varieties) for variety in STUDY_KINDS[name]]
    studies = renderings(kinds, seeds, wanted, order.subjects, order.seconds)
    with order.progress() as bars:
        cells = run_benchmark(order.out, studies, rows, order.workers, bars)
        write_results(order.out, cells, rows)
    click.echo(table(cells, [row.name for row in rows]))
    results = order.out / "benchmark.csv", order.out / "benchmark.json"
    click.echo(f"\nEvery value: {results[0]}; settings, versions and means: {results[1]}")
