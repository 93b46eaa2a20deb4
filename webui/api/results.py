"""What a run found: tables, timelines, evidence, maps, clips, files, and two runs side by side."""

from pathlib import Path
from typing import Any

from apiflask import APIBlueprint, abort
from flask import Response, g, send_file

from webui.access.audit_log import note
from webui.access.permissions import recording_of, run_of
from webui.api.clips import clip_json
from webui.api.recordings import shown_copy
from webui.api.runs import run_json
from webui.data.models import Recording, Run
from webui.data.session import database
from webui.http.answer_records import ComparedAnswer, ResultsAnswer
from webui.http.answer_schemas import ComparedOut, EvidenceOut, MapsOut, ResultsOut, WindowOut
from webui.http.request_records import RunsRequest, TimeRequest
from webui.http.responses import jpeg_of, send_layers, send_picture, send_text, send_whole
from webui.http.schemas import RunsIn, TimeIn, answers
from webui.http.security import identity, limiter
from webui.results import reader
from webui.results.exports import ZIPS, exported, zipped
from webui.results.path_redaction import TEXT_SUFFIXES, cut_lines
from webui.results.records import EvidenceRecord, MapsRecord, WindowRecord

found = APIBlueprint("results", __name__, url_prefix="/api/v1", tag="results")
PICTURE = answers("image/jpeg")
VIDEO = answers("video/mp4") | {202: {"description": "being made; ask again"}}


def shown_run(run_id: str) -> Run:
    """A run whose pictures may be shown."""
    run = run_of(run_id)
    reader.check_faces(run)
    return run


@found.get("/runs/<string:run_id>/results")
@found.output(ResultsOut)
@found.doc(summary="Subjects, recordings, statistics, clips, files, and what they say in words")
def get_results(run_id: str) -> ResultsAnswer:
    """What is there so far; empty tables while a run is not that far."""
    run = run_of(run_id)
    from webui.results.sentences import result_words

    rendered = [clip_json(clip) for clip in run.clips]
    files = reader.files_in(run)
    scored = files.scores("subjects").is_file()
    return {
        "run": run_json(run), "subjects": reader.table(run, files.scores("subjects")),
        "recordings": reader.recordings_json(run), "statistics": reader.document(run, files.statistics_json),
        "motifs": reader.document(run, files.motifs_json), "usage": reader.table(run, files.motifs("usage")),
        "clips": reader.clips_of(run) + [clip for clip in rendered if clip["status"] == "done"],
        "files": reader.files_of(run), "words": result_words(files.path) if scored else None,
    }  # fmt: skip


@found.get("/runs/<string:run_id>/recordings/<string:recording_id>/windows")
@found.output(WindowOut(many=True))
@found.doc(summary="The deviation of each window of a recording")
def get_windows(run_id: str, recording_id: str) -> list[WindowRecord]:
    """In the order of time."""
    return reader.windows_of(run_of(run_id), recording_id)


@found.get("/runs/<string:run_id>/recordings/<string:recording_id>/evidence")
@found.output(EvidenceOut)
@found.doc(summary="The most deviant moments of a recording and the nearest reference pictures")
def get_evidence(run_id: str, recording_id: str) -> EvidenceRecord:
    """Peaks, most deviant first."""
    return reader.evidence_of(shown_run(run_id), recording_id)


@found.get("/runs/<string:run_id>/recordings/<string:recording_id>/evidence/<int:peak>/<string:what>.jpg")
@found.doc(summary="A picture of a peak: query, where, nearest-0 ...", responses=PICTURE)
def get_evidence_picture(run_id: str, recording_id: str, peak: int, what: str) -> Response:
    """A JPEG."""
    run = shown_run(run_id)
    reader.row_of(run, recording_id)
    return send_picture(jpeg_of(reader.evidence_picture(run, recording_id, peak, what)))


@found.get("/runs/<string:run_id>/recordings/<string:recording_id>/preview.mp4")
@found.doc(summary="The recording as it was analysed, to play", responses=VIDEO)
def get_preview(run_id: str, recording_id: str) -> Any:
    """The run's own preview; where it made none, the playable copy of the recording."""
    run = shown_run(run_id)
    reader.row_of(run, recording_id)
    path = reader.files_in(run).preview(recording_id)
    if path.is_file():
        return send_whole(path, kind="video/mp4")
    entry = run.recordings.get(recording_id)
    recording = database().get(Recording, entry["id"]) if entry else None
    if recording is None:
        abort(404, "The run made no preview of this recording, and the recording itself is not here.")
    return shown_copy(recording_of(recording.study_id, recording.id))


