import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ubam.core.errors import ModelError
from ubam.core.files import read_arrays, write_arrays, write_json, write_text
from ubam.deviation.frozen_reference import check_fit, find_reference, fingerprint
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.reference_model import ReferenceModel
from ubam.deviation.scores import SubjectScore, score_study, score_subjects
from ubam.evaluation.synthetic.embeddings import groups_study

CODES = groups_study(0, {"reference": 6, "query": 3}, {"query": 1.0}, seconds=2.4)


def freeze(folder: Path, weights: str = "weights") -> Path:
    """A model folder, its networks stand-ins, with the reference of CODES."""
    model = folder / "model"
    networks = {name: {"kind": "Stand-in", "settings": {}} for name in ("posture", "behaviour")}
    write_json(model / "model.json", {"networks": networks, "settings": {"view_size": 64, "crop_size": 128}})
    for name in networks:
        write_text(model / f"{name}.safetensors", weights)
    score_study(CODES, "reference").fitted.save(model / "reference", fingerprint(model), seed=3)
    return model


def scores(fitted: ReferenceModel, codes: list[PostureSeries], seed: int) -> list[SubjectScore]:
    found = {code.recording_id: fitted.score(code) for code in codes}
    return score_subjects(fitted, codes, found, fitted.own, seed=seed)


def test_the_same_subject_has_the_same_numbers_alone_among_others_and_years_later(tmp_path: Path) -> None:
    at_first = score_study(CODES, "reference", seed=3).subjects
    fitted = ReferenceModel.load(freeze(tmp_path) / "reference")
    queries = CODES[6:]
    assert scores(fitted, queries, 3) == at_first[6:]
    assert scores(ReferenceModel.load(tmp_path / "model" / "reference"), queries[1:2], 3) == at_first[7:8]
    more = groups_study(9, {"query": 4}, {"query": 0.5}, seconds=2.4)
    more = [replace(code, subject=f"new {code.subject}", recording_id=f"new {code.recording_id}") for code in more]
    assert scores(fitted, [*more, *queries], 3)[4:] == at_first[6:]
    assert scores(fitted, CODES[:2], 3) == at_first[:2]  # of the reference itself: without itself, as then


def test_a_reference_says_what_it_is_and_is_found_from_the_run(tmp_path: Path) -> None:
    model = freeze(tmp_path)
    facts = find_reference(tmp_path).facts()
    assert facts.group == "reference"
    assert facts.n == 6
    assert len(facts.hash) == len(facts.model) == 16
    assert find_reference(model).hash == find_reference(model / "reference").hash == facts.hash
    assert find_reference(tmp_path).seed == 3
    again = score_study(CODES, "reference").fitted.save(tmp_path / "again", facts.model, seed=3)
    assert again["hash"] == facts.hash


def test_what_does_not_fit_is_refused_in_a_sentence(tmp_path: Path) -> None:
    model = freeze(tmp_path)
    frozen = find_reference(tmp_path)
    assert check_fit(frozen, fingerprint(model), CODES).subjects == [f"reference{k}" for k in range(6)]
    with pytest.raises(ModelError, match="frozen with other networks"):
        check_fit(frozen, fingerprint(freeze(tmp_path / "other", "others")), CODES)
    wider = [replace(CODES[0], posture=np.zeros((60, 40), np.float32))]
    with pytest.raises(ModelError, match="give keypoints"):
        check_fit(frozen, frozen.model, wider)
    with pytest.raises(ModelError, match="no frozen reference"):
        find_reference(tmp_path / "nowhere")


def test_a_changed_or_damaged_reference_is_not_used(tmp_path: Path) -> None:
    folder = freeze(tmp_path) / "reference"
    arrays = read_arrays(folder / "postures.npz")
    arrays["reference0_0"] = arrays["reference0_0"] + 0.01
    write_arrays(folder / "postures.npz", **arrays)
    with pytest.raises(ModelError, match="wrong hash"):
        ReferenceModel.load(folder)
    facts = json.loads((folder / "reference.json").read_text())
    write_json(folder / "reference.json", facts | {"format": 1})
    with pytest.raises(ModelError, match="another version"):
        ReferenceModel.load(folder)
    (folder.parent / "model.json").unlink()
    with pytest.raises(ModelError, match="networks are missing"):
        find_reference(tmp_path)
