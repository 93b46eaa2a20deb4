"""Where ffmpeg is, which writes the clips, how it is asked, and what it said."""

import os
import re
from typing import IO

import ffmpeg
import imageio_ffmpeg


def ffmpeg_binary() -> str:
    """The ffmpeg in use: $UBAM_FFMPEG, else the one that imageio-ffmpeg brings."""
    return os.environ.get("UBAM_FFMPEG") or str(imageio_ffmpeg.get_ffmpeg_exe())


def full_command(output: object) -> list[str]:
    """The whole command of an output of ffmpeg-python: quiet, and one thread for filters."""
    switches = ("-hide_banner", "-nostdin", "-loglevel", "error", "-filter_threads", "1")
    return list(ffmpeg.compile(output.global_args(*switches), cmd=ffmpeg_binary(), overwrite_output=True))  # type: ignore[attr-defined]


def complaints_of(said: IO[bytes], limit: int = 5) -> list[str]:
    """The first lines that ffmpeg wrote, without memory addresses, each once."""
    said.seek(0)
    lines = said.read(65536).decode("utf-8", "replace").splitlines()
    cleaned = (re.sub(r" @ 0x[0-9a-f]+", "", line).strip() for line in lines)
    return list(dict.fromkeys(line for line in cleaned if line))[:limit]
