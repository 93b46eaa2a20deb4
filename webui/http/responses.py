"""Files for the browser: ranges, pictures with hidden faces, and nothing that could act in the page's name."""

import io
import mimetypes
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apiflask import abort
from flask import Response, g, request, send_file

from webui.context import service
from webui.data.face import AROUND_S, STILL_S, box_around
from webui.data.models import Recording

PLAIN_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".log": "text/plain",
    ".npz": "application/octet-stream",
}
PATCHES = 4


def send_whole(path: Path, *, name: str = "", kind: str = "", keep_s: int = 0) -> Response:
    """A file, or the range of it that was asked for; 404 while it is not there."""
    if not path.is_file():
        abort(404, "There is no such file (yet).")
    mimetype = kind or PLAIN_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    response = send_file(
        path, mimetype=mimetype, conditional=True, as_attachment=bool(name), download_name=name or None, max_age=keep_s
    )
    response.headers["Cache-Control"] = f"private, max-age={keep_s}" if keep_s else "private, no-cache"
    g.file_answer = True
    return response


def send_layers(film: Path, kind: str) -> Response:
    """The layers of a clip: the film (`mp4`) or the displacements beside it (`json`); 404 for any other kind."""
    if kind not in ("mp4", "json"):
        abort(404, "The layers of a clip are there as mp4 and as json.")
    return send_whole(film.with_suffix(f".{kind}"))


def send_text(lines: Iterable[bytes], file_name: str, *, name: str = "", kind: str = "") -> Response:
    """A text that was changed on its way, from a file without a name that the answer closes."""
    out = tempfile.TemporaryFile(dir=service().storage.data)  # noqa: SIM115
    out.writelines(lines)
    out.seek(0)
    mimetype = kind or PLAIN_TYPES.get(Path(file_name).suffix) or mimetypes.guess_type(file_name)[0] or "text/plain"
    response = send_file(out, mimetype=mimetype, as_attachment=bool(name), download_name=name or None, max_age=0)
    response.headers["Cache-Control"] = "private, no-cache"
    g.file_answer = True
    return response


def send_picture(data: bytes, *, keep_s: int = 3600) -> Response:
    """A JPEG."""
    response = Response(data, mimetype="image/jpeg")
    response.headers["Cache-Control"] = f"private, max-age={keep_s}"
    response.add_etag()
    g.file_answer = True
    response.make_conditional(request)
    return response


def jpeg_of(picture: Any) -> bytes:
    """A picture uint8 [H, W, 3] RGB as JPEG."""
    from PIL import Image  # here and not above: 5 MB that an upload does not need

    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=90)
    return out.getvalue()


def frame_without_face(path: Path, recording: Recording) -> bytes:
    """The frame of a recording that is shown; the part around its face as 4 x 4 patches of mean colour."""
    data = path.read_bytes()
    if not recording.face or not recording.width:
        return data
    from PIL import Image

    picture = Image.open(io.BytesIO(data)).convert("RGB")
    scale = picture.width / recording.width
    x0, y0, x1, y1 = (round(side * scale) for side in _face_of_frame(recording))
    box = (max(0, x0), max(0, y0), min(picture.width, max(x1, x0 + 1)), min(picture.height, max(y1, y0 + 1)))
    if box[0] >= box[2] or box[1] >= box[3]:
        return data
    part = picture.crop(box)
    patches = part.resize((PATCHES, PATCHES), Image.Resampling.BOX).resize(part.size, Image.Resampling.NEAREST)
    picture.paste(patches, box)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def _face_of_frame(recording: Recording) -> tuple[float, float, float, float]:
    """Where the face may be in the frame that is shown: one from the middle, or from anywhere in a damaged film."""
    if recording.status != "ok" or not recording.frames or not recording.fps:
        return box_around(recording.face, recording.face[0][0], recording.face[-1][0])
    middle = min(recording.frames / recording.fps / 2, STILL_S)
    return box_around(recording.face, middle - AROUND_S, middle + AROUND_S)
