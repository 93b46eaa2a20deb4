"""report.html, one self-contained page made of the run folder alone, and the figures beside it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader

from ubam.core import text
from ubam.core.errors import UbamError
from ubam.core.files import write_text
from ubam.report import charts
from ubam.report.card_views import Nearest, Pair, RecordingView, SubjectCard, UnusualRow, UnusualView
from ubam.report.media import Clip, embed_clips, heat_picture, picture
from ubam.report.sections import curves, group_tests
from ubam.report.sections import maps as report_maps
from ubam.report.sections.audit import audit_view
from ubam.report.sections.distances import distances_view
from ubam.report.sections.motifs import motifs_view
from ubam.report.sections.views import ControlView, MapView
from ubam.results import caveats, methods, sentences
from ubam.results.controls import labels_of_controls
from ubam.results.records.clips import ClipFacts
from ubam.results.records.codec import number
from ubam.results.records.scores import ScoreRow
from ubam.results.records.study import Unusual
from ubam.results.run_data import RunData, arrays_if_there, read_facts, read_run
from ubam.results.run_folder import RunFolder
from ubam.tracking.crop_store import CropStore

MOST_PEAKS = 3  # moments shown per recording
LAYOUTS = {"side-by-side": ("Twin", "Recording", "Magnified"), "magnified": ("Magnified",), "twin": ("Twin",)}
Progress = Callable[[int, int], None]


def write_report(run: Path, progress: Progress | None = None) -> Path:
    """Write `run`/report.html from what the run folder holds, whatever is missing there, and return its path.

    The page asks nothing of a network: its styles, script, pictures and clips are inside. Clips that would make it
    too large are shown smaller or named with their place in the run folder.
    """
    data = read_run(run)
    clips = embed_clips(_wanted_clips(data), progress=progress)
    target = data.files.report
    write_text(target, _page(data, clips))
    return target


def _wanted_clips(data: RunData) -> list[Path]:
    """The clips of the page, most important first: the most deviant recording of each subject, then the others."""
    ranked = [data.recordings_of(score.subject, score.group) for score in data.queries]
    first = [scores[0].recording_id for scores in ranked if scores]
    names = first + [score.recording_id for scores in ranked for score in scores[1:]]
    return [path for name in names for path in (data.files.clip(name), data.files.preview(name))]


def _page(data: RunData, clips: dict[Path, Clip]) -> str:
    environment = Environment(
        loader=PackageLoader("ubam.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"seconds": text.seconds_text, "plain": text.plain}
    sources = {name: environment.loader.get_source(environment, name)[0] for name in ("report.css", "report.js")}  # type: ignore[union-attr]
    maps = arrays_if_there(data.files.maps)
    return environment.get_template("report.html.jinja").render(
        css=sources["report.css"],
        js=sources["report.js"],
        title=_title(data),
        headline=sentences.headline(data),
        warnings=caveats.warnings_of(data),
        ranking=charts.ranking(data),
        tests=group_tests.main_tests(data),
        table=group_tests.table(data),
        power=group_tests.power(data),
        classifier=group_tests.classifier(data),
        curves=curves.curves_view(data),
        courses=curves.time_courses(data),
        audit=audit_view(data),
        unusual=_unusual(data),
        distances=distances_view(data),
        cards=[_card(data, index, score, clips) for index, score in enumerate(data.queries)],
        maps=[view for what in ("posture", "behaviour") if (view := _map(data, maps, what))],
        motifs=motifs_view(data),
        gallery=_gallery(data.files),
        left_out=[data.files.inside(clip.path) for clip in clips.values() if not clip.data],
        paragraph=methods.methods_paragraph(data),
        facts=methods.facts(data),
        citations=methods.citations(data),
        recordings=data.recordings,
        reference=data.reference,
        record=data.record,
        magnified=any(data.files.clip(path.stem) == path for path in clips),
        controls=_controls(data),
    )


def _title(data: RunData) -> str:
    study = Path(data.record.study or data.folder)
    name = study.parent.name if study.stem.lower() == "study" and study.parent.name else study.stem
    return name.replace("_", " ") or "ubam"


def _card(data: RunData, index: int, score: ScoreRow, clips: dict[Path, Clip]) -> SubjectCard:
    scores = data.recordings_of(score.subject, score.group)
    return {
        "id": f"subject-{index + 1}",
        "subject": score.subject,
        "group": score.group,
        "class": charts.group_class(data, score.group),
        "numbers": charts.numbers_of(score),
        "sentence": sentences.subject_sentence(data, score),
        "parts": charts.parts(data, score),
        "recordings": [_recording(data, f"r{index + 1}-{n}", one, clips) for n, one in enumerate(scores, start=1)],
    }


def _recording(data: RunData, identity: str, score: ScoreRow, clips: dict[Path, Clip]) -> RecordingView:
    name, row = score.recording_id, data.row(score.recording_id)
    evidence = arrays_if_there(data.files.evidence(name))
    peaks = [float(time) for time in evidence.get("peak_time_s", ())][:MOST_PEAKS]
    line = data.timelines.get(name)
    if not peaks and line is not None and np.isfinite(line.deviation).any():
        peaks = [float(line.middle[np.nanargmax(line.deviation)])]
    clock = charts.clip_clock(arrays_if_there(data.files.embedding(name)).get("time_s"), row)
    facts = ClipFacts.from_json(read_facts(data.files.clip_facts(name)))
    shown = (facts.from_s, facts.to_s)
    drawn = charts.timeline(line, data.usual(), peaks, clock[0][0], clock[-1][0], shown) if line else None
    return {
        "id": identity,
        "name": name,
        "class": charts.group_class(data, score.group),
        "about": sentences.about_recording(row),
        "deviation": text.plain(score.deviation),
        "magnified": clips.get(data.files.clip(name)),
        "magnified_words": sentences.magnified_words(facts),
        "other_factors": _other_factors(data, name),
        "panels": LAYOUTS.get(facts.layout, ()),
        "preview": clips.get(data.files.preview(name)),
        "timeline": drawn,
        "clock": json.dumps(clock),
        "pairs": _pairs(data, evidence, peaks),
    }


def _other_factors(data: RunData, name: str) -> list[tuple[str, str]]:
    paths = [(f"{factor:g}", data.files.clip(name, factor)) for factor in data.record.factors[1:]]
    return [(factor, data.files.inside(path)) for factor, path in paths if path.is_file()]


def _pairs(data: RunData, evidence: dict[str, np.ndarray], peaks: list[float]) -> list[Pair]:
    """For each peak the query's crop, where in it the deviation lies, and the nearest moments of the reference."""
    query, nearest, regions = (evidence.get(name) for name in ("query_crop", "nearest_crop", "region_map"))
    pairs = list[Pair]()
    for index, time in enumerate(peaks if query is not None else []):
        if query is None or index >= len(query):
            break
        pair: Pair = {"time": time, "number": index + 1, "query": picture(query[index]), "nearest": []}
        if regions is not None and index < len(regions) and np.isfinite(regions[index]).any():
            pair["where"] = picture(heat_picture(query[index], regions[index]), 80)
            pair["place"] = charts.region_in_words(regions[index])
        shown = nearest[index] if nearest is not None and index < len(nearest) else ()
        pair["nearest"] = [_nearest(data, evidence, index, place, crop) for place, crop in enumerate(shown)]
        pairs.append(pair)
    return pairs


