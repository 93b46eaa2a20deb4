"""`ubam export`: a finished run as one file for other programs."""

import json
from pathlib import Path

import click


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--to", "target", type=click.Path(path_type=Path), required=True, help="FILE.zip, .xlsx, .parquet or .nwb"
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON and nothing else.")
def export_command(run: Path, target: Path, as_json: bool) -> None:
    """Write the run as one file, by the ending of its name.

    .zip holds everything but crops and needs nothing; .xlsx (a workbook of all tables), .parquet (a row per window with
    its behaviour) and .nwb (Neurodata Without Borders) come with: pip install 'ubam[export]'
    """
    from ubam.results.export import export_run

    written = export_run(run, target)
    held = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in written["holds"].items())
    click.echo(json.dumps(written, indent=1) if as_json else f"{target}: {held} ({written['bytes'] / 1e6:.2f} MB)")
