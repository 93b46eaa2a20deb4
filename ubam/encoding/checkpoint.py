"""A training on disk: one .safetensors file from which it continues as if it had never stopped.

The file holds tensors as they are and everything else as JSON in its header, so that nothing in it can carry code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ubam.core.files import atomic_path

FORMAT = 1


class Stateful(Protocol):
    """A network, an optimiser or a scheduler: anything that returns its state and can be set to one."""

    def state_dict(self) -> Mapping[str, Any]:
        """The state: tensors, numbers and texts in dictionaries and lists."""

    def load_state_dict(self, state_dict: Any, /) -> object:
        """Continue from a state that `state_dict` returned."""


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a training is kept (`path`, a .safetensors file) and how often it is written, in seconds."""

    path: Path
    every_s: float = 20.0

    def write(self, call: object, parts: Mapping[str, Stateful]) -> None:
        """Write the state of all parts. `call`: JSON that differs between two trainings that differ."""
        tensors: dict[str, Tensor] = {}
        states = {name: _take_tensors(part.state_dict(), name, tensors) for name, part in parts.items()}
        header = {"format": FORMAT, "call": call, "states": states}
        with atomic_path(self.path) as temporary:
            save_file(tensors, temporary, {"ubam": json.dumps(header)})

    def read(self, call: object, parts: Mapping[str, Stateful], device: torch.device) -> bool:
        """Put all parts into the state that was written by the same call; whether there was one.

        A file that is missing, damaged, of another call or of another version is passed over.
        """
        try:
            with safe_open(self.path, framework="pt") as opened:
                header = json.loads((opened.metadata() or {})["ubam"])
            if header.get("format") != FORMAT or header["call"] != json.loads(json.dumps(call)):
                return False
            tensors = load_file(self.path, device=str(device))
        except (OSError, SafetensorError, KeyError, ValueError):
            return False
        for name, part in parts.items():
            part.load_state_dict(_give_tensors(header["states"][name], tensors))
        return True


def _take_tensors(state: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A state as JSON, in which names replace the tensors; keys may be numbers, unlike those of JSON."""
    if isinstance(state, Tensor):
        tensors[name] = state.contiguous()
        return {"tensor": name}
    if isinstance(state, Mapping):
        values = [_take_tensors(value, f"{name}.{key}", tensors) for key, value in state.items()]
        return {"keys": list(state), "values": values}
    if isinstance(state, (list, tuple)):
        return [_take_tensors(value, f"{name}.{index}", tensors) for index, value in enumerate(state)]
    return state


def _give_tensors(kept: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of `_take_tensors`."""
    if isinstance(kept, list):
        return [_give_tensors(value, tensors) for value in kept]
    if not isinstance(kept, dict):
        return kept
    if "tensor" in kept:
        return tensors[kept["tensor"]]
    return dict(zip(kept["keys"], (_give_tensors(value, tensors) for value in kept["values"]), strict=True))


def fingerprint(network: nn.Module) -> str:
    """SHA-256 of a network's class, weights and device, in hexadecimal digits."""
    digest = hashlib.sha256(type(network).__name__.encode())
    for name, weight in network.state_dict().items():
        digest.update(f"{name}{tuple(weight.shape)}{weight.device.type}".encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
