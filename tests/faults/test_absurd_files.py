"""Files whose headers promise the impossible, and names that lead out of their folder."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file
from torch import zeros

from ubam.core.errors import DamagedFile, ModelError, StudyError
from ubam.core.files import guarded, read_arrays, read_csv, unguarded, write_csv
from ubam.core.seals import read_record, write_record
from ubam.encoding.saved_model import Networks
from ubam.encoding.training import build_encoders
from ubam.recordings.mask_files import check_masks, read_masks


def coco(path: Path, *shapes: object) -> Path:
    path.write_text(json.dumps(list(shapes)))
    return path


WHOLE = {"size": [4, 4], "counts": [2, 3, 11]}


@pytest.mark.parametrize(
    "shape",
    [
        {"size": [10**6, 10**6], "counts": [10**12]},
        {"size": [4, 4], "counts": [10**12]},
        {"size": [4, 4], "counts": [-5, 21]},
        {"size": [4, 4], "counts": "~~~~"},
        {"size": ["a", 4], "counts": [16]},
    ],
)
def test_masks_that_promise_too_much_are_refused(shape: object, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="is not COCO"):
        check_masks(coco(tmp_path / "a.json", shape, WHOLE), 2)
    later = read_masks(coco(tmp_path / "b.json", WHOLE, shape), 2, (4, 4))
    assert next(later).sum() == 3 * 255
    with pytest.raises(StudyError, match="its mask of frame 1 is damaged"):
        next(later)


def test_an_empty_picture_of_a_mask_is_named(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "0.png").write_bytes(b"")
    with pytest.raises(StudyError, match=r"0\.png: cannot be read"):
        next(read_masks(tmp_path / "masks", 1, (4, 4)))


def test_a_model_of_an_absurd_size_is_refused(tmp_path: Path) -> None:
    posture, behaviour = build_encoders(16, 8, 12, 0, "cpu")
    Networks(posture, behaviour, {}).save(tmp_path)
    described: Any = read_record(tmp_path / "model.json")
    described["networks"]["posture"]["settings"]["dim"] = 10**12
    write_record(tmp_path / "model.json", described)
    with pytest.raises(ModelError, match=r"posture\.safetensors is missing or damaged"):
        Networks.load(tmp_path)


def test_weights_whose_header_promises_too_much_are_refused(tmp_path: Path) -> None:
    posture, behaviour = build_encoders(16, 8, 12, 0, "cpu")
    Networks(posture, behaviour, {}).save(tmp_path)
    described: Any = read_record(tmp_path / "model.json")
    described["networks"]["posture"].pop("digests")
    write_record(tmp_path / "model.json", described)
    for content in (b"", (2**62).to_bytes(8, "little") + b"{}", b"\x80\x04K\x01."):
        (tmp_path / "posture.safetensors").write_bytes(content)
        with pytest.raises(ModelError, match=r"posture\.safetensors is missing or damaged"):
            Networks.load(tmp_path)
    save_file({"other": zeros(3)}, tmp_path / "posture.safetensors")
    with pytest.raises(ModelError, match=r"posture\.safetensors is missing or damaged"):
        Networks.load(tmp_path)


def test_arrays_that_promise_too_much_or_hold_objects_are_refused(tmp_path: Path) -> None:
    header = np.lib.format.magic(1, 0)
    words = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("posture.npy", header + len(words).to_bytes(2, "little") + words)
    np.savez(tmp_path / "b.npz", posture=np.array([{"a": 1}], object))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(DamagedFile, match=name):
            read_arrays(tmp_path / name)


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "'=1", '=HYPERLINK("x")'])
def test_no_cell_of_a_table_is_a_formula(text: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [{"subject": text}], ["subject"])
    assert guarded(text).startswith("'")
    assert unguarded(guarded(text)) == text
    assert read_csv(tmp_path / "a.csv") == [{"subject": text}]
