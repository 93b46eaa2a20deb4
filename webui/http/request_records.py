"""What the schemas of `schemas.py` hand to a route: requests after they were checked."""

from typing import NotRequired, TypedDict

from webui.jobs.records import RecordingValues


class SignInRequest(TypedDict):
    """Name and password."""

    name: str
    password: str


class NameRequest(TypedDict):
    """The name of a study, a run or a token."""

    name: str


class PatientRequest(TypedDict):
    """A pseudonym, and the id of a named reference."""

    pseudonym: str
    reference: str


class TokenRequest(TypedDict):
    """What a token is for, what it may do, and after how many days it ends; None: never."""

    name: str
    scope: str
    days: int | None


class MemberRequest(TypedDict):
    """Somebody with whom a study is shared, as viewer or editor."""

    name: str
    role: str


class ManyRequest(TypedDict):
    """The same values for the recordings with these ids."""

    ids: list[str]
    set: RecordingValues


class PathRequest(TypedDict):
    """A folder on the server."""

    path: str


class PathsRequest(TypedDict):
    """Paths of files inside the folder that was given."""

    paths: list[str]


class RunRequest(TypedDict):
    """How to analyse a study."""

    name: NotRequired[str]
    reference: NotRequired[str | None]
    preset: str
    posture: NotRequired[str | None]
    plan: NotRequired[str | None]
    block: NotRequired[str | None]
    seed: int
    again: bool


class ClipRequest(TypedDict):
    """Which magnified clip to render; times in seconds of the recording."""

    recording_id: str
    factor: float
    layout: str
    appearance: NotRequired[str | None]
    from_s: NotRequired[float | None]
    to_s: NotRequired[float | None]


class ScoreRequest(TypedDict):
    """Ids of the recordings to score against the frozen reference of a run."""

    recordings: list[str]
    again: bool
    name: NotRequired[str]


class CommentRequest(TypedDict):
    """What is said of which moment of which recording of a run."""

    recording_id: str
    time_s: float
    text: str


class NewUserRequest(TypedDict):
    """A new person: admin, member or viewer."""

    name: str
    password: str
    role: str


class UserChangeRequest(TypedDict, total=False):
    """What changes about a person."""

    password: str
    old_password: str
    role: str
    active: bool
    email: str


class PageRequest(TypedDict):
    """Where a long list continues; 0: at its beginning."""

    after: int


class AuditRequest(PageRequest):
    """The same for the audit log, with words that must stand in a line."""

    words: str


class TimeRequest(TypedDict):
    """A moment of a recording in seconds."""

    t: float


class RunsRequest(TypedDict):
    """The ids of two runs with a comma between them."""

    runs: str
