"""Files behind URLs (s3://, gs://, az://, sftp://) through fsspec: fetched into a cache, and a run folder kept in step.

Nothing lies half-written under a final name: object stores show a file once it is whole, anywhere else it is written
beside its place and renamed. Of a run folder, only what a manifest lists counts, and a manifest is written last.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ubam.core.errors import UbamError
from ubam.core.files import atomic_path, content_hash, write_text
from ubam.core.provenance import key_of

PROTOCOLS = ("s3", "gs", "az", "abfs", "sftp")
WHOLE_AT_ONCE = ("s3", "gs", "az", "abfs")  # a file appears there when all of it has arrived
URL = re.compile(r"([a-z][a-z0-9+.-]*)://\S")
MANIFESTS = "manifest"
TOLD = ".storage"  # in a copy: the URL that it is a copy of
CACHE_BYTES = 50e9  # beyond it, files that were not used for an hour make room
RECENT_S = 3600.0
REFUSALS = ("credential", "forbidden", "denied", "permission")

Entries = dict[str, list[int | str]]  # size and SHA-256 of each file, by its path in the run folder


class StorageError(UbamError):
    """A storage that refuses, is not there, or does not answer."""


class MissingFileError(StorageError):
    """One file that is not there, in a storage that is."""


def is_url(text: str) -> bool:
    """Whether a text is a URL of a storage; StorageError for a URL of a kind that ubam does not read."""
    found = URL.match(text)
    if found and found[1] not in PROTOCOLS:
        known = ", ".join(f"{name}://" for name in PROTOCOLS)
        raise StorageError(f"{text}: ubam reads files, and URLs that begin with {known}")
    return found is not None


def cache_folder() -> Path:
    """Where fetched files are kept on this machine: $UBAM_CACHE, else ~/.cache/ubam."""
    named = os.environ.get("UBAM_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "ubam"


def fetch(url: str) -> Path:
    """The file behind a URL as a file of the cache; it is fetched unless this very version of it is there.

    MissingFileError when only that file is missing, else StorageError.
    """
    with _storage(url) as (files, path):
        info = files.info(path)
        version = [str(info.get(name)) for name in ("size", "ETag", "etag", "LastModified", "mtime", "md5Hash")]
        target = cache_folder() / "files" / key_of(url, version) / PurePosixPath(path).name
        if not target.exists():
            _make_room(target.parents[1], float(info.get("size") or 0))
            _get(files, path, target)
        os.utime(target)
    return target


def _make_room(folder: Path, size: float) -> None:
    """Remove files that were not used lately until `size` bytes more stay below the limit, the oldest first."""
    held = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in folder.glob("*/*") if file.is_file())
    excess = sum(size for _, size, _ in held) + size - CACHE_BYTES
    for used, size, file in held:
        if excess <= 0 or time.time() - used < RECENT_S:
            return
        shutil.rmtree(file.parent, ignore_errors=True)
        excess -= size


@dataclass(frozen=True)
class Mirror:
    """A run folder behind a URL, and its copy on this machine.

    What is pushed together (a file, or a folder with all in it) has a manifest of its own, `manifest/NAME.json`.
    """

    url: str

    @classmethod
    def of(cls, folder: Path) -> "Mirror | None":
        """The mirror whose copy a folder is; None for any other folder."""
        told = folder / TOLD
        return cls(told.read_text(encoding="utf-8")) if told.is_file() else None

    def __reduce__(self) -> tuple[type["Mirror"], tuple[str]]:
        return Mirror, (self.url,)

    @property
    def folder(self) -> Path:
        """The copy on this machine."""
        return cache_folder() / "runs" / key_of(self.url)

    def begin(self) -> Path:
        """Make the folder of the copy, which knows from now on what it is a copy of; returns it."""
        write_text(self.folder / TOLD, self.url)
        return self.folder

    @cached_property
    def known(self) -> frozenset[str]:
        """Names of all that was pushed when this was first asked."""
        with _storage(f"{self.url}/{MANIFESTS}") as (files, path):
            listed = files.ls(path, detail=False) if files.exists(path) else []
        names = (PurePosixPath(entry).name for entry in listed)
        return frozenset(name.removesuffix(".json").replace("%2F", "/") for name in names if name.endswith(".json"))

    def holds(self, path: Path) -> bool:
        """Whether a file or folder of the copy was pushed, alone or with its folder, when this was first asked."""
        name = self._name(path)
        return name in self.known or any(str(above) in self.known for above in PurePosixPath(name).parents)

    def push(self, *paths: Path) -> None:
        """Bring files and folders of the copy to the storage: what is there already stays, what is gone goes."""
        for path in paths:
            name = self._name(path)
            before, now = self._manifest(name), self._entries(path)
            with _storage(self.url) as (files, root):
                for file in (file for file, entry in now.items() if before.get(file) != entry):
                    _put(files, self.folder / file, f"{root}/{file}", self.url)
                with atomic_path(self.folder / ".manifest.json") as written:
                    written.write_text(json.dumps(now), encoding="utf-8")
                    _put(files, written, f"{root}/{self._manifest_name(name)}", self.url)
                for file in before.keys() - now.keys():
                    files.rm_file(f"{root}/{file}")

    def pull(self, *paths: Path) -> None:
        """Bring files and folders from the storage, unless the copy has them; one that was never pushed is left out."""
        for path in paths:
            for file, entry in self._manifest(self._name(path)).items():
                target = self.folder / file
                if not target.is_file() or _entry(target) != entry:
                    with _storage(f"{self.url}/{file}") as (files, source):
                        _get(files, source, target)
                    if _entry(target) != entry:
                        raise StorageError(f"{self.url}/{file} is not what was written there; make it again: --fresh")

    def drop(self, path: Path) -> None:
        """Remove a file from the storage; nothing where it was never pushed."""
        name = self._name(path)
        with _storage(self.url) as (files, root):
            for gone in (self._manifest_name(name), *self._manifest(name)):
                if files.exists(f"{root}/{gone}"):
                    files.rm_file(f"{root}/{gone}")

    def clear(self) -> None:
        """Remove all that was pushed, the manifests first."""
        with _storage(self.url) as (files, root):
            for folder in (f"{root}/{MANIFESTS}", root):
                if files.exists(folder):
                    files.rm(folder, recursive=True)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _manifest_name(self, name: str) -> str:
        return f"{MANIFESTS}/{name.replace('/', '%2F')}.json"

    def _manifest(self, name: str) -> Entries:
        with _storage(f"{self.url}/{self._manifest_name(name)}") as (files, path):
            try:
                found: Entries = json.loads(files.cat_file(path))
            except FileNotFoundError:
                return {}
        return found

    def _entries(self, path: Path) -> Entries:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        whole = [file for file in inside if file.is_file() and not file.name.startswith(".")]
        return {self._name(file): _entry(file) for file in whole}


def _entry(file: Path) -> list[int | str]:
    return [file.stat().st_size, content_hash(file)]


@contextmanager
def _storage(url: str) -> Iterator[tuple[Any, str]]:
    """The file system of a URL and the path in it; whatever it raises becomes a sentence that names the URL."""
    try:
        from fsspec.core import url_to_fs

        # Other machines write there, too: what was listed a minute ago may be another list now.
        files, path = url_to_fs(url, **({"use_listings_cache": False} if _whole_at_once(url) else {}))
    except ImportError as error:
        raise StorageError(f"{url} needs packages that are not here ({error}): pip install 'ubam[cloud]'") from error
    except Exception as error:
        raise StorageError(_words(url, error)) from error
    try:
        yield files, path.rstrip("/")
    except UbamError:
        raise
    except FileNotFoundError as error:
        raise _missing(files, path, url) from error
    except OSError as error:
        if error.errno is not None and error.filename is not None and Path(str(error.filename)).is_absolute():
            raise  # the disk of this machine
        raise StorageError(_words(url, error)) from error
    except Exception as error:  # each storage has classes of its own
        raise StorageError(_words(url, error)) from error


def _missing(files: Any, path: str, url: str) -> StorageError:
    """MissingFileError where the bucket, or the first folder, is there, and StorageError where it is not."""
    bucket = _bucket(path)
    try:
        there = files.exists(bucket)
    except Exception:
        there = False
    if there:
        return MissingFileError(f"{url} is not there; correct the study, or bring the file")
    return StorageError(f"{url}: the storage '{bucket.lstrip('/')}' is not there (any more); what is done is kept")


def _bucket(path: str) -> str:
    """The bucket, or the first folder, of a path in a storage."""
    first = path.lstrip("/").split("/")[0]
    return path[: path.index(first) + len(first)]


def _words(url: str, error: Exception) -> str:
    refused = isinstance(error, PermissionError) or any(
        word in f"{type(error).__name__} {error}".lower()
        for word in ("credential", "forbidden", "denied", "permission")
    )
    kept = "what is done is kept, and the same command continues from here"
    if refused:
        return f"{url}: the storage refuses ({error}); check the credentials of this machine: {kept}"
    return f"{url}: the storage does not answer ({type(error).__name__}: {error}); {kept}"


def _whole_at_once(url: str) -> bool:
    return url.split("://", 1)[0] in WHOLE_AT_ONCE


def _get(files: Any, source: str, target: Path) -> None:
    with atomic_path(target) as temporary:
        files.get_file(source, str(temporary))


def _put(files: Any, source: Path, target: str, url: str) -> None:
    if _whole_at_once(url):
        files.put_file(str(source), target)
        return
    folder, _, name = target.rpartition("/")
    beside = f"{folder}/.{name}.part"
    if not files.exists(_bucket(target)):  # it would be made anew, without what was in it
        raise FileNotFoundError(_bucket(target))
    files.makedirs(folder, exist_ok=True)
    files.put_file(str(source), beside)
    files.mv(beside, target)
