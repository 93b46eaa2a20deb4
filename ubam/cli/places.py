"""Run folders on the command line: a path, or the URL of a storage."""

from pathlib import Path
from typing import Any

import click


class RunPlace(click.ParamType[Path]):
    """A run folder; of one behind a URL, its copy on this machine, brought up to date."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Path:
        """The folder; StorageError where the URL cannot be read."""
        if isinstance(value, Path) or "://" not in value:
            return Path(value)
        from ubam.core.storage import is_url
        from ubam.pipeline.mirrored_run import copy_of

        return copy_of(value) if is_url(value) else Path(value)


RUN = RunPlace()
