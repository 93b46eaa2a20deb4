"""What the routes answer; the schemas of `answer_schemas.py` and its neighbours describe the same fields to the reader.

A test holds each record and its schema to the same names.
"""

from typing import TypedDict

from webui.jobs.records import Description, StageProgress
from webui.results.records import ClipRecord, ComparedSubject, FileRecord, Row, RunWords


class RunAnswer(TypedDict):
    """A run: its status, its stages, the share that is done, and an estimate of the rest in seconds."""

    id: str
    study: str
    study_name: str
    can_edit: bool
    name: str
    status: str
    stage: str
    stages: list[StageProgress]
    fraction: float
    eta_s: float | None
    queue_position: int | None
    error: str
    warnings: list[str]
    reference: str | None
    preset: str
    posture: str | None
    plan: str | None
    block: str | None
    seed: int
    created: str
    started: str | None
    finished: str | None
    against: str | None
    opened: bool
    kind: str


class ShortRunAnswer(TypedDict):
    """A run in the list of all runs."""

    id: str
    study: str
    study_name: str
    name: str
    status: str
    preset: str
    created: str
    kind: str


class LogAnswer(TypedDict):
    """Lines of a log, and the position from which to ask for more."""

    lines: list[str]
    next: int


class ResultsAnswer(TypedDict):
    """What a run found; empty tables and None while it is not that far."""

    run: RunAnswer
    subjects: list[Row]
    recordings: list[Row]
    statistics: object
    motifs: object
    usage: list[Row]
    clips: list[ClipRecord]
    files: list[FileRecord]
    words: RunWords | None


class ComparedAnswer(TypedDict):
    """Two runs side by side."""

    runs: list[RunAnswer]
    subjects: list[ComparedSubject]
    n: int
    rank_correlation: float | None


class NamedReferenceAnswer(TypedDict):
    """A frozen reference with a name; `version` stands for all that decides a score."""

    id: str
    name: str
    run: str
    version: str
    study_name: str
    group: str
    subjects: int
    created: str


class VisitAnswer(TypedDict):
    """One visit and its deviation; `recordings`: names in the run, most deviant first."""

    date: str
    recordings: list[str]
    deviation: float | None
    low: float | None
    high: float | None
    p: float | None


class PatientAnswer(TypedDict):
    """A patient over visits; `run` is the latest comparison, `compared` the latest that is done, with its visits."""

    id: str
    pseudonym: str
    reference: NamedReferenceAnswer | None
    run: RunAnswer | None
    visits: list[VisitAnswer]
    band: list[float] | None
    finding: list[str]
    limits: list[str]
    compared: str | None
    clips: list[ClipRecord]


class MemberAnswer(TypedDict):
    """Somebody with whom a study is shared."""

    name: str
    role: str


class StudyAnswer(TypedDict):
    """A study; `role`: of the person who asks; `bytes`: of its recordings; `kind`: study or example."""

    id: str
    kind: str
    name: str
    owner: str
    created: str
    touched: str
    role: str
    can_edit: bool
    members: list[MemberAnswer]
    n_recordings: int
    n_runs: int
    bytes: int


class StudyDetailAnswer(StudyAnswer):
    """A study with the space that all of its files take on the disk."""

    disk_bytes: int


class LatestRunAnswer(TypedDict):
    """The run of a study that was begun last."""

    id: str
    name: str
    status: str


class StudyGlimpseAnswer(StudyAnswer):
    """A study in a list: the recordings whose pictures represent it, and its latest run."""

    pictures: list[str]
    latest_run: LatestRunAnswer | None


class AddedAnswer(TypedDict):
    """How many videos of a folder were added, and how many the study had already."""

    added: int
    known: int


class ChangedAnswer(TypedDict):
    """How many rows of the table were set, and what of it was left out."""

    changed: int
    notes: list[str]


class GuessAnswer(TypedDict):
    """What the path of a file says; empty where it says nothing."""

    subject: str
    group: str
    session: str
    day: str


class GuessesAnswer(TypedDict):
    """A guess for every path, and in sentences what was made of them."""

    guesses: list[GuessAnswer]
    said: list[str]


class RecordingAnswer(Description):
    """A recording: what its file declares, and what a person said of it."""

    id: str
    study: str
    file_name: str
    bytes: int
    given_fps: float | None
    keypoints: str
    mask: str
    keypoints_said: str
    date: str
    extra: dict[str, str]
    face_path: list[list[float]] | None
    status: str
    reason: str
    warnings: list[str]
    fps: float | None
    duration_s: float | None
    width: int | None
    height: int | None
    frames: int | None


class CompanionAnswer(TypedDict):
    """A file of keypoints or masks."""

    id: str
    kind: str
    file_name: str
    bytes: int


class VerdictAnswer(TypedDict):
    """What is known of a recording before it is analysed."""

    recording_id: str
    file_name: str
    subject: str
    group: str
    status: str
    reason: str
    keypoints: str
    fps: float | None
    duration_s: float | None
    width: int | None
    height: int | None
    frames_declared: int | None


class GroupSizeAnswer(TypedDict):
    """How much of a group can be used."""

    name: str
    subjects: int
    recordings: int
    minutes: float


class CheckAnswer(TypedDict):
    """Whether a study is enough; `problems` must be corrected before a run, `doubts` say what it cannot show."""

    verdicts: list[VerdictAnswer]
    groups: list[GroupSizeAnswer]
    enough: list[str]
    doubts: list[str]
    problems: list[str]
    reference_guess: str | None
    estimates: dict[str, float]
    measured: bool


class PersonAnswer(TypedDict):
    """The person who asks; by_provider: they sign in at a provider and have no password here."""

    id: str
    name: str
    role: str
    email: str
    by_provider: bool


class LimitsAnswer(TypedDict):
    """What one person and one file may take."""

    max_bytes: int
    max_pixels: int
    max_seconds: float
    chunk_bytes: int
    largest_chunk_bytes: int
    quota_bytes: int


class MeAnswer(TypedDict):
    """Who asks (None: nobody is signed in), the CSRF token of the session, and what is allowed here."""

    user: PersonAnswer | None
    accounts: bool
    csrf: str
    mail: bool
    presets: list[str]
    server_folders: bool
    retention_days: int
    limits: LimitsAnswer


class SpaceAnswer(TypedDict):
    """Bytes that one's videos take, that they may take, and that are free on the server."""

    used: int
    quota: int
    free: int


class UserAnswer(TypedDict):
    """A person, as an admin sees them."""

    id: str
    name: str
    role: str
    active: bool
    created: str
    n_studies: int


class TokenAnswer(TypedDict):
    """A key for programs, without its value."""

    id: str
    name: str
    created: str
    used: str | None
    scope: str
    expires: str | None


class NewTokenAnswer(TokenAnswer):
    """A key for programs with its value, which is shown once."""

    token: str


class AuditLineAnswer(TypedDict):
    """Who did what to which thing."""

    id: int
    at: str
    user: str
    user_id: str
    action: str
    kind: str
    object_id: str
    address: str


class ReadyAnswer(TypedDict):
    """Whether the service is ready, and what it lacks."""

    status: str
    lacking: list[str]


class CommentAnswer(TypedDict):
    """What somebody said of a moment of a film, seconds of the recording."""

    id: str
    recording_id: str
    time_s: float
    text: str
    user: str
    created: str
    can_delete: bool
