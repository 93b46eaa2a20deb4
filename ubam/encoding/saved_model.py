"""A trained model on disk: weights as safetensors, settings as JSON; neither can carry code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ubam.core.errors import ModelError
from ubam.core.files import atomic_path
from ubam.core.seals import check_digests, digests_of, read_record, write_record
from ubam.encoding.encoders import (
    BehaviourEncoder,
    CoordinateEncoder,
    LandmarkEncoder,
    PostureEncoder,
    TrajectoryEncoder,
)
from ubam.results.run_folder import ModelFolder

FORMAT = 2


@dataclass
class Networks:
    """The trained networks, and the settings of their training as plain JSON values.

    The `settings` of a network are the arguments that build it again.
    """

    posture: Any
    behaviour: Any
    settings: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write `<network>.safetensors` and, last, `model.json` into `folder`; it no longer names other networks."""
        networks = {"posture": self.posture, "behaviour": self.behaviour}
        built = {name: _write_network(folder, name, network) for name, network in networks.items()}
        write_record(ModelFolder(folder).description, {"format": FORMAT, "networks": built, "settings": self.settings})

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> "Networks":
        """Read what `save` wrote; ModelError when it is missing, damaged, or no model of this program."""
        posture, behaviour = (load_network(folder, name, kinds, device) for name, kinds in _kinds().items())
        return cls(posture, behaviour, _read_description(folder)["settings"])


def read_settings(folder: Path) -> dict[str, object]:
    """The settings of the model in a folder; ModelError when there is none or it is damaged."""
    settings: dict[str, object] = _read_description(folder)["settings"]
    return settings


def add_network(folder: Path, name: str, network: Any) -> None:
    """Add a network to the model in `folder`; its `settings` are the arguments that build it again."""
    described = _read_description(folder)
    described["networks"][name] = _write_network(folder, name, network)
    write_record(ModelFolder(folder).description, described)


def load_network(folder: Path, name: str, kinds: Mapping[str, type[nn.Module]], device: str = "cpu") -> Any:
    """The network `name` of the model in `folder`, None when there is none; ModelError when it is damaged.

    kinds: its possible classes, by the names in `model.json`.
    """
    described = _read_description(folder)["networks"].get(name)
    if described is None:
        return None
    path = ModelFolder(folder).weights(name)
    try:
        check_digests(folder, described.get("digests", {}))
        network = kinds[described["kind"]](**described["settings"])
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError, MemoryError, TypeError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is missing or damaged: copy the model folder again or train anew") from error
    return network.to(torch.device(device)).eval()


def _write_network(folder: Path, name: str, network: Any) -> dict[str, Any]:
    """Write the weights of a network; how model.json describes it."""
    weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    with atomic_path(ModelFolder(folder).weights(name)) as temporary:
        save_file(weights, temporary)
    digests = digests_of([ModelFolder(folder).weights(name)])
    return {"kind": type(network).__name__, "settings": network.settings, "digests": digests}


def _read_description(folder: Path) -> dict[str, Any]:
    path = ModelFolder(folder).description
    if not path.is_file():
        raise ModelError(f"{folder} holds no model (no model.json): name a model/ folder that `ubam train` wrote")
    try:
        described: dict[str, Any] = read_record(path)
        networks = described["networks"]
        complete = {"posture", "behaviour"} <= set(networks) and isinstance(described["settings"], dict)
        complete = complete and all({"kind", "settings"} <= set(network) for network in networks.values())
        known = described["format"] == FORMAT
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged or not a model of ubam: copy the model folder again") from error
    if not complete or not known:
        raise ModelError(f"{path} is not a model that this version of ubam reads: train it again with `ubam train`")
    return described


def _kinds() -> dict[str, dict[str, type[nn.Module]]]:
    """The possible classes of the posture and the behaviour network, by name."""
    from ubam.encoding.published_encoders import FaithfulBehaviour, FaithfulPosture

    postures, behaviours = (
        (PostureEncoder, CoordinateEncoder, LandmarkEncoder, FaithfulPosture),
        (BehaviourEncoder, FaithfulBehaviour, TrajectoryEncoder),
    )
    return {
        "posture": {known.__name__: known for known in postures},
        "behaviour": {known.__name__: known for known in behaviours},
    }
