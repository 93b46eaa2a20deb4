"""A trained model on disk: weights as safetensors, settings as JSON, nothing that can carry code."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ubam.core.errors import ModelError
from ubam.core.files import atomic_path, write_json
from ubam.encoding.encoders import BehaviourEncoder, LandmarkEncoder, PostureEncoder

FORMAT = 2


@dataclass
class Model:
    """The trained networks with the settings they were trained with (`settings` is plain JSON).

    A network says by its own `settings` how it is built again; the kinds that are read are those of `_builder`.
    """

    posture: Any
    behaviour: Any
    generator: nn.Module | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write `<network>.safetensors` and, last, `model.json` into `folder`."""
        networks = self._networks()
        for name, network in networks.items():
            weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
            with atomic_path(folder / f"{name}.safetensors") as temporary:
                save_file(weights, temporary)
        built = {
            name: {"kind": type(network).__name__, "settings": network.settings} for name, network in networks.items()
        }
        write_json(folder / "model.json", {"format": FORMAT, "networks": built, "settings": self.settings})

    def _networks(self) -> dict[str, Any]:
        networks = {"posture": self.posture, "behaviour": self.behaviour, "generator": self.generator}
        return {name: network for name, network in networks.items() if network is not None}

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> "Model":
        """Read what `save` wrote; ModelError when it is missing, damaged, or no model of this program."""
        described = _read_description(folder)
        loaded = {
            name: _load_network(folder / f"{name}.safetensors", name, network, device)
            for name, network in described["networks"].items()
        }
        return cls(loaded["posture"], loaded["behaviour"], loaded.get("generator"), described["settings"])


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    if not path.is_file():
        raise ModelError(f"{folder} holds no model (no model.json): name a model/ folder that `ubam train` wrote")
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        complete = {"posture", "behaviour"} <= set(described["networks"]) and isinstance(described["settings"], dict)
        known = described["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged or not a model of ubam: copy the model folder again") from error
    if not complete or not known:
        raise ModelError(f"{path} is not a model that this version of ubam reads: train it again with `ubam train`")
    return described


def _load_network(path: Path, name: str, described: dict[str, Any], device: str) -> Any:
    try:
        network = _builder(name, described["kind"])(**described["settings"])
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is missing or damaged: copy the model folder again or train anew") from error
    return network.to(torch.device(device)).eval()


def _builder(name: str, kind: str) -> Any:
    """The class of a network; KeyError for one that is not known."""
    from ubam.encoding.published_encoders import FaithfulBehaviour, FaithfulPosture
    from ubam.magnification.gap_filling_network import Generator

    kinds: dict[str, tuple[type[nn.Module], ...]] = {
        "posture": (PostureEncoder, LandmarkEncoder, FaithfulPosture),
        "behaviour": (BehaviourEncoder, FaithfulBehaviour),
        "generator": (Generator,),
    }
    return {known.__name__: known for known in kinds[name]}[kind]
