"""Films as they come: how each is made, and what check and reading must make of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support.videos import X264, ff, film

COUNT = 30
MJPEG = ("-c:v", "mjpeg", "-q:v", "3")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2")
VP8 = ("-c:v", "libvpx", "-b:v", "3M", "-deadline", "good", "-cpu-used", "5")  # the same bytes however busy the machine
WMV = ("-c:v", "wmv2", "-q:v", "2")
Maker = Callable[[Path], Path]


@dataclass(frozen=True)
class Row:
    """One film: its name, how it is made in a folder, and what is right.

    status: of the check; says: words of the verdict's reason or warnings. frames: how many are read, None where it
    depends on where the damage struck; last_s: the time of the last. barcodes: whether their indices are 0, 1, 2 ...
    """

    name: str
    make: Maker
    status: str = "ok"
    says: str = ""
    frames: int | None = COUNT
    last_s: float | None = (COUNT - 1) / 25
    barcodes: bool = True


def encoded(name: str, *options: str, **more: object) -> Row:
    """A film in a codec, pixel format or container."""
    return Row(name, lambda folder: film(folder / name, *(options or X264), count=COUNT), **more)  # type: ignore[arg-type]


def copied(name: str, before: Sequence[str] = (), after: Sequence[str] = (), **more: object) -> Row:
    """A film whose packets are copied with other words around them."""

    def make(folder: Path) -> Path:
        source = film(folder / "source.mp4", *X264, "-g", "10", count=COUNT)
        ff(*before, "-i", source, "-c", "copy", *after, folder / name)
        return folder / name

    return Row(name, make, **more)  # type: ignore[arg-type]


def written(name: str, content: bytes, says: str) -> Row:
    """A file that is no film."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return Row(name, make, "failed", says, 0, None)


def cut(name: str, share: float, *options: str, status: str = "partial", says: str = "ends early") -> Row:
    """A film of which only the beginning is there."""

    def make(folder: Path) -> Path:
        source = film(folder / f"whole{Path(name).suffix}", *(options or X264), count=4 * COUNT)
        content = source.read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])
        return folder / name

    return Row(name, make, status, says, 0 if status == "failed" else None, None)


