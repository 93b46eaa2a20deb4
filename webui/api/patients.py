"""Patients over visits: named references, a pseudonym that is held to one, the course, and a page of it as PDF."""

import io
from datetime import date
from typing import TYPE_CHECKING, cast

import numpy as np
from apiflask import APIBlueprint, abort
from flask import Response, g
from sqlalchemy import select

from ubam.core.errors import ModelError
from webui.access.audit_log import note
from webui.access.identity import me
from webui.access.permissions import role_in, run_of, study_of, visible
from webui.api.clips import clip_json
from webui.api.results import shown_run
from webui.api.runs import queue_entries, run_json
from webui.data.models import Job, NamedReference, Recording, Run, Study
from webui.data.session import database
from webui.http.answer_records import NamedReferenceAnswer, PatientAnswer, StudyAnswer, VisitAnswer
from webui.http.paging import Headers, ListIn, ListRequest, Order, page_of
from webui.http.patient_schemas import NamedReferenceOut, PatientIn, PatientOut, ReferenceIn
from webui.http.request_records import NameRequest, PatientRequest
from webui.http.schemas import answers
from webui.http.security import identity, limiter
from webui.http.study_schemas import StudyOut
from webui.jobs.records import RunEntry
from webui.jobs.run_study import entry_of, run_names
from webui.results import reader
from webui.results.visits import Course, course_of, day, ends, finding, limits

if TYPE_CHECKING:
    from webui.results.sheet import Still

patients = APIBlueprint("patients", __name__, url_prefix="/api/v1", tag="patients")
STILLS_A_VISIT = 2


@patients.post("/runs/<string:run_id>/reference")
@patients.input(ReferenceIn, arg_name="given")
@patients.output(NamedReferenceOut, status_code=201)
@patients.doc(summary="Give the frozen reference of a run a name", responses={201: "named"})
@limiter.limit("60 per minute", key_func=identity)
def name_reference(run_id: str, given: NameRequest) -> tuple[NamedReferenceAnswer, int]:
    """Whoever may see the run may compare patients with its reference."""
    from ubam.deviation.frozen_reference import find_reference

    run = run_of(run_id, "editor")
    if run.against_id:
        abort(409, "This run was compared with a reference and has none of its own; name that of the other run.")
    try:
        frozen = find_reference(reader.folder_of(run))
    except ModelError:
        abort(409, "This run has no frozen reference: it has not got so far, or it was run without a reference group.")
    made = NamedReference(name=given["name"].strip(), run_id=run.id, version=frozen.hash, group=frozen.group)
    made.subjects, made.run = frozen.n_subjects, run
    database().add(made)
    database().commit()
    note("name reference", "reference", made.id)
    return reference_json(made), 201


def reference_json(reference: NamedReference) -> NamedReferenceAnswer:
    """What the API says of a named reference."""
    return {
        "id": reference.id, "name": reference.name, "run": reference.run_id, "version": reference.version,
        "study_name": reference.run.study.name, "group": reference.group, "subjects": reference.subjects,
        "created": reference.created.isoformat(),
    }  # fmt: skip


@patients.get("/references")
@patients.input(ListIn, location="query", arg_name="given")
@patients.output(NamedReferenceOut(many=True))
@patients.doc(summary="Every named reference that one may compare with, newest first")
def list_references(given: ListRequest) -> tuple[list[NamedReferenceAnswer], int, Headers]:
    """Those of runs that one may see."""
    me()
    order = Order((NamedReference.created, NamedReference.id), newest_first=True)
    found, headers = page_of(select(NamedReference).join(Run).join(Study).where(visible()), order, given)
    return [reference_json(reference) for reference in found], 200, headers


@patients.delete("/references/<string:reference_id>")
@patients.output({}, status_code=204)
@patients.doc(summary="Take the name from a reference; what was compared with it stays")
def delete_reference(reference_id: str) -> str:
    """The run keeps its reference."""
    reference = _reference(reference_id)
    run_of(reference.run_id, "editor")
    database().delete(reference)
    database().commit()
    note("delete reference", "reference", reference_id)
    return ""


def _reference(reference_id: str) -> NamedReference:
    reference = database().get(NamedReference, reference_id)
    if reference is None or not role_in(reference.run.study):
        abort(404, "There is no such reference, or its study is not shared with you." if me() else "")
    return reference


@patients.post("/patients")
@patients.input(PatientIn, arg_name="given")
@patients.output(StudyOut, status_code=201)
@patients.doc(summary="Begin a patient: a study of visits, held to a named reference", responses={201: "made"})
@limiter.limit("60 per minute", key_func=identity)
def create_patient(given: PatientRequest) -> tuple[StudyAnswer, int]:
    """Every recording in it gets the pseudonym for its subject, whatever its file is called."""
    from webui.api.studies import study_json

    if me().role == "viewer":
        abort(403, "As a viewer you may look at what is shared with you; ask an admin to make you a member.")
    reference = _reference(given["reference"])
    study = Study(name=given["pseudonym"].strip(), owner_id=me().id, kind="patient", reference_id=reference.id)
    database().add(study)
    database().commit()
    note("make patient", "study", study.id)
    return study_json(study), 201


def _patient(study_id: str, need: str = "viewer") -> Study:
    study = study_of(study_id, need)
    if study.kind != "patient":
        abort(404, "There is no such patient.")
    return study


def _latest(study: Study, *, done: bool = False) -> Run | None:
    found = select(Run).outerjoin(Job, Job.id == Run.job_id).where(Run.study_id == study.id)
    found = found.where(Job.status == "done") if done else found
    return database().scalars(found.order_by(Run.created.desc()).limit(1)).first()


