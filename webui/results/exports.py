"""A run as one file for other programs, made as `ubam export` makes it, of texts that name no folder of the server."""

import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from apiflask import abort

from ubam.core.errors import UbamError
from ubam.results.export import export_run
from webui.context import service
from webui.data.models import Run
from webui.results import reader
from webui.results.path_redaction import TEXT_SUFFIXES, cut_lines

TABLES = ("xlsx", "parquet", "nwb")
CLIPS = "magnified/"
ZIPS = ("csv", "clips")


def exported(run: Run, kind: str) -> IO[bytes]:
    """An open file without a name: a workbook (`xlsx`), a table of windows (`parquet`), `nwb`, or one of `ZIPS`.

    `csv`: every table as it lies in the run folder; `clips`: all clips. 404 for another kind; 409 where the run is not
    scored or a package is missing, in one sentence.
    """
    if kind == "clips":
        return zipped(run, lambda path: path.startswith(CLIPS))
    if kind == "csv":
        return zipped(run, lambda path: path.endswith(".csv"))
    if kind not in TABLES:
        abort(404, f"A run is exported as {', '.join((*TABLES, *ZIPS[:-1]))} or {ZIPS[-1]}.")
    with tempfile.TemporaryDirectory(dir=service().storage.data) as place:
        folder, target = Path(place) / f"run-{run.id[:8]}", Path(place) / f"run-{run.id[:8]}.{kind}"
        _copy_without_folders(run, folder)
        try:
            export_run(folder, target)
        except UbamError as error:
            words = str(error).removeprefix(f"{target}: ").removeprefix(f"{folder}: ")
            abort(409, words[:1].upper() + words[1:])
        return open(target, "rb")


def _copy_without_folders(run: Run, copy: Path) -> None:
    """The run folder with its texts cut and everything else as links."""
    cut, folder = reader.cut_from(run), reader.folder_of(run)
    for entry in reader.files_of(run):
        target = copy / entry["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix in TEXT_SUFFIXES:
            with open(target, "wb") as out:
                out.writelines(cut_lines(folder / entry["path"], cut))
        else:
            target.symlink_to(folder / entry["path"])


def zipped(run: Run, wanted: Callable[[str], bool] = bool) -> IO[bytes]:
    """The files of a run whose paths are wanted (all of them), packed on the disk; their texts name no folder."""
    cut, packed = reader.cut_from(run), tempfile.TemporaryFile(dir=service().storage.data)  # noqa: SIM115
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in (entry["path"] for entry in reader.files_of(run) if wanted(entry["path"])):
            file, about = reader.folder_of(run) / path, zipfile.ZipInfo(path)
            about.compress_type = zipfile.ZIP_STORED if file.suffix in (".mp4", ".png") else zipfile.ZIP_DEFLATED
            about.date_time, about.external_attr = time.localtime(file.stat().st_mtime)[:6], 0o644 << 16
            with archive.open(about, "w", force_zip64=True) as inside:
                inside.writelines(cut_lines(file, cut))
    packed.seek(0)
    return packed