@found.get("/runs/<string:run_id>/recordings/<string:recording_id>/layers.<string:kind>")
@found.doc(summary="The layers of the clip that came with the run, mp4 or json", responses=answers("*/*"))
def get_layers(run_id: str, recording_id: str, kind: str) -> Response:
    """The film, or the displacements of its frames."""
    run = shown_run(run_id)
    reader.row_of(run, recording_id)
    return send_layers(reader.files_in(run).layers(recording_id), kind)


@found.get("/runs/<string:run_id>/recordings/<string:recording_id>/crop.jpg")
@found.input(TimeIn, location="query", arg_name="given")
@found.doc(summary="What the subject looked like at a moment", responses=PICTURE)
def get_crop(run_id: str, recording_id: str, given: TimeRequest) -> Response:
    """The crop of the nearest frame."""
    return send_picture(reader.crop_jpeg(shown_run(run_id), recording_id, given["t"]))


@found.get("/runs/<string:run_id>/maps")
@found.output(MapsOut)
@found.doc(summary="Maps of postures and behaviours")
def get_maps(run_id: str) -> MapsRecord:
    """A point per moment."""
    return reader.maps_of(run_of(run_id))


@found.get("/runs/<string:run_id>/report.html")
@found.doc(summary="The report", responses=answers("text/html"))
def get_report(run_id: str) -> Response:
    """One file that asks nothing of a network."""
    run = shown_run(run_id)
    note("open", "report", run.id, often=True)
    return _sent(run, reader.files_in(run).report, kind="text/html")


def _sent(run: Run, file: Path, *, name: str = "", kind: str = "") -> Response:
    """A file of a run; a text without the folders of this server."""
    if file.suffix not in TEXT_SUFFIXES or not file.is_file():
        return send_whole(file, name=name, kind=kind)
    return send_text(cut_lines(file, reader.cut_from(run)), file.name, name=name, kind=kind)


@found.get("/runs/<string:run_id>/files/<path:path>")
@found.doc(summary="A file that the run lists", responses=answers("*/*"))
def get_file(run_id: str, path: str) -> Response:
    """Only what is on the list of /results; anything that a browser could execute is handed over as a download."""
    run = shown_run(run_id)
    if path not in {entry["path"] for entry in reader.files_of(run)}:
        abort(404, "This run has no such file.")
    file = reader.folder_of(run) / path
    shown = file.suffix in (".png", ".mp4", ".jpg")
    note("download", "run", run.id, often=True)
    return _sent(run, file, name="" if shown else file.name)


@found.get("/runs/<string:run_id>/run.zip")
@found.doc(summary="Everything that the run lists, as one file", responses=answers("application/zip"))
@limiter.limit("20 per minute", key_func=identity)
def get_zip(run_id: str) -> Response:
    """Packed on the disk, not in memory."""
    run = shown_run(run_id)
    packed = zipped(run)
    note("download", "run", run.id)
    g.file_answer = True
    return send_file(packed, mimetype="application/zip", as_attachment=True, download_name=f"run-{run.id[:8]}.zip")


@found.get("/runs/<string:run_id>/export.<string:kind>")
@found.doc(summary="The run for other programs: xlsx, parquet, nwb; csv and clips as a zip", responses=answers("*/*"))
@limiter.limit("20 per minute", key_func=identity)
def get_export(run_id: str, kind: str) -> Response:
    """As `ubam export` writes it."""
    run = shown_run(run_id)
    packed = exported(run, kind)
    note("download", "run", run.id)
    g.file_answer = True
    name = f"run-{run.id[:8]}" + (f"-{kind}.zip" if kind in ZIPS else f".{kind}")
    return send_file(packed, mimetype="application/octet-stream", as_attachment=True, download_name=name)


@found.get("/compare")
@found.input(RunsIn, location="query", arg_name="given")
@found.output(ComparedOut)
@found.doc(summary="Two runs side by side: deviations of the same subjects, and the correlation of ranks")
def compare_runs(given: RunsRequest) -> ComparedAnswer:
    """`runs=A,B`."""
    names = given["runs"].split(",")
    if len(names) != 2:
        abort(422, "Name two runs: runs=A,B.")
    pair = (run_of(names[0].strip()), run_of(names[1].strip()))
    return {"runs": [run_json(run) for run in pair], **reader.compare(pair)}
