"""A decoded frame becomes a picture: upright, deinterlaced, in the ordinary range of brightness, cut and scaled."""

import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, cast

import av
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import SideDataContainer, Type

Filter = tuple[str, str]
Tag = TypeVar("Tag")
SHALLOW_BITS = (8, 10, 12, 14)  # that cameras put into words of 16
HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics of ITU-T H.273
WHITE_NITS, PEAK_NITS = 203.0, 1000.0  # ITU-R BT.2408: reference white; a mastering display
DEINTERLACE: Filter = ("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
RGB16: Filter = ("format", "rgb48le")


class Painter:
    """Puts frames through a chain of filters; a frame of another size or format begins the chain anew."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        self.filters, self.kind, self.graph = filters, (), None  # type: Sequence[Filter], tuple[object, ...], Graph | None

    def paint(self, frame: "av.VideoFrame") -> np.ndarray:
        """The picture of a frame, as the last filter gives it."""
        kind = (frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range))
        if self.graph is None or kind != self.kind:
            self.graph, self.kind = chain(frame, self.filters), kind
        self.graph.push(frame)
        return np.asarray(self.graph.vpull().to_ndarray())


def chain(frame: "av.VideoFrame", filters: Sequence[Filter]) -> Graph:
    """A chain of filters for frames like this one, on one thread."""
    graph = Graph()
    graph.threads = 1
    time_base = frame.time_base if frame.time_base else "1/1000"
    nodes = [
        graph.add(
            "buffer", video_size=f"{frame.width}x{frame.height}", pix_fmt=frame.format.name, time_base=str(time_base),
            pixel_aspect="1/1", colorspace=str(int(frame.colorspace)), range=str(int(frame.color_range)),
        )
    ]  # fmt: skip
    nodes += [graph.add(name, arguments or None) for name, arguments in filters]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    return graph


def deinterlaced(frames: Iterable[tuple[Tag, "av.VideoFrame"]]) -> Iterator[tuple[Tag, "av.VideoFrame"]]:
    """The same frames with their tags; an interlaced one becomes one whole picture, at the time of its first field."""
    graph, kind, tags = None, None, deque()  # type: Graph | None, object, deque[Tag]
    for tag, frame in frames:
        if graph is None or kind != (frame.width, frame.height, frame.format.name):
            yield from _last_of(graph, tags)
            graph, kind = chain(frame, [DEINTERLACE]), (frame.width, frame.height, frame.format.name)
        tags.append(tag)
        graph.push(frame)
        yield from _pulled(graph, tags)
    yield from _last_of(graph, tags)


def _last_of(graph: Graph | None, tags: deque[Tag]) -> Iterator[tuple[Tag, "av.VideoFrame"]]:
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph, tags)


def _pulled(graph: Graph, tags: deque[Tag]) -> Iterator[tuple[Tag, "av.VideoFrame"]]:
    while tags:
        try:
            frame = graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield tags.popleft(), frame


def display_matrix(frame: "av.VideoFrame") -> tuple[int, int, int, int] | None:
    """How a frame is to be shown, (a, b, c, d): x' = a x + c y, y' = b x + d y; None: as it is."""
    try:
        data = cast("SideDataContainer", frame.side_data)[Type.DISPLAYMATRIX]
    except KeyError:
        return None
    a, b, _, c, d = struct.unpack("=5i", bytes(data)[:20])
    return a, b, c, d


def turned(matrix: tuple[int, int, int, int] | None) -> list[Filter]:
    """The filters that show a picture as its file says: turned by quarters, mirrored, or both."""
    if matrix is None:
        return []
    a, b, c, d = matrix
    across = abs(b) > abs(a)
    left, up = (c < 0, b < 0) if across else (a < 0, d < 0)
    swap: list[Filter] = [("transpose", "cclock_flip")] if across else []
    return swap + [("hflip", "")] * left + [("vflip", "")] * up


def is_mirrored(matrix: tuple[int, int, int, int] | None) -> bool:
    """Whether a display matrix shows the picture as in a mirror."""
    return matrix is not None and matrix[0] * matrix[3] - matrix[1] * matrix[2] < 0


def is_deep(frame: "av.VideoFrame") -> bool:
    """Whether a frame stores words of 16 bits."""
    return bool(frame.format.components) and frame.format.components[0].bits == 16


def highest_value(frame: "av.VideoFrame") -> int:
    """The highest of a deep frame's values, 0 to 65535."""
    return int(Painter([RGB16]).paint(frame).max())


def bits_in_use(highest: int) -> int:
    """How many bits of 16 a film uses whose highest value is known."""
    return next((bits for bits in SHALLOW_BITS if highest < 1 << bits), 16)


def stretched(bits: int) -> list[Filter]:
    """The filters that give values of `bits` bits in words of 16 the full range."""
    if bits == 16:
        return []
    line = f"clip(val*{65535 / ((1 << bits) - 1):.9f},0,65535)"
    return [RGB16, ("lutrgb", f"r='{line}':g='{line}':b='{line}'")]


def tone_mapped(transfer: int) -> list[Filter]:
    """The filters that bring HDR into the ordinary range; nothing for other films.

    Every colour channel takes the curve of ITU-R BT.2390 from 1000 nits to reference white (203 nits). The wider
    primaries are left as they are: colours are a little paler, grey stays grey.
    """
    if transfer not in HDR:
        return []
    signal = np.linspace(0, 1, 65)
    shown = _ordinary(_nits_of_pq(signal) if HDR[transfer] == "PQ" else _nits_of_hlg(signal))
    points = " ".join(f"{x:.6f}/{y:.6f}" for x, y in zip(signal, shown, strict=True))
    return [RGB16, ("curves", f"all='{points}':interp=pchip")]


def _ordinary(nits: np.ndarray) -> np.ndarray:
    """The ordinary signal, 0 to 1, that shows this brightness, with the highlights rolled off."""
    mapped = _nits_of_pq(_rolled_off(_pq_of_nits(np.minimum(nits, PEAK_NITS))))
    return (mapped / WHITE_NITS).clip(0, 1) ** (1 / 2.2)


def _rolled_off(signal: np.ndarray) -> np.ndarray:
    """BT.2390's curve for PQ signals: straight up to a knee, then a Hermite spline to the new white."""
    top = _pq_of_nits(np.array(PEAK_NITS))
    white = float(_pq_of_nits(np.array(WHITE_NITS)) / top)
    knee = 1.5 * white - 0.5
    e = signal / top
    t = (e - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * white
    return np.where(e < knee, e, spline) * top


def _nits_of_pq(signal: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084."""
    power = np.maximum(signal, 0) ** (1 / 78.84375)
    return 10_000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)


def _pq_of_nits(nits: np.ndarray) -> np.ndarray:
    power = (nits / 10_000) ** 0.1593017578125
    return np.asarray(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def _nits_of_hlg(signal: np.ndarray) -> np.ndarray:
    """ARIB STD-B67 on a display of 1000 nits (ITU-R BT.2100, gamma 1.2)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return PEAK_NITS * scene**1.2


def cut_out(crop: tuple[int, int, int, int]) -> list[Filter]:
    """Cut the even rectangle around the crop first, the rest once colours are whole: chroma has half the size."""
    x0, y0, x1, y1 = crop
    even_x, even_y = x0 - x0 % 2, y0 - y0 % 2
    width, height = f"min(iw-{even_x},{x1 + x1 % 2 - even_x})", f"min(ih-{even_y},{y1 + y1 % 2 - even_y})"
    return [
        ("crop", f"w='{width}':h='{height}':x={even_x}:y={even_y}:exact=1"),
        ("format", "rgb24"),
        ("crop", f"w={x1 - x0}:h={y1 - y0}:x={x0 - even_x}:y={y0 - even_y}:exact=1"),
    ]


def scaled(width: int, height: int) -> list[Filter]:
    """Scale by area, to 8-bit RGB."""
    return [("scale", f"{width}:{height}:flags=area"), ("format", "rgb24")]
