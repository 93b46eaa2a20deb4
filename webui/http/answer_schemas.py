"""The shapes of what the API answers about runs: the one contract between Python and the pages.

Tests hold to it what is sent, and what the pages read of it.
"""

from collections.abc import Mapping
from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Field, Float, Integer, List, Nested, String
from marshmallow import INCLUDE, RAISE, post_dump


class Answer(Schema):
    """An answer, or a part of one: it has every field that is not marked as optional, and no other field."""

    class Meta:
        """Nothing else is in it."""

        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: Field[Any]) -> None:
        """Fields are there unless they say otherwise."""
        field_obj.required = "optional" not in field_obj.metadata


class OpenAnswer(Answer):
    """An answer in which more may stand: columns that a study brought, numbers that a run's file holds."""

    class Meta:
        """What else there is goes along."""

        unknown = INCLUDE

    @post_dump(pass_original=True)
    def _take_along(self, data: dict[str, Any], original: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {**original, **data}


OPTIONAL: dict[str, Any] = {"metadata": {"optional": True}}
NUMBER: dict[str, Any] = {"allow_none": True}  # a number that may be unknown
KIND = String(data_key="class", attribute="class")  # the colour of a group, or how bad a finding is


def texts() -> List[str]:
    """Sentences or names."""
    return List(String())


def many(schema: type[Schema], **options: Any) -> List[Any]:
    """A list of parts."""
    return List(Nested(schema), **options)


class StageOut(Answer):
    """A stage of a run; `seconds` is None before it began."""

    name, state = String(), String()
    done, total, seconds = Integer(), Integer(), Float(**NUMBER)


class RunOut(Answer):
    """A run: status, stages, share done, estimate."""

    id, study, study_name, name, kind = String(), String(), String(), String(), String()
    can_edit, opened = Boolean(), Boolean()
    status, stage, error = String(), String(), String()
    stages, warnings = many(StageOut), texts()
    fraction, eta_s, queue_position = Float(), Float(**NUMBER), Integer(**NUMBER)
    reference, preset, seed, against = String(allow_none=True), String(), Integer(), String(allow_none=True)
    created, started, finished = String(), String(allow_none=True), String(allow_none=True)


class ShortRun(Answer):
    """A run in the list of all runs."""

    id, study, study_name, name, kind = String(), String(), String(), String(), String()
    status, preset, created = String(), String(), String()


class LogOut(Answer):
    """Lines of a log, and the position from which to ask for more."""

    lines, next = texts(), Integer()


class RunPart(RunOut):
    """A run in another answer; OpenAPI wants a name of its own for it."""


class FactsOut(OpenAnswer):
    """What a clip measures of itself."""

    factor, from_s, to_s = Float(**NUMBER, **OPTIONAL), Float(**NUMBER, **OPTIONAL), Float(**NUMBER, **OPTIONAL)
    factor_measured, factor_geometric = Float(**NUMBER, **OPTIONAL), Float(**NUMBER, **OPTIONAL)
    agreement = Float(**NUMBER, **OPTIONAL)
    frames, marked_frames = Integer(**OPTIONAL), Integer(**OPTIONAL)


class ClipOut(Answer):
    """A magnified clip; `id` is None for one that came with the run. `layers`: their address without its ending."""

    id, run, recording_id, layout = String(allow_none=True), String(), String(), String()
    appearance, factor = String(allow_none=True), Float(**NUMBER)
    from_s, to_s = Float(**NUMBER), Float(**NUMBER)
    status, error, fraction, queue_position = String(), String(), Float(), Integer(**NUMBER)
    facts, url, layers = Nested(FactsOut), String(), String(allow_none=True)


class ClipPart(ClipOut):
    """A clip in another answer."""


class SubjectRow(OpenAnswer):
    """A row of deviation/subjects.csv."""

    subject, group, deviation = String(), String(), Float(**NUMBER)
    deviation_low, deviation_high = Float(**NUMBER), Float(**NUMBER)
    p_value, smallest_p = Float(**NUMBER, **OPTIONAL), Float(**NUMBER, **OPTIONAL)


class RecordingRow(OpenAnswer):
    """A row of recordings.csv with its score, where it has one, and the recording of the study that it was made of."""

    recording_id, subject, group, status, reason = String(), String(), String(), String(), String()
    deviation, session, day = Float(**NUMBER, **OPTIONAL), String(**OPTIONAL), Float(**NUMBER, **OPTIONAL)
    study_recording, file_name = String(allow_none=True), String(allow_none=True)


class UsageRow(OpenAnswer):
    """A row of motifs/usage.csv."""

    subject, group, motif, share = String(), String(), Integer(), Float(**NUMBER)


class ExampleOut(OpenAnswer):
    """A moment that shows a motif."""

    recording_id, subject, t_start_s, t_end_s = String(), String(), Float(), Float()


class MotifOut(OpenAnswer):
    """One motif."""

    motif, share, examples = Integer(), Float(**NUMBER), many(ExampleOut)


class CycleOut(OpenAnswer):
    """The order in which motifs follow each other."""

    order, share = List(Integer()), Float()


class MotifsOut(OpenAnswer):
    """motifs/motifs.json."""

    motifs, words, cycle = many(MotifOut), String(), Nested(CycleOut, allow_none=True)


class PointOut(OpenAnswer):
    """A session of a subject, or a mean over subjects, in a curve."""

    x, deviation, low, high = Float(), Float(), Float(**NUMBER), Float(**NUMBER)
    subject = String(**OPTIONAL)


class SlopeOut(OpenAnswer):
    """The slope of one subject."""

    subject, slope = String(), Float()


class CurveOut(OpenAnswer):
    """The deviation of a group over days or doses."""

    column, group, words, slope = String(), String(), String(), Float(**NUMBER)
    points, mean, subjects = many(PointOut), many(PointOut), many(SlopeOut)


class ControlOut(OpenAnswer):
    """How well one way of coding separates the groups."""

    auc = Float(**NUMBER)


class StatisticsOut(OpenAnswer):
    """statistics.json; docs/formats.md names all that it holds, these the page reads."""

    notes, curves = texts(), many(CurveOut, **OPTIONAL)
    controls = Dict(keys=String(), values=Nested(ControlOut), **OPTIONAL)


class EffectOut(Answer):
    """An effect size in words."""

    name, value, interval = String(), String(), String()


class TestOut(Answer):
    """A test in words; `refused` says why there is no p."""

    question, sentence, heading = String(**OPTIONAL), String(**OPTIONAL), String(**OPTIONAL)
    family, refused = String(**OPTIONAL), String(**OPTIONAL)
    name, unit, n, notes, effects = String(), String(), String(), texts(), many(EffectOut)
    p, smallest_p, corrected_p, correction = String(), String(), String(), String()


class FamilyOut(Answer):
    """Tests that belong together."""

    name, rows = String(), many(TestOut)


class LikenessOut(Answer):
    """How much a subject looks like a group, percent."""

    group, kind, percent = String(), KIND, Float()


class LooksLikeOut(Answer):
    """Which group a subject looks like to a classifier that never saw it."""

    subject, group, kind, parts = String(), String(), KIND, many(LikenessOut)
    own, predicted, wrong = String(), String(), Boolean()


class GroupOut(Answer):
    """A group and its colour."""

    name, kind = String(), KIND


class ClassifierOut(Answer):
    """Which subjects look like which group."""

    words, refused, name = String(), String(), String()
    groups, facts, rows = many(GroupOut), List(List(String())), many(LooksLikeOut)


class PropertyOut(Answer):
    """Something besides movement that could separate two groups."""

    label, unit, verdict, kind, words = String(), String(), String(), KIND, String()
    auc, at, medians = Float(**NUMBER), Float(**NUMBER), texts()
    p, corrected_p = String(), String()


class AuditControlOut(Answer):
    """A control that learnt nothing about movement, or ubam itself."""

    name, ours, auc, p = String(), Boolean(), Float(), String()


class ComparisonOut(Answer):
    """The audit of two groups."""

    groups, title, refused, correction = texts(), String(), String(), String()
    rows, controls = many(PropertyOut), many(AuditControlOut)


class FollowOut(Answer):
    """Whether the deviation follows a property."""

    label, rho, interval, corrected_p, kind, words = String(), String(), String(), String(), KIND, String()
    at = Dict(keys=String(), values=Float(allow_none=True))


class HeldOut(Answer):
    """A new subject compared with the range of the reference."""

    words = String()


class AuditOut(Answer):
    """What besides movement could explain the result; `new`: subjects compared with a frozen reference (`against`)."""

    warnings, identity, new = texts(), String(), Boolean()
    open_questions = List(String(), data_key="unknown", attribute="unknown")
    comparisons, follows, against = many(ComparisonOut), many(FollowOut), many(HeldOut)
    follows_n = Integer(**NUMBER)


class PartOut(Answer):
    """The static or the dynamic part of a deviation, beside the reference's range."""

    name, words, value, verdict = String(), String(), String(), String()


class SubjectWords(Answer):
    """A subject in words."""

    subject, group, sentence, parts = String(), String(), String(), many(PartOut)


class WordsOut(Answer):
    """What the run says in words."""

    headline, warnings, power, citations = texts(), texts(), texts(), texts()
    tests, table, subjects = many(TestOut), many(FamilyOut), many(SubjectWords)
    classifier, audit = Nested(ClassifierOut, allow_none=True), Nested(AuditOut, allow_none=True)
    clips = Dict(keys=String(), values=List(String()))
    methods, reference = String(), String(allow_none=True)
    usual = List(Float(), allow_none=True)


class FileOut(Answer):
    """A file of a run."""

    path, bytes, url = String(), Integer(), String()


class ResultsOut(Answer):
    """What a run found; empty tables and None before it has finished."""

    run, words = Nested(RunPart), Nested(WordsOut, allow_none=True)
    subjects, recordings, usage = many(SubjectRow), many(RecordingRow), many(UsageRow)
    statistics, motifs = Nested(StatisticsOut, allow_none=True), Nested(MotifsOut, allow_none=True)
    clips, files = many(ClipPart), many(FileOut)


class WindowOut(Answer):
    """The deviation of one window."""

    t_start_s, t_end_s, deviation = Float(), Float(), Float(**NUMBER)


class NearestOut(Answer):
    """A moment of another recording that is most like a peak."""

    recording_id, subject, time_s, url = String(), String(), Float(), String()


class PeakOut(Answer):
    """A most deviant moment, with the addresses of its pictures."""

    time_s, start_s, end_s = Float(), Float(), Float()
    query, where, nearest = String(), String(), many(NearestOut)


class EvidenceOut(Answer):
    """The peaks of a recording; `clock`: pairs of seconds of the recording and of its preview."""

    peaks, clock = many(PeakOut), List(List(Float()))


class MapOut(Answer):
    """A dot for every moment."""

    xy, recording, time_s, subject, group = List(List(Float())), texts(), List(Float()), texts(), texts()
    motif = List(Integer(), **OPTIONAL)


class MapsOut(Answer):
    """Maps of postures and behaviours."""

    posture, behaviour = Nested(MapOut, allow_none=True), Nested(MapOut, allow_none=True)


class ComparedRow(Answer):
    """A subject in two runs."""

    subject, group, a, b = String(), String(), Float(**NUMBER), Float(**NUMBER)


class ComparedOut(Answer):
    """Two runs side by side."""

    runs, subjects, n, rank_correlation = many(RunPart), many(ComparedRow), Integer(), Float(**NUMBER)
