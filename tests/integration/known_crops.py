"""Crops of a finished run, taken over where a test is about what comes after cropping."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ubam.pipeline import recording_stages
from ubam.recordings.study_table import Recording
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops


def _copying(run: Path, *anew: str) -> Callable[..., CropStore]:

    def build(recording: Recording, out: Path, **how: Any) -> CropStore:
        known = run / "crops" / recording.recording_id
        if known.is_dir() and not out.exists() and recording.recording_id not in anew:
            shutil.copytree(known, out)
        return build_crops(recording, out, **how)

    return build


def use_crops_of(run: Path, patch: pytest.MonkeyPatch, *anew: str) -> None:
    """Let runs begin with the crops of `run`, which stay where they are right; `anew` are cropped from their videos."""
    patch.setattr(recording_stages, "build_crops", _copying(run, *anew))
