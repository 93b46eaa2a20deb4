"""The shapes of what the API takes; every text is checked for length and control characters before it goes anywhere."""

import unicodedata
from datetime import date
from itertools import pairwise
from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, String
from apiflask.validators import Email, Length, OneOf, Range
from marshmallow import ValidationError, validates_schema

from ubam.core.settings import FACTOR_RANGE, LAYOUTS, POSTURES
from ubam.tracking.eye.landmarks import PLANS
from webui.jobs.records import IN_PHASE

TRANSFER = "transfer"  # the posture of one recording with the appearance of another
OF_TWO = (TRANSFER, IN_PHASE)
LARGEST = 1e9


def clean(text: str) -> None:
    """Refuse control characters and lone surrogates, which neither a database nor a page can hold."""
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise ValidationError("holds control characters; remove them.")


def filled(text: str) -> None:
    """Refuse an empty text."""
    if not text.strip():
        raise ValidationError("is empty; write something.")


def name_field(**options: Any) -> String:
    """A name that must be there."""
    return String(validate=[Length(1, 200), clean, filled], **options)


def label_field(**options: Any) -> String:
    """A text that may be empty."""
    return String(validate=[Length(0, 200), clean], **options)


def number_field(low: float = -LARGEST, high: float = LARGEST) -> Float:
    """A number or nothing; JSON's true and false are no numbers."""
    return Float(allow_none=True, validate=Range(low, high))


def is_date(text: str) -> bool:
    """Whether a text is a day as ISO 8601 writes it."""
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _dated(text: str) -> None:
    if text and not is_date(text):
        raise ValidationError("is no date; write 2026-05-31, or nothing.")


def _mailable(text: str) -> None:
    if text:
        Email(error="is no e-mail address; write one, or nothing.")(text)


class Box(List[float]):
    """[x0, y0, x1, y1] in pixels, or nothing."""

    def __init__(self) -> None:
        side = Float(validate=Range(0, 100_000))
        super().__init__(side, allow_none=True, validate=[Length(equal=4), _is_box])


def _is_box(sides: list[float]) -> None:
    if len(sides) == 4 and not (sides[0] < sides[2] and sides[1] < sides[3]):
        raise ValidationError("is no box; write [left, top, right, bottom] in pixels.")


class FacePath(List[Any]):
    """[time_s, x0, y0, x1, y1] at some moments in their order, or nothing: a box that moves evenly between them."""

    def __init__(self) -> None:
        key = List(Float(validate=Range(0, 1e6)), validate=Length(equal=5))
        super().__init__(key, allow_none=True, validate=[Length(1, 500), _is_path])


def _is_path(keys: list[list[float]]) -> None:
    for key in keys:
        _is_box(key[1:])
    times = [key[0] for key in keys if key]
    if any(later <= before for before, later in pairwise(times)):
        raise ValidationError("is not in the order of time; sort its moments, each once.")


class SignIn(Schema):
    """Name and password."""

    name = name_field(required=True)
    password = String(required=True, validate=[Length(1, 1000), clean])


class StudyIn(Schema):
    """A study's name."""

    name = name_field(required=True)


class MemberIn(Schema):
    """Somebody with whom a study is shared."""

    name = name_field(required=True)
    role = String(required=True, validate=OneOf(("viewer", "editor")))


class RecordingIn(Schema):
    """What a person may say about a recording."""

    subject = label_field()
    group = label_field()
    session = label_field()
    day = number_field()
    dose = number_field()
    start_s = number_field(0)
    end_s = number_field(0)
    given_fps = Float(allow_none=True, validate=Range(0, 1e6, min_inclusive=False))
    keypoints = String(validate=[Length(0, 1000), clean])
    mask = String(validate=[Length(0, 1000), clean])
    date = String(validate=[Length(0, 10), _dated])
    extra = Dict(keys=name_field(), values=label_field(), validate=Length(0, 40))
    box = Box()
    face_box = Box()
    face_path = FacePath()

    @validates_schema
    def _ends_after_start(self, data: dict[str, Any], **_: Any) -> None:
        start, end = data.get("start_s"), data.get("end_s")
        if end is not None and end <= (start or 0):
            raise ValidationError("is not after the start; swap them.", "end_s")


class ValuesIn(RecordingIn):
    """The same for many recordings."""


class ManyIn(Schema):
    """The same values for many recordings."""

    ids = List(String(validate=[Length(1, 64), clean]), required=True, validate=Length(1, 5000))
    set = Nested(ValuesIn, required=True)