@patients.get("/patients/<string:study_id>")
@patients.output(PatientOut)
@patients.doc(summary="A patient over visits: deviations, the reference's range, and what they say in words")
def get_patient(study_id: str) -> PatientAnswer:
    """Visits of the latest comparison that is done."""
    return _patient_json(_patient(study_id))


def _patient_json(study: Study) -> PatientAnswer:
    reference = database().get(NamedReference, study.reference_id) if study.reference_id else None
    run, compared = _latest(study), _latest(study, done=True)
    course = course_of(reader.folder_of(compared)) if compared is not None else None
    return {
        "id": study.id, "pseudonym": study.name, "reference": reference_json(reference) if reference else None,
        "run": run_json(run) if run is not None else None,
        "visits": _visits(course) if course else [], "band": list(course.band) if course and course.band else None,
        "finding": finding(course) if course else [], "limits": limits(course) if course else [],
        "compared": compared.id if compared is not None else None,
        "clips": [clip for clip in map(clip_json, compared.clips if compared else ()) if clip["status"] == "done"],
    }  # fmt: skip


def _visits(course: Course) -> list[VisitAnswer]:
    return [
        {"date": visit.date, "recordings": list(visit.recordings), "deviation": visit.deviation, "low": visit.low,
         "high": visit.high, "p": visit.p}
        for visit in course.visits
    ]  # fmt: skip


@patients.post("/patients/<string:study_id>/compare")
@patients.output(PatientOut, status_code=201)
@patients.doc(summary="Compare every visit with the reference", responses={201: "queued"})
@limiter.limit("30 per minute", key_func=identity)
def compare_visits(study_id: str) -> tuple[PatientAnswer, int]:
    """Each date is scored on its own; nothing is trained, so that years later the same film gives the same numbers."""
    study = _patient(study_id, "editor")
    reference = database().get(NamedReference, study.reference_id) if study.reference_id else None
    if reference is None:
        abort(409, "The reference of this patient was deleted; begin the patient again with another.")
    against = run_of(reference.run_id)
    usable = [one for one in study.recordings if one.status in ("ok", "partial")]
    undated = next((one for one in usable if not one.date), None)
    if not usable:
        abort(400, "No recording can be used yet; add the film of a visit.")
    if undated is not None:
        abort(400, f"{undated.file_name} has no date yet; say on which day the visit was.")
    queue_entries(_run_against(against, study, usable), study, _entries(study, usable), "score")
    return _patient_json(study), 201


def _run_against(against: Run, study: Study, usable: list[Recording]) -> Run:
    n = len({one.date for one in usable})
    name = f"{study.name}, {n} {'visit' if n == 1 else 'visits'}"
    return Run(name=name, reference=against.reference, preset=against.preset, seed=against.seed, against_id=against.id)


def _entries(study: Study, usable: list[Recording]) -> dict[str, RunEntry]:
    """The pseudonym is the subject and the date the group, so that every visit is scored on its own."""
    first = min(date.fromisoformat(one.date) for one in usable)
    for one in usable:
        one.subject = study.name
    return {
        name: {
            **entry_of(one), "subject": study.name, "group": one.date, "session": one.date,
            "day": float((date.fromisoformat(one.date) - first).days),
        }
        for name, one in run_names(usable).items()
    }  # fmt: skip


@patients.get("/patients/<string:study_id>/page.pdf")
@patients.doc(summary="One page on the patient as PDF", responses=answers("application/pdf"))
def get_page(study_id: str) -> Response:
    """Pseudonym, reference with date and version, visits, finding, limits and four stills."""
    from webui.results.sheet import Sheet, sheet_pdf

    study = _patient(study_id)
    run = _latest(study, done=True)
    if run is None:
        abort(409, "The visits have not been compared yet; compare them first.")
    shown_run(run.id)
    course = course_of(reader.folder_of(run))
    page = sheet_pdf(Sheet(study.name, _facts(study, run, course), course, _stills(run, course)))
    note("download", "patient", study.id)
    answer = Response(page, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = "inline; filename=visits.pdf"
    answer.headers["Cache-Control"] = "private, no-cache"
    g.file_answer = True
    return answer


def _facts(study: Study, run: Run, course: Course) -> list[tuple[str, str]]:
    reference = database().get(NamedReference, study.reference_id) if study.reference_id else None
    program = f", by ubam {course.program}" if course.program else ""
    known = [("Compared on", f"{day(run.created.date().isoformat())}{program}")]
    if reference is None:
        return known
    return [
        ("Reference", f"{reference.name} ({reference.subjects} {reference.group} subjects)"),
        ("Study of the reference", reference.run.study.name),
        ("Named on, version", f"{day(reference.created.date().isoformat())}, {reference.version}"),
        *known,
    ]


def _stills(run: Run, course: Course) -> list["Still"]:
    """Two moments of the first visit and two of the last: the most deviant and the one in the middle of the rest."""
    from webui.results.sheet import Still

    both = ends(course.visits)
    stills = []
    for visit in dict.fromkeys(both) if both else ():
        name = visit.recordings[0]
        windows = sorted(reader.windows_of(run, name), key=lambda one: -cast(float, one["deviation"] or 0.0))
        for window in (windows[:1] + windows[len(windows) // 2 :])[:STILLS_A_VISIT]:
            time = (cast(float, window["t_start_s"]) + cast(float, window["t_end_s"])) / 2
            picture = _picture(reader.crop_jpeg(run, name, time))
            stills.append(Still(picture, f"{day(visit.date)}, {time:.1f} s"))
    return stills


def _picture(jpeg: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
