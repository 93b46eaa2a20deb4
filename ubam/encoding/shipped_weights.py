"""Reads the posture encoder that ships with the program."""

import json
from importlib.resources import files
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file

from ubam.encoding.encoders import LandmarkEncoder

WEIGHTS = "weights/posture.safetensors"


def pretrained() -> LandmarkEncoder:
    """The posture encoder that ships with the program."""
    return load_encoder(Path(str(files("ubam.encoding") / WEIGHTS)))


def load_encoder(path: Path) -> LandmarkEncoder:
    """The posture encoder in a file that `ubam pretrain` wrote."""
    with safe_open(path, framework="pt") as opened:
        built = json.loads(opened.metadata()["ubam"])["network"]
    encoder = LandmarkEncoder(**built)
    encoder.load_state_dict(load_file(path))
    return encoder.eval()
