"""Where files lie in the data folder; every name is an identifier that the server made, none comes from outside."""

import json
import shutil
import time
from hashlib import sha256
from pathlib import Path, PurePosixPath

from ubam.core.errors import UbamError
from ubam.core.files import write_text
from ubam.recordings.folders import VIDEO_SUFFIXES
from webui.data.models import Clip, Companion, Recording, Run

COMPANION_SUFFIXES: dict[str, tuple[str, ...]] = {
    "keypoints": (".csv", ".tsv", ".txt", ".h5", ".hdf5", ".slp"),
    "mask": (".json", *VIDEO_SUFFIXES),
}


class Storage:
    """The data folder: studies/<study>/recordings/<recording>/, studies/<study>/runs/<run>/, uploads/<upload>."""

    def __init__(self, data: Path, folders: tuple[Path, ...] = ()) -> None:
        self.data = data.absolute()
        self.folders = tuple(folder.resolve() for folder in folders)

    def prepare(self) -> None:
        """Make the folders, closed to other users of the machine."""
        for folder in (self.data, self.data / "studies", self.data / "uploads", self.data / "workers"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def upload(self, upload_id: str) -> Path:
        """The part of a file that has come so far."""
        return self.data / "uploads" / upload_id

    def study(self, study_id: str) -> Path:
        """Everything of one study."""
        return self.data / "studies" / study_id

    def recording(self, recording: Recording) -> Path:
        """The folder of one recording: `video` with its suffix, `frame.jpg`, copies for the page."""
        return self.study(recording.study_id) / "recordings" / recording.id

    def video(self, recording: Recording) -> Path:
        """The file as it came; UbamError when it lies in a folder that may no longer be read."""
        if recording.outside is not None:
            return self.allowed(Path(recording.outside))
        return self.recording(recording) / f"video{suffix_of(recording.file_name)}"

    def frame(self, recording: Recording) -> Path:
        """A frame from the middle, JPEG, as it is: a face box is blurred when it is shown."""
        return self.recording(recording) / "frame.jpg"

    def copy(self, recording: Recording) -> Path:
        """A copy that a browser plays; its name says which face is hidden in it."""
        box = "-".join(str(round(side)) for side in recording.face_box or [])
        if recording.face_path:
            box = f"path-{sha256(json.dumps(recording.face).encode()).hexdigest()[:16]}"
        return self.recording(recording) / f"shown{'-' + box if box else ''}.mp4"

    def companion(self, companion: Companion) -> Path:
        """A file of keypoints or masks, under its own id; its suffix says how to read it."""
        suffix = PurePosixPath(companion.file_name).suffix.casefold()
        known = suffix if suffix in COMPANION_SUFFIXES.get(companion.kind, ()) else ""
        return self.study(companion.study_id) / "companions" / f"{companion.id}{known}"

    def job(self, run: Run) -> Path:
        """Beside the run folder: the study as it was, progress and log."""
        return self.study(run.study_id) / "runs" / run.id

    def run(self, run: Run) -> Path:
        """The run folder itself; UbamError when it was opened from a folder that may no longer be read."""
        return self.allowed(Path(run.folder)) if run.folder is not None else self.job(run) / "run"

    def clip(self, clip: Clip) -> Path:
        """A clip made on demand; a strip is a figure."""
        return self.job(clip.run) / "clips" / f"{clip.id}.{'png' if clip.layout == 'strip' else 'mp4'}"

    def allowed(self, path: Path) -> Path:
        """A path inside a folder that the server may read, links followed; UbamError for any other."""
        real = path.resolve()
        if not any(real.is_relative_to(folder) for folder in self.folders):
            shown = ", ".join(str(folder) for folder in self.folders) or "none"
            raise UbamError(f"{path} is not in a folder that this server may read (--allow-folder: {shown}).")
        return real

    def free_bytes(self) -> int:
        """Free space on the disk of the data folder."""
        return shutil.disk_usage(self.data).free

    def bury(self, *paths: Path) -> None:
        """Note a folder before its row is deleted, so that it goes even if a process is killed or still writes.

        Only what is noted is ever deleted: a data folder that is opened with the wrong database stays whole.
        """
        for path in paths:
            (self.data / "graves").mkdir(mode=0o700, exist_ok=True)
            write_text(self.data / "graves" / path.name, path.relative_to(self.data).as_posix())

    def remove(self, *paths: Path) -> None:
        """Delete files and folders for good."""
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def graves(self) -> dict[str, tuple[Path, float]]:
        """The notes of `bury`: by identifier, the path and the seconds since the note."""
        noted = (self.data / "graves").glob("[!.]*")
        return {
            note.name: (self.data / note.read_text(encoding="utf-8"), time.time() - note.stat().st_mtime)
            for note in noted
        }

    def forget(self, identifier: str) -> None:
        """Remove a note of `bury`."""
        (self.data / "graves" / identifier).unlink(missing_ok=True)


def suffix_of(name: str) -> str:
    """The suffix under which a video is stored: a known one, else .mp4 (the decoder looks at the content)."""
    suffix = PurePosixPath(name).suffix.casefold()
    return suffix if suffix in VIDEO_SUFFIXES else ".mp4"


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(entry.lstat().st_size for entry in folder.rglob("*") if entry.is_file() and not entry.is_symlink())
