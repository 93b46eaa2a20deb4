"""An export is read back by the library of its format, with the numbers of the run's own tables."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.support.run_folders import make_fake_run
from ubam.cli.export import export_command
from ubam.core.errors import RunError, UbamError
from ubam.core.files import read_arrays, read_csv, write_csv
from ubam.results.export import export_run
from ubam.results.tables import typed

NAMES = {"A01": "=1+1", "A02": "007", "H01": "Nr. 1/ä:日本"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "my run"
    make_fake_run(folder, reference_subjects=3, query_subjects=3, frames=60, videos=False, design="days", names=NAMES)
    motifs = [
        row | {"motif": 1 + number % 2} for number, row in enumerate(read_csv(folder / "deviation" / "windows.csv"))
    ]
    write_csv(folder / "motifs" / "windows.csv", motifs, list(motifs[0]))
    for name in ("crops/a/crops.bin", "model/training.safetensors", ".lock"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def test_the_zip_holds_the_run_but_neither_crops_nor_itself(run: Path) -> None:
    target = run / "all.zip"
    export_run(run, target)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert archive.read("my run/statistics.json") == (run / "statistics.json").read_bytes()
    target.unlink()
    wanted = {path.relative_to(run.parent).as_posix() for path in run.rglob("*") if path.is_file()}
    assert names == wanted - {"my run/crops/a/crops.bin", "my run/model/training.safetensors", "my run/.lock"}


def test_the_workbook_has_every_table_with_numbers_as_numbers_and_text_as_text(run: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    export_run(run, tmp_path / "run.xlsx")
    book = openpyxl.load_workbook(tmp_path / "run.xlsx")
    assert {"about", "subjects", "recordings", "sessions", "tests", "audit", "windows", "distances"} <= set(
        book.sheetnames
    )
    header, *lines = book["subjects"].iter_rows(values_only=True)
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    for row, line in zip(read_csv(run / "deviation" / "subjects.csv"), rows, strict=True):
        assert line["subject"] == row["subject"]
        assert line["deviation"] == pytest.approx(float(row["deviation"]))
    cells = {cell.value: cell.data_type for cell in book["subjects"]["A"]}
    assert cells["=1+1"] == cells["007"] == "s"
    refused = [row for row in book["tests"].iter_rows(values_only=True) if "there is one motif only" in row]
    assert len(refused) == 1


def test_the_parquet_table_has_a_row_for_every_window_with_its_behaviour(run: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export_run(run, tmp_path / "run.parquet")
    table = parquet.read_table(tmp_path / "run.parquet")
    wanted = read_csv(run / "deviation" / "windows.csv")
    assert table.num_rows == len(wanted)
    found = table.to_pydict()
    assert found["subject"] == [row["subject"] for row in wanted]
    assert np.allclose(found["deviation"], [float(row["deviation"]) for row in wanted])
    assert set(found["motif"]) == {1, 2}
    name = wanted[0]["recording_id"]
    mine = [vector for vector, own in zip(found["behaviour"], found["recording_id"], strict=True) if own == name]
    assert np.array_equal(mine, read_arrays(run / "embeddings" / f"{name}.npz")["behaviour"])
    assert json.loads(table.schema.metadata[b"ubam.statistics"])["unit"] == "subject"


def test_the_nwb_file_is_valid_and_holds_postures_and_scores(run: Path, tmp_path: Path) -> None:
    pynwb = pytest.importorskip("pynwb")
    path = tmp_path / "run.nwb"
    export_run(run, path)
    assert pynwb.validate(path=str(path)) == []
    with pynwb.NWBHDF5IO(path, "r", load_namespaces=True) as file:
        nwb = file.read()
        module = nwb.processing["behavior"]
        arrays = read_arrays(run / "embeddings" / "h02_walk.npz")
        assert np.array_equal(module["posture_h02_walk"].data[:], arrays["posture"])
        assert np.array_equal(module["posture_h02_walk"].timestamps[:], arrays["time_s"])
        windows = nwb.intervals["windows"].to_dataframe()
        subjects = module["subjects"].to_dataframe()
    wanted = read_csv(run / "deviation" / "windows.csv")
    assert windows["deviation"].tolist() == pytest.approx([float(row["deviation"]) for row in wanted])
    assert windows["start_time"].tolist() == pytest.approx([float(row["t_start_s"]) for row in wanted])
    assert subjects["subject"].tolist() == [row["subject"] for row in read_csv(run / "deviation" / "subjects.csv")]


@pytest.mark.parametrize(("ending", "package"), [("xlsx", "openpyxl"), ("parquet", "pyarrow"), ("nwb", "pynwb")])
def test_a_missing_package_is_one_sentence_with_the_command(
    ending: str, package: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("ubam.results.export.import_module", missing)
    with pytest.raises(UbamError, match=rf"needs the package {package}.*pip install 'ubam\[export\]'"):
        export_run(run, tmp_path / f"run.{ending}")
    assert list(tmp_path.iterdir()) == []
    export_run(run, tmp_path / "run.zip")


def test_only_a_scored_run_and_a_known_ending_are_exported(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UbamError, match=r"end the name with one of .zip, .xlsx, .parquet, .nwb"):
        export_run(run, tmp_path / "run.csv")
    with pytest.raises(RunError, match="holds no run"):
        export_run(tmp_path, tmp_path / "run.zip")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="do first: ubam score"):
        export_run(tmp_path, tmp_path / "run.zip")


def test_a_full_disk_leaves_the_file_that_was_there(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "run.zip"
    target.write_text("older")
    monkeypatch.setattr(zipfile.ZipFile, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space left"):
        export_run(run, target)
    assert target.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir()] == ["run.zip"]


def test_names_that_look_like_numbers_stay_names() -> None:
    rows = [
        {"subject": "007", "day": "3", "weight": "1.5", "note": "4"},
        {"subject": "8", "day": "", "weight": "2", "note": "x"},
    ]
    assert typed(rows) == [
        {"subject": "007", "day": 3, "weight": 1.5, "note": "4"},
        {"subject": "8", "day": None, "weight": 2, "note": "x"},
    ]


def test_the_command_says_what_it_wrote(run: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(export_command, [str(run), "--to", str(tmp_path / "run.zip"), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output)["bytes"] == (tmp_path / "run.zip").stat().st_size
