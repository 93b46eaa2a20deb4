"""What a server process and its child processes hand to each other, and what a run keeps of its recordings."""

from typing import Literal, NotRequired, TypedDict

HEAVY_KINDS = ("run", "score")  # of jobs
IN_PHASE = "in-phase"  # a clip of two recordings of a run: each moment beside the same moment of the other


class StageProgress(TypedDict):
    """How far a stage is: waiting, running or done; `seconds` is None before it began."""

    name: str
    state: str
    done: int
    total: int
    seconds: float | None


class JobProgress(TypedDict):
    """progress.json: the stage that runs, empty between two stages, and all stages of the job."""

    stage: str
    stages: list[StageProgress]


class RecordingValues(TypedDict, total=False):
    """What a person, a table or a guess says of a recording; boxes are [left, top, right, bottom] in pixels."""

    subject: str
    group: str
    session: str
    day: float | None
    dose: float | None
    start_s: float | None
    end_s: float | None
    given_fps: float | None
    keypoints: str
    mask: str
    date: str
    extra: dict[str, str]
    box: list[float] | None
    face_box: list[float] | None
    face_path: list[list[float]] | None
    outside: str


class Description(TypedDict):
    """The same, with every field: empty texts and None stand for what nobody said."""

    subject: str
    group: str
    session: str
    day: float | None
    dose: float | None
    start_s: float | None
    end_s: float | None
    box: list[float] | None
    face_box: list[float] | None


class RunEntry(Description):
    """A recording as it was when a run was queued: `id` is its id in the study.

    Runs of older versions lack the last five.
    """

    id: str
    file_name: str
    duration_s: float | None
    given_fps: NotRequired[float | None]
    keypoints: NotRequired[str]
    mask: NotRequired[str]
    extra: NotRequired[dict[str, str]]
    face_path: NotRequired[list[list[float]] | None]


class ProcessLimits(TypedDict):
    """What the process that reads a video may use."""

    bytes: int
    cpu_seconds: float


class ProbeLimits(ProcessLimits):
    """The same, with the largest frame and the longest video that are taken."""

    pixels: int
    seconds: float


class ProbeOrder(TypedDict):
    """Find out what the file `video` is, and write that into the folder `out`.

    `given_fps` overrides its clock; `keypoints` and `mask` are files that are to go with it. `lacking`: of these, why a
    file that is named is not there.
    """

    do: Literal["probe"]
    video: str
    out: str
    given_fps: float | None
    keypoints: str | None
    mask: str | None
    lacking: dict[str, str]
    limits: ProbeLimits


class CopyOrder(TypedDict):
    """Write the playable copy `out`; the `face` becomes unrecognisable, and a `width` of None keeps the video's own.

    face: [time_s, x0, y0, x1, y1] at some moments, as `webui.data.face` takes it; empty where there is none.
    """

    do: Literal["copy"]
    video: str
    out: str
    face: list[list[float]]
    width: int | None
    limits: ProcessLimits


class Declared(TypedDict):
    """What a video file declares of itself."""

    fps: float
    duration_s: float
    width: int
    height: int
    frames: int
    status: str
    reason: str
    warnings: list[str]
    keypoints_said: str


class Shortfall(TypedDict):
    """What differs from the declaration in a file that was cut short or is damaged."""

    status: str
    reason: str
    frames: int
    duration_s: float


class RunOrder(TypedDict):
    """Analyse the study in `folder` into the run folder `out`."""

    do: Literal["run"]
    folder: str
    out: str
    reference: str
    preset: str
    posture: str | None
    plan: str | None
    block: str | None
    seed: int
    workers: int


class ScoreOrder(TypedDict):
    """Score the study in `folder` against the frozen reference of the run folder `against`."""

    do: Literal["score"]
    folder: str
    out: str
    against: str
    workers: int


class ClipOrder(TypedDict):
    """Write one magnified clip of the run folder `run` to the file `out`.

    `against`: the run that holds the reference recordings of a run that was scored against a frozen reference.
    """

    do: Literal["clip"]
    run: str
    against: str | None
    recording: str
    factor: float
    layout: str
    appearance: str | None
    from_s: float | None
    to_s: float | None
    out: str
    folder: str
