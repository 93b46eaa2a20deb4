"""One magnified clip: what was written, and how far it can be trusted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ubam.api.deviation import series_of
from ubam.api.model import Model
from ubam.api.subject import CroppedRecording
from ubam.core.errors import UbamError
from ubam.core.files import write_json
from ubam.deviation.twin import Matcher, twin_basis
from ubam.magnification.layouts.write import TO_THE_TWIN, write_magnified
from ubam.magnification.magnify import EmbeddedRecording
from ubam.magnification.magnify import magnify as prepare
from ubam.pipeline.queries import Span, frames_within
from ubam.results.records.clips import ClipFacts


@dataclass(frozen=True)
class Clip:
    """A clip or a strip that was written, and what was measured on its finished pictures.

    factor: what was asked for; factor_measured and factor_geometric: what the pictures show, by posture and by
    registration with the reference (0 the twin, 1 the recording). appearance_kept: share of the subject's colours
    that are still there. marked_frames of `frames` are not to be trusted. The file `path` with the ending .json says
    more.
    """

    path: Path
    layout: str
    factor: float
    factor_measured: float
    factor_geometric: float
    appearance_kept: float
    frames: int
    marked_frames: int


def clip_of(path: Path, facts: ClipFacts) -> Clip:
    """The clip that was written to `path`, from the facts beside it."""
    names = [name for name in Clip.__dataclass_fields__ if name != "path"]
    return Clip(path=path, **{name: getattr(facts, name) for name in names})


def magnify(
    query: CroppedRecording, references: Sequence[CroppedRecording], model: Model, factor: float, out: Path | str,
    *, layout: str = "side-by-side", span: Span = (None, None), progress: Callable[[int, int], None] | None = None,
) -> Clip:  # fmt: skip
    """Magnify how a recording deviates from recordings of reference subjects, and write the clip and its JSON.

    Parameters
    ----------
    query
        The recording that is shown.
    references
        Recordings of the subjects that define normal; the query's own subject is left out.
    model
        Fitted on recordings like these, by which equal moments of two recordings are found.
    factor
        0 the twin, 1 the recording as it is, 2 the deviation doubled; from -2 to 6.
    out
        The .mp4 to write; of the layout "strip" the .png or .svg.
    layout
        "side-by-side", "magnified", "twin", "overlay" or "strip".
    span
        First and last second to show, on the recording's own clock; None: its start or end.
    progress
        Called with the frames that are done and all of them.

    Raises
    ------
    UbamError
        No reference subject beside the query's own, a factor out of range, no such layout, an empty span.
    """
    out, others = Path(out), [one for one in references if one.recording.subject != query.recording.subject]
    if not others:
        raise UbamError(f"{query.recording.recording_id}: give a reference recording of another subject.")
    series = {one.recording.recording_id: series_of(model.encode(one)) for one in (query, *others)}
    cropped = {one.recording.recording_id: one for one in others}
    own, learned = series[query.recording.recording_id], model.encode_views(query.store.views[:1]).shape[1]
    twin = Matcher([series[name] for name in cropped], twin_basis(list(series.values()))).twin(own)
    made = prepare(
        EmbeddedRecording(query.store, query.recording.video, own.posture[:, :learned]),
        [(cropped[name].store, path) for name, path in twin.references],
        frames_within(query.store, span), [0.0 if layout in TO_THE_TWIN else factor],
        embed=model.encode_views, twin=twin.posture[:, :learned],
    )  # fmt: skip
    facts = write_magnified(out, layout, made, factor, progress=progress)
    write_json(out.with_suffix(".json"), facts.to_json())
    return clip_of(out, facts)
