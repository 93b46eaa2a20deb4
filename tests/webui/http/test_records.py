"""The records that the code is checked with and the schemas that the API is described with name the same fields."""

import pytest
from apiflask import Schema
from marshmallow import missing

from webui.http import answer_records as records
from webui.http import answer_schemas, people_schemas, request_records, schemas, study_schemas
from webui.jobs.records import RecordingValues, StageProgress
from webui.results import records as of_runs

ANSWERS: list[tuple[type, type[Schema]]] = [
    (StageProgress, answer_schemas.StageOut),
    (records.RunAnswer, answer_schemas.RunOut),
    (records.ShortRunAnswer, answer_schemas.ShortRun),
    (records.LogAnswer, answer_schemas.LogOut),
    (records.ResultsAnswer, answer_schemas.ResultsOut),
    (records.ComparedAnswer, answer_schemas.ComparedOut),
    (of_runs.ClipRecord, answer_schemas.ClipOut),
    (of_runs.FileRecord, answer_schemas.FileOut),
    (of_runs.WindowRecord, answer_schemas.WindowOut),
    (of_runs.NearestRecord, answer_schemas.NearestOut),
    (of_runs.PeakRecord, answer_schemas.PeakOut),
    (of_runs.EvidenceRecord, answer_schemas.EvidenceOut),
    (of_runs.MapRecord, answer_schemas.MapOut),
    (of_runs.MapsRecord, answer_schemas.MapsOut),
    (of_runs.ComparedSubject, answer_schemas.ComparedRow),
    (of_runs.PartWords, answer_schemas.PartOut),
    (of_runs.SubjectWords, answer_schemas.SubjectWords),
    (of_runs.RunWords, answer_schemas.WordsOut),
    (records.MemberAnswer, study_schemas.MemberOut),
    (records.StudyAnswer, study_schemas.StudyOut),
    (records.StudyDetailAnswer, study_schemas.StudyDetail),
    (records.LatestRunAnswer, study_schemas.LatestRun),
    (records.StudyGlimpseAnswer, study_schemas.StudyGlimpse),
    (records.AddedAnswer, study_schemas.AddedOut),
    (records.ChangedAnswer, study_schemas.ChangedOut),
    (records.GuessAnswer, study_schemas.GuessOut),
    (records.GuessesAnswer, study_schemas.GuessesOut),
    (records.RecordingAnswer, study_schemas.RecordingOut),
    (records.VerdictAnswer, study_schemas.VerdictOut),
    (records.GroupSizeAnswer, study_schemas.GroupSizeOut),
    (records.CheckAnswer, study_schemas.CheckOut),
    (records.PersonAnswer, people_schemas.PersonOut),
    (records.LimitsAnswer, people_schemas.LimitsOut),
    (records.MeAnswer, people_schemas.MeOut),
    (records.UserAnswer, people_schemas.UserOut),
    (records.TokenAnswer, people_schemas.TokenOut),
    (records.NewTokenAnswer, people_schemas.NewTokenOut),
    (records.AuditLineAnswer, people_schemas.AuditLine),
]
REQUESTS: list[tuple[type, type[Schema]]] = [
    (request_records.SignInRequest, schemas.SignIn),
    (request_records.NameRequest, schemas.StudyIn),
    (request_records.NameRequest, schemas.TokenIn),
    (request_records.MemberRequest, schemas.MemberIn),
    (request_records.ManyRequest, schemas.ManyIn),
    (request_records.PathRequest, schemas.PathIn),
    (request_records.PathsRequest, schemas.PathsIn),
    (request_records.RunRequest, schemas.RunIn),
    (request_records.ClipRequest, schemas.ClipIn),
    (request_records.ScoreRequest, schemas.ScoreIn),
    (request_records.NewUserRequest, schemas.UserIn),
    (request_records.UserChangeRequest, schemas.UserChange),
    (request_records.PageRequest, schemas.PageIn),
    (request_records.TimeRequest, schemas.TimeIn),
    (request_records.RunsRequest, schemas.RunsIn),
]


@pytest.mark.parametrize(("record", "schema"), ANSWERS + REQUESTS, ids=lambda one: one.__name__)
def test_a_record_names_the_fields_of_its_schema(record: type, schema: type[Schema]) -> None:
    assert set(record.__annotations__) == set(schema().fields)


@pytest.mark.parametrize(("record", "schema"), REQUESTS, ids=lambda one: one.__name__)
def test_what_a_record_needs_is_always_in_the_request(record: type, schema: type[Schema]) -> None:
    always = {name for name, one in schema().fields.items() if one.required or one.load_default is not missing}
    assert set(record.__required_keys__) == always  # type: ignore[attr-defined]


def test_what_may_be_said_of_a_recording_is_what_its_record_holds() -> None:
    assert set(RecordingValues.__annotations__) == set(schemas.RecordingIn().fields) | {"outside"}
