"""The shapes of requests and answers about named references, patients and their visits."""

from apiflask import Schema
from apiflask.fields import Float, Integer, List, Nested, String

from webui.http.answer_schemas import NUMBER, Answer, ClipOut, RunOut, many, texts
from webui.http.schemas import name_field


class ReferenceIn(Schema):
    """The name of a reference."""

    name = name_field(required=True)


class PatientIn(Schema):
    """A pseudonym, and the reference that the patient is held to."""

    pseudonym = name_field(required=True)
    reference = name_field(required=True)


class NamedReferenceOut(Answer):
    """A frozen reference with a name; `version` stands for all that decides a score."""

    id, name, run, version = String(), String(), String(), String()
    study_name, group, subjects, created = String(), String(), Integer(), String()


class ReferencePart(NamedReferenceOut):
    """A named reference in another answer."""


class VisitRunOut(RunOut):
    """The run in which the visits were compared."""


class VisitOut(Answer):
    """One visit and its deviation; `recordings`: names in the run, most deviant first."""

    date, recordings = String(), texts()
    deviation, low, high, p = Float(**NUMBER), Float(**NUMBER), Float(**NUMBER), Float(**NUMBER)


class VisitClip(ClipOut):
    """A film of visits."""


class PatientOut(Answer):
    """A patient over visits; `run` is the latest comparison, `compared` the latest that is done.

    Visits are those that it has compared, clips the films of them that are there.
    """

    id, pseudonym, reference = String(), String(), Nested(ReferencePart, allow_none=True)
    run, visits = Nested(VisitRunOut, allow_none=True), many(VisitOut)
    band = List(Float(), allow_none=True)
    finding, limits = texts(), texts()
    compared, clips = String(allow_none=True), many(VisitClip)
