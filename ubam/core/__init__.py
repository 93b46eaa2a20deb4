"""What every other package needs and nothing of the subject matter: errors, files, settings, types and words.

Paths, rows and arrays come in; files that are whole or absent go out, and errors that say what to do.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Settings", "UbamError", "atomic_path", "preset", "read_arrays", "read_csv", "write_arrays", "write_csv"]

if TYPE_CHECKING:
    from ubam.core.errors import UbamError
    from ubam.core.files import atomic_path, read_arrays, read_csv, write_arrays, write_csv
    from ubam.core.settings import Settings, preset
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Settings="settings",
        UbamError="errors",
        atomic_path="files",
        preset="settings",
        read_arrays="files",
        read_csv="files",
        write_arrays="files",
        write_csv="files",
    )
