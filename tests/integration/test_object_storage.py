"""Films and run folders in an S3 storage on this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import call
from ubam.core.files import write_csv
from ubam.core.storage import Mirror, MissingFileError, StorageError, fetch

pytest.importorskip("s3fs")
server = pytest.importorskip("moto.server")
pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket named `lab`, as its file system."""
    import s3fs

    storage = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    storage.start()
    host, port = storage.get_host_and_port()
    secrets = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "UBAM_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem(use_listings_cache=False)
    if not files.exists("lab"):  # the server keeps what it holds from one test to the next
        files.mkdir("lab")
    yield files
    storage.stop()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_run_folder_is_kept_in_step_and_read_elsewhere(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror("s3://lab/run")
    crops = mirror.begin() / "crops" / "a"
    crops.mkdir(parents=True)
    (crops / "views.npy").write_bytes(b"views" * 1000)
    (crops / "store.json").write_text("{}")
    mirror.push(crops)
    assert bucket.exists("lab/run/crops/a/views.npy")
    monkeypatch.setenv("UBAM_CACHE", str(tmp_path / "elsewhere"))
    other = Mirror("s3://lab/run")
    assert other.known == {"crops/a"}
    other.pull(other.folder / "crops" / "a")
    assert (other.folder / "crops" / "a" / "views.npy").read_bytes() == b"views" * 1000
    other.clear()
    assert Mirror("s3://lab/run").known == frozenset()


def test_what_is_missing_and_what_is_gone_are_told_apart(bucket: Any) -> None:
    with pytest.raises(MissingFileError, match="is not there"):
        fetch("s3://lab/nothing.mp4")
    with pytest.raises(StorageError, match="the storage 'gone' is not there"):
        fetch("s3://gone/nothing.mp4")


def test_a_storage_where_nothing_answers_and_one_without_credentials_are_a_sentence(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import s3fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StorageError, match="credentials"):
        fetch("s3://lab/a.mp4")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    s3fs.S3FileSystem.clear_instance_cache()
    rows = [{"video": f"s3://lab/{name}.mp4", "subject": name, "group": name} for name in ("healthy", "b")]
    write_csv(tmp_path / "study.csv", rows, list(rows[0]))
    assert call("crops", tmp_path / "run", "--study", tmp_path / "study.csv", "--workers", 1) == 2
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "Traceback" not in said