def rotten(name: str, *options: str) -> Row:
    """A film with flipped bytes in its second half: no picture is wrong without a word."""

    def make(folder: Path) -> Path:
        content = bytearray(film(folder / f"sound{Path(name).suffix}", *(options or X264), count=COUNT).read_bytes())
        for place in np.random.default_rng(1).integers(len(content) // 2, int(len(content) * 0.9), 25):
            content[place] ^= 0xFF
        (folder / name).write_bytes(content)
        return folder / name

    return Row(name, make, "", "", None, None, barcodes=False)


def named(name: str) -> Row:
    """A film with a name that trips programs."""

    def make(folder: Path) -> Path:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        film(folder / "plain.mp4", count=COUNT).rename(folder / name)
        return folder / name

    return Row(name, make)


def _sound(folder: Path) -> Path:
    ff("-f", "lavfi", "-t", "2", "-i", "sine", "-c:a", "aac", folder / "sound.mp4")
    return folder / "sound.mp4"


def _folder(folder: Path) -> Path:
    (folder / "folder.mp4").mkdir()
    return folder / "folder.mp4"


def _without_table(folder: Path) -> Path:
    content = film(folder / "whole.mp4", count=COUNT).read_bytes()
    (folder / "no_moov.mp4").write_bytes(content[: content.rindex(b"moov") - 4])
    return folder / "no_moov.mp4"


def _without_index(folder: Path) -> Path:
    content = film(folder / "whole.avi", *MJPEG, count=COUNT).read_bytes()
    (folder / "no_index.avi").write_bytes(content[: content.rindex(b"idx1")])
    return folder / "no_index.avi"


def _joined(folder: Path) -> Path:
    content = film(folder / "one.ts", *X264, "-f", "mpegts", count=COUNT).read_bytes()
    (folder / "joined.ts").write_bytes(content * 2)
    return folder / "joined.ts"


def _black(folder: Path) -> Path:
    ff("-f", "lavfi", "-i", "color=black:s=64x48:r=1:d=600", *X264, folder / "black.mp4")
    return folder / "black.mp4"


def _tiny(folder: Path) -> Path:
    ff("-f", "lavfi", "-i", "color=gray:s=16x16:r=25:d=1", "-vf", "scale=1:1", "-c:v", "ffv1", folder / "tiny.mkv")
    return folder / "tiny.mkv"


CONTAINERS = [
    encoded("a.mp4"), encoded("a.mov"), encoded("a.m4v"), encoded("a.mkv"), encoded("a.avi", *X264, "-bf", "0"),
    encoded("a.ts"), encoded("a.mts", *X264, "-f", "mpegts"), encoded("a.m2ts"), encoded("a.flv"),
    encoded("a.3gp"), encoded("a.nut"), encoded("a.h264"), encoded("a.264", *X264, "-f", "h264"),
    encoded("a.webm", "-c:v", "libvpx", "-b:v", "3M", "-deadline", "realtime"),
    encoded("a.ogv", "-c:v", "libtheora", "-q:v", "9"),
    encoded("a.mpg", "-c:v", "mpeg2video", "-q:v", "2"), encoded("a.vob", "-c:v", "mpeg2video", "-q:v", "2"),
    encoded("mpeg1.mpg", "-c:v", "mpeg1video", "-q:v", "2"), encoded("a.mxf", "-c:v", "mpeg2video", "-q:v", "2"),
    encoded("a.wmv", "-c:v", "wmv2", "-q:v", "2"), encoded("a.asf", "-c:v", "msmpeg4", "-q:v", "2"),
    encoded("a.gif", "-pix_fmt", "rgb8"), encoded("a.y4m", "-pix_fmt", "yuv420p"), encoded("a.mjpeg", *MJPEG),
    encoded("a.ivf", "-c:v", "libvpx-vp9", "-crf", "10", "-b:v", "0"),
]  # fmt: skip
CODECS = [
    encoded("hevc.mp4", "-c:v", "libx265", "-crf", "16", "-x265-params", "log-level=none:pools=1", "-tag:v", "hvc1"),
    encoded("av1.mkv", "-c:v", "libsvtav1", "-preset", "12", "-crf", "20"),
    encoded("vp9.mp4", "-c:v", "libvpx-vp9", "-crf", "10", "-b:v", "0"),
    encoded("prores.mov", "-c:v", "prores_ks"), encoded("png.mov", "-c:v", "png"),
    encoded("mjpeg.avi", *MJPEG), encoded("raw.avi", "-c:v", "rawvideo", "-pix_fmt", "bgr24"),
    encoded("grey.avi", "-c:v", "rawvideo", "-pix_fmt", "gray"), encoded("huffyuv.avi", "-c:v", "huffyuv"),
    encoded("ffv1.mkv", "-c:v", "ffv1"), encoded("utvideo.avi", "-c:v", "utvideo"),
    Row("no_index.avi", _without_index),
    encoded("xvid.avi", "-c:v", "mpeg4", "-q:v", "2"), encoded("jpeg2000.mkv", "-c:v", "jpeg2000", "-pix_fmt", "rgb24"),
    encoded("msvideo1.avi", "-c:v", "msvideo1"), encoded("cinepak.avi", "-c:v", "cinepak"),
]  # fmt: skip
PIXELS = [
    encoded("full444.mp4", *X264[:-1], "yuv444p"), encoded("range.mp4", *X264[:-1], "yuvj420p"),
    encoded("ten.mp4", *X264[:-1], "yuv422p10le"), encoded("grey.mp4", *X264[:-1], "gray"),
    encoded("rgb.mp4", "-c:v", "libx264rgb", "-crf", "10"),
    encoded("grey12.mkv", "-pix_fmt", "gray12le", "-c:v", "ffv1"),
    encoded("grey16.mkv", "-pix_fmt", "gray16le", "-c:v", "ffv1"),
    encoded("odd.mp4", "-vf", "crop=159:95:0:0", *X264[:-1], "yuv444p"),
    encoded("wide.mp4", "-vf", "setsar=4/3", *X264), encoded("small.mp4", "-vf", "scale=80:48", *X264),
]  # fmt: skip
TIMES = [
    encoded("b_frames.mp4", "-c:v", "libx264", "-bf", "3", "-crf", "16", "-pix_fmt", "yuv420p"),
    copied("later.mkv", after=("-output_ts_offset", "7")), copied("wrap.ts", after=("-output_ts_offset", "95443")),
    copied("edit.mp4", before=("-ss", "0.48"), frames=18, last_s=17 / 25, barcodes=False),
    copied("fragments.mp4", after=("-movflags", "empty_moov+frag_keyframe+default_base_moof")),
    Row("slow.mp4", lambda f: film(f / "slow.mp4", count=COUNT, fps=0.2), last_s=145.0),
    Row("fast.mkv", lambda f: film(f / "fast.mkv", count=1000, fps=2400), frames=1000, last_s=999 / 2400),
    Row("thousand.mp4", lambda f: film(f / "thousand.mp4", count=500, fps=1000), frames=500, last_s=0.499),
    Row("joined.ts", _joined, frames=2 * COUNT, last_s=(2 * COUNT - 1) / 25, barcodes=False),
    Row("black.mp4", _black, frames=600, last_s=599.0, barcodes=False),
    Row("one.mp4", lambda f: film(f / "one.mp4", count=1), "failed", "0.04 s to analyse", 1, 0.0),
    Row("tiny.mkv", _tiny, frames=25, last_s=24 / 25, barcodes=False),
]  # fmt: skip
SHOWN = [
    *(copied(f"turned{turn}.mp4", ("-display_rotation", str(turn)), barcodes=False) for turn in (90, 180, 270)),
    copied("mirror.mp4", ("-display_hflip",), says="mirrored", barcodes=False),
    copied("upside.mp4", ("-display_vflip",), says="mirrored", barcodes=False),
]
NAMES = [
    named("with spaces.mp4"), named("quote's \"two\".mp4"), named("100%d.mp4"), named("new\nline.mp4"),
    named("Käfig.mp4"), named("Ka\u0308fig.mp4"), named("-v.mp4"), named("a:b|c.mp4"), named("日本語.mp4"),
    named("no_suffix"), named("wrong.avi"), named(f"{'a' * 120}/{'b' * 180}.mp4"),
]  # fmt: skip
WITHOUT_TABLE: dict[str, Sequence[str]] = {  # of its frames, so that nobody can know how long the film was
    "cut.ts": (), "cut.mpg": MPEG2, "cut.wmv": WMV, "cut.gif": ("-pix_fmt", "rgb8"), "cut.h264": (),
}  # fmt: skip
DAMAGED = [
    cut("cut.mkv", 0.5), cut("cut.mp4", 0.5, *X264, "-movflags", "+faststart"), cut("cut.avi", 0.5, *MJPEG),
    cut("cut.flv", 0.5), cut("cut.webm", 0.5, "-c:v", "libvpx", "-b:v", "3M", "-deadline", "realtime"),
    cut("cut.mov", 0.5, status="failed", says="never finished"),
    *(cut(name, 0.5, *how, status="ok", says="") for name, how in WITHOUT_TABLE.items()),
    *(rotten(name.replace("cut", "rot"), *how) for name, how in WITHOUT_TABLE.items()), rotten("rot.flv"),
    cut("cut.mxf", 0.5, *MPEG2), rotten("rot.mxf", *MPEG2),
    rotten("rot.mp4"), rotten("rot.mkv"), rotten("rot.avi", *MJPEG),
    rotten("rot.webm", *VP8),
]  # fmt: skip
REFUSED = [
    written("empty.mp4", b"", "the file is empty"), written("text.mp4", b"no film\n" * 99, "cannot be read as a video"),
    written("zeros.mp4", bytes(9999), "cannot be read as a video"),
    written("noise.mp4", np.random.default_rng(0).bytes(9999), "cannot be read as a video"),
    written("concat.mp4", b"ffconcat version 1.0\nfile 'a.mp4'\n", "cannot be read as a video"),
    written("playlist.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na.mp4\n", "cannot be read as a video"),
    written("huge.y4m", b"YUV4MPEG2 W16384 H8704 F25:1 Ip C420jpeg\nFRAME\n" + bytes(999), "16384x8704, above the"),
    Row("no_moov.mp4", _without_table, "failed", "never finished", 0, None),
    Row("sound.mp4", _sound, "failed", "holds only sound", 0, None),
    Row("folder.mp4", _folder, "failed", "no such file", 0, None),
    Row("missing.mp4", lambda folder: folder / "missing.mp4", "failed", "no such file", 0, None),
]  # fmt: skip
TABLE = [*CONTAINERS, *CODECS, *PIXELS, *TIMES, *SHOWN, *NAMES, *DAMAGED, *REFUSED]
