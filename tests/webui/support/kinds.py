"""Finished run folders of every kind of result that the page shows, cheaply made.

Numbers are made up, but of newly scored subjects statistics.json is what the stage `score` itself writes of them.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.run_folders import RECORDING_COLUMNS, SCORE_COLUMNS, make_fake_run
from ubam.core.files import read_csv, write_csv, write_json, write_text
from ubam.deviation.frozen_reference import check_fit, find_reference, fingerprint
from ubam.deviation.score_tables import usual_values
from ubam.deviation.scores import score_study
from ubam.evaluation.synthetic.embeddings import groups_study
from ubam.pipeline.score_stage import describe_new
from ubam.recordings.study_table import Recording
from ubam.results.records.scores import WindowRow
from ubam.statistics.confounds.new_subjects import audit_new, load_properties, save_properties
from ubam.statistics.confounds.recording_properties import RecordingProperties

SMALL: dict[str, Any] = {"reference_subjects": 4, "query_subjects": 2, "frames": 60}


def groups(run: Path) -> None:
    """A group against the reference; one recording failed, another is partial."""
    make_fake_run(run, **SMALL)


def one_group(run: Path) -> None:
    """Nobody but the reference."""
    make_fake_run(run, **(SMALL | {"query_subjects": 0}))


def no_reference(run: Path) -> None:
    """Everybody is compared with everybody."""
    make_fake_run(run, **SMALL, design="mutual")


def days(run: Path) -> None:
    """Curves over days."""
    make_fake_run(run, **SMALL, design="days")


def keypoints(run: Path) -> None:
    """Keypoints were part of the posture: the table names their files."""
    make_fake_run(run, **SMALL)
    rows = [row | {"keypoints": f"{row['recording_id']}.csv"} for row in read_csv(run / "recordings.csv")]
    write_csv(run / "recordings.csv", rows, [*RECORDING_COLUMNS, "keypoints"])


def failed(run: Path) -> None:
    """All recordings of one subject failed, and those of another have no score."""
    make_fake_run(run, **SMALL)
    rows = read_csv(run / "recordings.csv")
    lost = {"A02": {"status": "failed", "reason": "the file is empty: copy it again", "fps": "", "duration_s": ""}}
    write_csv(run / "recordings.csv", [row | lost.get(row["subject"], {}) for row in rows], RECORDING_COLUMNS)
    for table in ("subjects", "recordings", "windows"):
        path = run / "deviation" / f"{table}.csv"
        scores = [row for row in read_csv(path) if row["subject"] != "A02"]
        empty = dict.fromkeys(set(scores[0]) & set(SCORE_COLUMNS[2:]), "")
        write_csv(path, [row | (empty if row["subject"] == "H04" else {}) for row in scores], list(scores[0]))


def scored(run: Path) -> None:
    """New subjects held to a frozen reference."""
    make_fake_run(run, reference_subjects=0, query_subjects=3, frames=60)
    shutil.rmtree(run / "motifs")
    for made in ("maps.npz", "deviation/distances.csv"):
        (run / made).unlink()
    rows = [row for row in read_csv(run / "recordings.csv") if row["status"] != "failed"]
    recordings = [
        Recording(row["recording_id"], line, run / row["video"], row["subject"], row["group"])
        for line, row in enumerate(rows, 2)
    ]
    keys = [(one.subject, one.group) for one in recordings]
    _freeze(run / "model")
    frozen = find_reference(run / "model")
    statistics = describe_new(frozen, recordings, check_fit(frozen, frozen.model, []))
    audit = audit_new(_capture(len(keys), light=9.0), keys, load_properties(frozen.folder))
    replace(statistics, audit=audit).write(run / "statistics.json")


def _freeze(model: Path) -> None:
    networks = {name: {"kind": "Stand-in", "settings": {}} for name in ("posture", "behaviour")}
    write_json(model / "model.json", {"networks": networks, "settings": {"view_size": 64, "crop_size": 128}})
    for name in networks:
        write_text(model / f"{name}.safetensors", "weights")
    codes = [replace(code, group="healthy") for code in groups_study(0, {"healthy": 5}, {}, seconds=2.4)]
    scores = score_study(codes, "healthy")
    save_properties(model / "reference", _capture(len(codes)), [code.subject for code in codes])
    windows = [WindowRow(code.recording_id, code.subject, code.group, 0.0, 1.0, 1.0) for code in codes]
    usual = usual_values(scores, windows)
    scores.fitted.save(model / "reference", fingerprint(model), 0, usual)


def _capture(count: int, light: float = 0.0) -> RecordingProperties:
    rng = np.random.default_rng(count)
    numbers = {"brightness": rng.normal(100 + light, 1, count), "frame_rate": np.full(count, 25.0)}
    return RecordingProperties(rng.uniform(0, 255, (count, 48)), numbers, {"cage": ["A", "B", "A", "B", "A"][:count]})


KINDS: dict[str, Callable[[Path], None]] = {
    kind.__name__: kind for kind in (groups, one_group, scored, no_reference, days, keypoints, failed)
}
