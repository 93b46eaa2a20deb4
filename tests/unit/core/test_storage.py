"""Files and run folders behind URLs, in the memory of this process."""

from pathlib import Path
from typing import Any

import pytest

from ubam.core import storage
from ubam.core.storage import Mirror, MissingFileError, StorageError, fetch, is_url

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def mirror(memory: Any) -> Mirror:
    """An empty run folder there."""
    found = Mirror("memory://bucket/run")
    found.begin()
    return found


def _elsewhere(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """The same run folder on another machine."""
    monkeypatch.setenv("UBAM_CACHE", str(mirror.folder.parents[1] / "elsewhere"))
    other = Mirror(mirror.url)
    other.begin()
    return other


def test_only_urls_of_storages_are_urls() -> None:
    assert is_url("s3://bucket/a.mp4")
    assert not is_url("C:/films/a.mp4")
    assert not is_url("films/a.mp4")
    assert not is_url("simplecache::s3://bucket/a.mp4")
    for other in ("file:///etc/passwd", "http://example.org/a.mp4"):
        with pytest.raises(StorageError, match="begin with s3://"):
            is_url(other)


def test_a_file_is_fetched_once_and_again_when_it_is_another(memory: Any) -> None:
    memory.pipe("/bucket/a.mp4", b"one")
    first = fetch("memory://bucket/a.mp4")
    assert first.read_bytes() == b"one"
    assert first.name == "a.mp4"
    first.write_bytes(b"own")  # a second fetch would undo this
    assert fetch("memory://bucket/a.mp4").read_bytes() == b"own"
    memory.pipe("/bucket/a.mp4", b"another")
    assert fetch("memory://bucket/a.mp4").read_bytes() == b"another"


def test_a_file_and_a_bucket_that_are_missing_are_told_apart(memory: Any) -> None:
    memory.pipe("/bucket/a.mp4", b"one")
    with pytest.raises(MissingFileError, match=r"memory://bucket/b\.mp4 is not there"):
        fetch("memory://bucket/b.mp4")
    with pytest.raises(StorageError, match="the storage 'gone' is not there") as told:
        fetch("memory://gone/b.mp4")
    assert not isinstance(told.value, MissingFileError)


@pytest.mark.parametrize(
    ("raised", "said"),
    [(PermissionError("Forbidden"), "refuses"), (RuntimeError("NoCredentialsError"), "check the credentials"),
     (ConnectionError("reset"), "does not answer")],
)  # fmt: skip
def test_what_a_storage_raises_is_one_sentence(
    raised: Exception, said: str, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object, **more: object) -> None:
        raise raised

    monkeypatch.setattr(type(memory), "info", refuse)
    with pytest.raises(StorageError, match=said):
        fetch("memory://bucket/a.mp4")


def test_the_cache_makes_room_for_what_is_fetched(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "CACHE_BYTES", 10)
    monkeypatch.setattr(storage, "RECENT_S", -1.0)
    for name in ("a", "b"):
        memory.pipe(f"/bucket/{name}.mp4", b"7 bytes")
    first = fetch("memory://bucket/a.mp4")
    second = fetch("memory://bucket/b.mp4")
    assert (first.exists(), second.exists()) == (False, True)


def test_a_run_is_the_same_on_another_machine(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    (mirror.folder / "model").mkdir()
    (mirror.folder / "model" / "posture.safetensors").write_bytes(b"weights")
    (mirror.folder / "run.json").write_text("{}")
    mirror.push(mirror.folder / "model", mirror.folder / "run.json")
    other = _elsewhere(mirror, monkeypatch)
    assert other.holds(other.folder / "model" / "posture.safetensors")
    assert not other.holds(other.folder / "crops" / "a")
    other.pull(other.folder / "model", other.folder / "never pushed")
    assert (other.folder / "model" / "posture.safetensors").read_bytes() == b"weights"
    assert not (other.folder / "run.json").exists()
    assert Mirror.of(other.folder) == other


def test_what_is_gone_from_a_folder_goes_from_the_storage(mirror: Mirror, memory: Any) -> None:
    folder = mirror.folder / "crops" / "a"
    folder.mkdir(parents=True)
    for name in ("store.json", "old.npy"):
        (folder / name).write_text(name)
    mirror.push(folder)
    (folder / "old.npy").unlink()
    mirror.push(folder)
    assert [Path(path).name for path in memory.ls("/bucket/run/crops/a", detail=False)] == ["store.json"]
    mirror.drop(folder)
    assert not memory.exists("/bucket/run/crops/a/store.json")


def test_what_was_cut_off_half_way_does_not_count(mirror: Mirror, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = mirror.folder / "crops" / "a"
    folder.mkdir(parents=True)
    (folder / "store.json").write_text("whole")

    def cut_off(source: str, target: str, **more: object) -> None:
        memory.pipe(target, b"wh")
        raise ConnectionError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "put_file", lambda self, *words, **more: cut_off(*words, **more))
        with pytest.raises(StorageError, match="cut off"):
            mirror.push(folder)
    assert not memory.exists("/bucket/run/crops/a/store.json")
    other = _elsewhere(mirror, monkeypatch)
    other.pull(other.folder / "crops" / "a")
    assert not (other.folder / "crops").exists()


def test_a_file_that_is_not_what_was_written_is_refused(
    mirror: Mirror, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mirror.folder / "run.json").write_text("{}")
    mirror.push(mirror.folder / "run.json")
    memory.pipe("/bucket/run/run.json", b"{1}")
    other = _elsewhere(mirror, monkeypatch)
    with pytest.raises(StorageError, match="is not what was written there"):
        other.pull(other.folder / "run.json")