class PathIn(Schema):
    """A folder on the server."""

    path = String(required=True, validate=[Length(1, 2000), clean, filled])


class PathsIn(Schema):
    """Files with their paths inside the folder that was given."""

    paths = List(String(validate=Length(1, 2000)), required=True, validate=Length(1, 5000))


class RunIn(Schema):
    """How to analyse a study; without a reference every subject is compared with all others.

    posture, plan and block are the options of `ubam run` of these names. again: start it even where the same run is
    there already.
    """

    name = label_field()
    reference = label_field(allow_none=True)
    preset = String(load_default="standard", validate=[Length(1, 32), clean])
    posture = String(allow_none=True, validate=OneOf(POSTURES))
    plan = String(allow_none=True, validate=OneOf(PLANS))
    block = label_field(allow_none=True)
    seed = Integer(load_default=0, strict=True, validate=Range(0, 2**31 - 1))
    again = Boolean(load_default=False)


class ClipIn(Schema):
    """A magnified clip.

    `transfer` shows the posture of the recording with the pixels of the one in `appearance`; `in-phase` shows both
    recordings beside each other, at the same moment of the movement.
    """

    recording_id = name_field(required=True)
    factor = Float(load_default=0.0, validate=Range(*FACTOR_RANGE))
    layout = String(load_default="side-by-side", validate=OneOf((*LAYOUTS, *OF_TWO)))
    appearance = label_field(allow_none=True)
    from_s = number_field(0)
    to_s = number_field(0)

    @validates_schema
    def _has_looks(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("layout") in OF_TWO) != bool(data.get("appearance")):
            raise ValidationError("goes with the layouts 'transfer' and 'in-phase', and they with this.", "appearance")
        if data.get("appearance") == data["recording_id"]:
            raise ValidationError("is the recording itself; take another one.", "appearance")


class ScoreIn(Schema):
    """Recordings of any of one's studies, to be scored against the frozen reference of a run."""

    recordings = List(String(validate=[Length(1, 64), clean]), required=True, validate=Length(1, 500))
    name = label_field()
    again = Boolean(load_default=False)


class CommentIn(Schema):
    """What is said of a moment of a film of a run."""

    recording_id = name_field(required=True)
    time_s = Float(required=True, validate=Range(0, LARGEST))
    text = String(required=True, validate=[Length(1, 2000), clean, filled])


class UserIn(Schema):
    """A new person."""

    name = name_field(required=True)
    password = String(required=True, validate=[Length(10, 1000), clean])
    role = String(load_default="member", validate=OneOf(("admin", "member", "viewer")))


class UserChange(Schema):
    """What an admin may change about a person; a person may change their own password and e-mail."""

    password = String(validate=[Length(10, 1000), clean])
    old_password = String(validate=[Length(0, 1000), clean])
    role = String(validate=OneOf(("admin", "member", "viewer")))
    active = Boolean()
    email = String(validate=[Length(0, 320), clean, _mailable])


class TokenIn(Schema):
    """What a token is for, what it may do, and after how many days it ends (null: never)."""

    name = name_field(required=True)
    scope = String(load_default="all", validate=OneOf(("all", "read")))
    days = Integer(load_default=None, allow_none=True, strict=True, validate=Range(1, 3650))


class PageIn(Schema):
    """Where a long list continues."""

    after = Integer(load_default=0, validate=Range(0, 2**53))


class AuditIn(PageIn):
    """Where the audit log continues, and words that must stand in a line."""

    words = String(load_default="", validate=[Length(0, 200), clean])


class TimeIn(Schema):
    """A moment of a recording, seconds."""

    t = Float(required=True, validate=Range(0, LARGEST))


class RunsIn(Schema):
    """Two runs, comma between them."""

    runs = String(required=True, validate=[Length(1, 200), clean])


class Error(Schema):
    """A problem (RFC 9457): `error` is what went wrong in one sentence, `detail` what else is known."""

    type = String(required=True)
    title = String(required=True)
    status = Integer(required=True)
    error = String(required=True)
    detail = Dict(required=True)


Answers = dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]


def answers(kind: str, words: str = "the file, or the range of it that was asked for") -> Answers:
    """What the OpenAPI document says of a route that answers with a file."""
    content: dict[str, dict[str, Any]] = {kind: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": words, "content": content}}
