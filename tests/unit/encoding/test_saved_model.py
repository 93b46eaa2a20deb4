"""A model goes to disk and comes back with equal embeddings; what is no model is said to be none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.moving_bar import moving_bar
from ubam.core.errors import ModelError
from ubam.encoding.embedding import embed_behaviours, embed_postures
from ubam.encoding.saved_model import Networks
from ubam.encoding.training import build_encoders


def described(
    posture_settings: dict[str, Any], behaviour_settings: dict[str, Any], posture: str = "PostureEncoder"
) -> dict[str, Any]:
    """Networks as model.json names them."""
    return {
        "posture": {"kind": posture, "settings": posture_settings},
        "behaviour": {"kind": "BehaviourEncoder", "settings": behaviour_settings},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    posture, behaviour = build_encoders(16, 8, 12, 0, "cpu")
    Networks(posture, behaviour, {"preset": "quick", "seed": 4}).save(tmp_path / "model")
    return tmp_path / "model"


def test_round_trip_gives_equal_embeddings(folder: Path) -> None:
    views, _ = moving_bar(30, 0, size=64)
    posture, behaviour = build_encoders(16, 8, 12, 0, "cpu")
    loaded = Networks.load(folder)
    expected = embed_postures(posture, views)
    np.testing.assert_array_equal(embed_postures(loaded.posture, views), expected)
    np.testing.assert_array_equal(
        embed_behaviours(loaded.behaviour, expected)[0], embed_behaviours(behaviour, expected)[0]
    )
    assert loaded.settings == {"preset": "quick", "seed": 4}


def test_only_safetensors_and_json_are_written(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "behaviour.safetensors",
        "model.json",
        "posture.safetensors",
    ]


def test_a_folder_without_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=str(tmp_path)):
        Networks.load(tmp_path)


@pytest.mark.parametrize("name", ["posture.safetensors", "behaviour.safetensors", "model.json"])
@pytest.mark.parametrize("damage", ["truncated", "foreign", "missing"])
def test_damage_is_a_model_error(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20] if damage == "truncated" else b"PK\x03\x04 something else")
    with pytest.raises(ModelError, match=name):
        Networks.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"networks": {}},
        {"networks": []},
        {"settings": None},
        {"format": 1},
        {"networks": described({"dim": 32, "width": 8}, {"dim": 32, "behaviour_dim": 12})},
        {"networks": described({"dims": 16}, {})},
        {"networks": described({"dim": 16, "width": 8}, {"dim": 16, "behaviour_dim": 12}, posture="BehaviourEncoder")},
        {"networks": described({"dim": 16, "width": 8}, {"dim": 16, "behaviour_dim": 12}, posture="system")},
        {"networks": described({"dim": 16, "width": 8}, {"dim": 16, "behaviour_dim": 12}) | {"os.system": {}}},
        {"networks": {"posture": {"dim": 16, "width": 8}, "behaviour": {"dim": 16, "behaviour_dim": 12}}},
        {"networks": {"posture": [], "behaviour": None}},
    ],
)
def test_a_description_that_does_not_fit_is_a_model_error(folder: Path, change: dict[str, Any]) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError):
        Networks.load(folder)


def test_a_list_is_no_model(folder: Path) -> None:
    (folder / "model.json").write_text("[]")
    with pytest.raises(ModelError):
        Networks.load(folder)