def _nearest(data: RunData, evidence: dict[str, np.ndarray], index: int, place: int, crop: np.ndarray) -> Nearest:
    names, times = evidence.get("nearest_recording"), evidence.get("nearest_time_s")
    name = str(names[index][place]) if names is not None else ""
    time = number(times[index][place]) if times is not None else None
    subject = data.row(name).get("subject") or name
    return {"picture": picture(crop), "recording": name, "subject": subject, "time": time}


def _map(data: RunData, maps: dict[str, np.ndarray], what: str) -> MapView | None:
    xy, names, times = (maps.get(f"{what}_{name}") for name in ("xy", "recording", "time_s"))
    if xy is None or names is None:
        return None
    view = report_maps.map_view(data, what, xy, names, times, maps.get(f"{what}_motif"))
    if view is None:
        return None
    for mark in view["marks"]:
        if times is None or len(times) != len(names):
            break
        name, time = str(names[mark["point"]]), float(times[mark["point"]])
        mark["picture"], mark["time"] = _crop_at(data.files.crops(name).path, time), time
        mark["subject"] = data.row(name).get("subject") or name
    view["marks"] = [mark for mark in view["marks"] if mark.get("picture")]
    return view


def _crop_at(folder: Path, time: float) -> str:
    """The crop of a recording nearest to `time` (s) as a data: URI; "" when its crops are no longer there."""
    try:
        store = CropStore.open(folder)
        return picture(store.crops([int(np.abs(store.time_s - time).argmin())])[0])
    except (UbamError, OSError, EOFError, ValueError, KeyError, IndexError):
        return ""


