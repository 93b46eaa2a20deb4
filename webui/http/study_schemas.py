"""The shapes of what the API answers about studies, their recordings and whether they are enough."""

from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, String

from webui.http.answer_schemas import NUMBER, Answer, many, texts


class MemberOut(Answer):
    """Somebody with whom a study is shared."""

    name, role = String(), String()


class StudyOut(Answer):
    """A study; `role`: of the person who asks; `bytes`: of its recordings."""

    id, kind, name, owner, role = String(), String(), String(), String(), String()
    created, touched, can_edit = String(), String(), Boolean()
    members, n_recordings, n_runs, bytes = many(MemberOut), Integer(), Integer(), Integer()


class StudyDetail(StudyOut):
    """A study with the space that all of its files take on the disk."""

    disk_bytes = Integer()


class LatestRun(Answer):
    """The run of a study that was begun last."""

    id, name, status = String(), String(), String()


class StudyGlimpse(StudyOut):
    """A study in a list: the recordings whose pictures stand for it, and its latest run."""

    pictures, latest_run = texts(), Nested(LatestRun, allow_none=True)


class AddedOut(Answer):
    """How many videos of a folder were added, and how many the study had already."""

    added, known = Integer(), Integer()


class ChangedOut(Answer):
    """How many rows of the table were set, and what of it was left out."""

    changed, notes = Integer(), texts()


class GuessOut(Answer):
    """What the path of a file says."""

    subject, group, session, day = String(), String(), String(), String()


class GuessesOut(Answer):
    """A guess for every path, and in sentences what was made of them."""

    guesses, said = many(GuessOut), texts()


class RecordingOut(Answer):
    """A recording: what the file declares of itself, and what a person said of it.

    `given_fps` overrides the file's clock; `keypoints` and `mask` name files of the study; `keypoints_said` is `ok` or
    why the keypoints cannot be used; `extra` holds all other columns.
    """

    id, study, file_name, bytes = String(), String(), String(), Integer()
    subject, group, session = String(), String(), String()
    day, dose, start_s, end_s = Float(**NUMBER), Float(**NUMBER), Float(**NUMBER), Float(**NUMBER)
    given_fps, keypoints, mask, keypoints_said = Float(**NUMBER), String(), String(), String()
    date, extra = String(), Dict(keys=String(), values=String())
    box, face_box = List(Float(), allow_none=True), List(Float(), allow_none=True)
    face_path = List(List(Float()), allow_none=True)
    status, reason, warnings = String(), String(), texts()
    fps, duration_s = Float(**NUMBER), Float(**NUMBER)
    width, height, frames = Integer(**NUMBER), Integer(**NUMBER), Integer(**NUMBER)


class CompanionOut(Answer):
    """A file of keypoints or masks."""

    id, kind, file_name, bytes = String(), String(), String(), Integer()


class VerdictOut(Answer):
    """What is known of a recording before it is analysed."""

    recording_id, file_name, subject, group = String(), String(), String(), String()
    status, reason, keypoints = String(), String(), String()
    fps, duration_s = Float(**NUMBER), Float(**NUMBER)
    width, height, frames_declared = Integer(**NUMBER), Integer(**NUMBER), Integer(**NUMBER)


class GroupSizeOut(Answer):
    """How much of a group can be used."""

    name, subjects, recordings, minutes = String(), Integer(), Integer(), Float()


class CheckOut(Answer):
    """Whether a study is enough; `problems` must be corrected before a run, `doubts` say what it cannot show.

    `estimates`: seconds that a run of each preset would take; `measured`: by the pace of this server's own runs.
    """

    verdicts, groups, reference_guess = many(VerdictOut), many(GroupSizeOut), String(allow_none=True)
    problems, doubts, enough = texts(), texts(), texts()
    estimates, measured = Dict(keys=String(), values=Float()), Boolean()
