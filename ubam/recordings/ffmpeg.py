"""Where ffmpeg is, how it is asked, and what it said."""

import os
import re
from pathlib import Path
from typing import IO, Any

import ffmpeg
import imageio_ffmpeg

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,h264,hevc,asf,flv,ogg,mxf,nut,dv,gif,ivf,rm,"
    "mjpeg,yuv4mpegpipe,wtv"
)


def ffmpeg_binary() -> str:
    """The ffmpeg in use: $UBAM_FFMPEG, else the one that imageio-ffmpeg brings."""
    return os.environ.get("UBAM_FFMPEG") or str(imageio_ffmpeg.get_ffmpeg_exe())


def opening_command(path: Path, level: str) -> list[str]:
    """The beginning of a command that reads a file: no playlist, no concatenation, no network."""
    command = [ffmpeg_binary(), "-hide_banner", "-nostdin", "-loglevel", level]
    return [*command, "-format_whitelist", FORMATS, "-protocol_whitelist", "file", "-i", f"file:{path.absolute()}"]


def video_source(path: Path | str, **options: float) -> Any:
    """The file as ffmpeg's input, and nothing that it may name."""
    name = f"file:{Path(path).absolute()}"
    return ffmpeg.input(name, threads=1, format_whitelist=FORMATS, protocol_whitelist="file", **options)


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