def _gallery(run: RunFolder) -> dict[str, list[dict[str, str]]]:
    """The figures beside the report with the kinds of file there are: the study's, then each recording's by kind."""
    written = {path.name: path for path in run.all_figures()}
    names = sorted({path.stem for path in written.values()})
    gallery: dict[str, list[dict[str, str]]] = {"study": [], "timeline": [], "strip": []}
    for name in names:
        kind = next((kind for kind in ("timeline", "strip") if name.startswith(f"{kind}_")), "study")
        paths = {suffix: written.get(f"{name}.{suffix}") for suffix in ("png", "svg")}
        files = {suffix: run.inside(path) for suffix, path in paths.items() if path is not None}
        gallery[kind].append({"name": name, **files})
    return gallery if names else {}


def _controls(data: RunData) -> list[ControlView]:
    """What each way of looking finds between the reference and all others; p from the audit where groups are two."""
    audit, labels = audit_view(data), labels_of_controls()
    compared = audit["comparisons"] if audit else []
    known = {row["name"]: row["p"] for row in compared[0]["controls"]} if len(compared) == 1 else {}
    rows = list[ControlView]()
    for name, control in data.statistics.controls.items():
        if control.auc is not None:
            words, p = labels.get(name, name), text.p_text(control.p, bare=True)
            rows.append({"name": words, "auc": control.auc, "p": p or known.get(words, "")})
    return rows


def _unusual(data: RunData) -> UnusualView | None:
    """Without a reference: every subject's most unusual windows, each tied to the player of its recording."""
    mutual = data.statistics.mutual
    if mutual is None or not mutual.subjects:
        return None
    players = {
        one.recording_id: f"r{index}-{place}"
        for index, score in enumerate(data.queries, start=1)
        for place, one in enumerate(data.recordings_of(score.subject, score.group), start=1)
    }
    return {"words": mutual.words, "rows": [_unusual_row(row, players) for row in mutual.subjects]}


def _unusual_row(row: Unusual, players: Mapping[str, str]) -> UnusualRow:
    return {
        "rank": row.rank,
        "subject": row.subject,
        "group": row.group,
        "deviation": text.plain(row.deviation),
        "p": text.p_text(row.p_value, bare=True),
        "smallest_p": text.p_text(row.smallest_p, bare=True),
        "windows": [
            {
                "player": players.get(one.recording_id),
                "time": (one.t_start_s + (one.t_end_s or one.t_start_s)) / 2,
                "text": f"{text.seconds_text(one.t_start_s)} of {one.recording_id}",
            }
            for one in row.windows
            if one.t_start_s is not None
        ],
    }
