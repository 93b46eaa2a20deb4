"""Files of a recording that the study names by URLs, fetched into the cache of the machine that reads them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ubam.core.errors import VideoError
from ubam.core.files import file_stamp
from ubam.core.storage import MissingFileError, fetch
from ubam.recordings.study_table import Recording


def fetched(recording: Recording) -> Recording:
    """The recording with all of its files on this machine; itself when it names no URL.

    Raises
    ------
    VideoError
        One of the files is not in its storage.
    StorageError
        The storage refuses, is not there, or does not answer.
    """
    if not recording.urls:
        return recording
    try:
        files: dict[str, Any] = {name: fetch(url) for name, url in recording.urls.items()}
    except MissingFileError as error:
        raise VideoError(str(error)) from error
    return replace(recording, **files, urls={})


def is_there(recording: Recording) -> bool:
    """Whether the video is a file here, or is said to be in a storage."""
    return "video" in recording.urls or recording.video.exists()


def stamp_of(recording: Recording, name: str = "video") -> list[int]:
    """Size and time of a file of the recording; nothing for one in a storage, whose URL stands for it."""
    path: Path | None = None if name in recording.urls else getattr(recording, name)
    return file_stamp(path) if path is not None else []
