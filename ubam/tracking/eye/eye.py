"""Use the eye: crops in, outlines, body coordinates and landmarks out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .landmarks import LANDMARKS, PLANS
from .network import SIDE, EyeNetwork, landmark_places, prepare
from .pairs import read_pairs

WEIGHTS = "tracking/eye/weights/eye.safetensors"
BATCHES = {"cpu": 8, "cuda": 64}  # crops at a time
PLACES = 64  # cells a side of the body coordinates that are given


@dataclass(frozen=True)
class Seen:
    """What the eye sees in T crops of one recording.

    alpha float32 [T, SIDE, SIDE] within 0..1; places float32 [T, P, P, 3], P = `PLACES`: front, left and height on the
    canonical body, each of -1..1; left float32 [T, P, P]: the chance that a place is of the left half; landmarks
    float32 [T, L, 2]: x and y within 0..1 of the crop; spread float32 [T, L]: their uncertainty in crop sides; inside
    float32 [T, L]: the chance that a landmark lies within the crop.
    """

    plan: str
    alpha: np.ndarray
    places: np.ndarray
    left: np.ndarray
    landmarks: np.ndarray
    spread: np.ndarray
    inside: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the landmarks."""
        return LANDMARKS[self.plan]


class Eye:
    """One network for all body plans, on `cpu` or `cuda`.

    bfloat16: takes half the time on CPUs that support it (AVX512-BF16, AMX); outlines then differ by about a pixel.
    """

    def __init__(self, network: EyeNetwork, *, device: str = "cpu", bfloat16: bool = False) -> None:
        self.device, self.bfloat16 = device, bfloat16
        self.network = folded(network.eval()).to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(cls, path: Path | None = None, *, device: str = "cpu", bfloat16: bool = False) -> "Eye":
        """The shipped eye, or one that `ubam pretrain --what eye` wrote to `path`."""
        path = path or Path(str(files("ubam") / WEIGHTS))
        with safe_open(path, framework="pt") as opened:
            settings = json.loads(opened.metadata()["ubam"])["network"]
        network = EyeNetwork(tuple(settings["widths"]), tuple(settings["depths"]))
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return cls(network, device=device, bfloat16=bfloat16)

    @torch.no_grad()
    def see(
        self, crops: np.ndarray, empty: np.ndarray | None = None, plan: str | None = None,
        neighbours: np.ndarray | None = None,
    ) -> Seen:  # fmt: skip
        """Look at crops uint8 [T, S, S, 3] (RGB), with the empty scene uint8 [S, S, 3] or [T, S, S, 3] if it is known.

        plan: one of person, rodent, dog, fly; without it the likeliest one of all crops together. neighbours uint8 [T,
        2, S, S, 3]: the frames before and after through the same box; without them the crops are successive frames of
        one box and each other's neighbours.
        """
        inputs = self._inputs(crops, empty, neighbours)
        return self._seen(inputs, plan or self.plan_of(_array(self._plans(inputs))))

    def _seen(self, inputs: Tensor, plan: str) -> Seen:
        number = PLANS.index(plan)
        marks = len(LANDMARKS[plan])
        alpha, places, found, spread, inside = [], [], [], [], []
        for part, used in _batches(inputs, self.batch):
            with self._precision():
                answer = self.network(part, torch.full((len(part),), number, device=self.device))
            alpha.append(torch.sigmoid(answer.outline[:used, 0]))
            places.append(functional.interpolate(answer.places[:used].float(), (PLACES, PLACES), mode="nearest-exact"))
            heatmaps = answer.heatmaps[:used, :marks]
            at, wide, within = landmark_places(heatmaps)
            at, wide = read_pairs(heatmaps, at, wide, PLANS[number])
            found.append(at)
            spread.append(wide)
            inside.append(within)
        where, left = _signed(torch.cat(places))
        return Seen(plan, _array(torch.cat(alpha)), _array(where), _array(left),
                    _array(torch.cat(found)), _array(torch.cat(spread)), _array(torch.cat(inside)))  # fmt: skip

    @property
    def batch(self) -> int:
        """How many crops are looked at together: always the same number, so that no answer depends on other crops."""
        return BATCHES[self.device]

    @torch.no_grad()
    def outline(
        self, before: np.ndarray, at: np.ndarray, after: np.ndarray, empty: np.ndarray, known: Tensor
    ) -> np.ndarray:
        """Soft outlines float32 [n, S, S] in 0..1 of crops uint8 [n, S, S, 3] with their neighbours in time.

        S: a multiple of 16; `SIDE` is best, and smaller crops take less time.

        empty: the scene without the subject in the same boxes; known bool [n]: whether that scene is known.
        """
        inputs = self._prepared(before, at, after, empty, known, at.shape[1])
        with self._precision():
            found = [self.network.outlines(part)[:used, 0] for part, used in _batches(inputs, self.batch)]
        return _array(torch.sigmoid(torch.cat(found)))

    @torch.no_grad()
    def body(
        self, before: np.ndarray, at: np.ndarray, after: np.ndarray, empty: np.ndarray, known: Tensor, plan: str
    ) -> Seen:
        """Everything that the eye sees in crops of a body of the plan; arguments as for `outline`."""
        return self._seen(self._prepared(before, at, after, empty, known, SIDE), plan)

    @torch.no_grad()
    def plan_chances(
        self, crops: np.ndarray, empty: np.ndarray | None = None, neighbours: np.ndarray | None = None
    ) -> np.ndarray:
        """Logarithm of the chance of each plan, float32 [T, 4]; arguments as in `see`."""
        return _array(self._plans(self._inputs(crops, empty, neighbours)))

    @staticmethod
    def plan_of(chances: np.ndarray) -> str:
        """The likeliest plan of many crops together, from their `plan_chances` [n, 4]."""
        return PLANS[int(chances.mean(0).argmax())]

    def _plans(self, inputs: Tensor) -> Tensor:
        with self._precision():
            return torch.cat([
                torch.log_softmax(self.network.plans(part)[:used], 1) for part, used in _batches(inputs, self.batch)
            ])  # fmt: skip

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device, torch.bfloat16, enabled=self.bfloat16)

    def _inputs(self, crops: np.ndarray, empty: np.ndarray | None, neighbours: np.ndarray | None) -> Tensor:
        frames = self._sized(crops)
        behind = frames if empty is None else self._sized(empty if empty.ndim == 4 else empty[None]).expand_as(frames)
        if neighbours is None:
            before, after = torch.cat([frames[:1], frames[:-1]]), torch.cat([frames[1:], frames[-1:]])
        else:
            before, after = self._sized(neighbours[:, 0]), self._sized(neighbours[:, 1])
        known = torch.full((len(frames),), empty is not None, device=self.device)
        return prepare(before, frames, after, behind, known).contiguous(memory_format=torch.channels_last)

    def _prepared(
        self, before: np.ndarray, at: np.ndarray, after: np.ndarray, empty: np.ndarray, known: Tensor, side: int
    ) -> Tensor:
        before_, at_, after_, empty_ = (self._sized(part, side) for part in (before, at, after, empty))
        known = known.to(self.device)
        return prepare(before_, at_, after_, empty_, known).contiguous(memory_format=torch.channels_last)

    def _sized(self, pictures: np.ndarray, side: int = SIDE) -> Tensor:
        """Pictures uint8 [n, S, S, 3] as float [n, 3, side, side] within 0..1; bytes are what a GPU is sent."""
        way = cv2.INTER_AREA if pictures.shape[1] >= side else cv2.INTER_LINEAR
        if pictures.shape[1:3] != (side, side):
            pictures = np.stack([cv2.resize(picture, (side, side), interpolation=way) for picture in pictures])
        sent = torch.from_numpy(np.ascontiguousarray(pictures))
        if self.device != "cpu":
            sent = sent.pin_memory().to(self.device, non_blocking=True)
        return sent.permute(0, 3, 1, 2).float() / 255


def _array(found: Tensor) -> np.ndarray:
    return np.asarray(found.cpu().numpy())


def _batches(inputs: Tensor, size: int) -> Iterator[tuple[Tensor, int]]:
    """Batches of one size, so that answers do not depend on the number of crops that are asked for at once."""
    for first in range(0, len(inputs), size):
        part = inputs[first : first + size]
        used = len(part)
        if used < size:
            part = torch.cat([part, part[-1:].expand(size - used, -1, -1, -1)])
        yield part.contiguous(memory_format=torch.channels_last), used


def _signed(places: Tensor) -> tuple[Tensor, Tensor]:
    """Network places [n, 4, H, H] as canonical coordinates [n, H, H, 3] and the chance of left [n, H, H]."""
    left = torch.sigmoid(places[:, 3])
    sign = torch.where(left > 0.5, 1.0, -1.0)
    where = torch.stack([places[:, 0], places[:, 1].clamp_min(0) * sign, places[:, 2]], -1)
    return where.clamp(-1, 1), left


def folded(network: EyeNetwork) -> EyeNetwork:
    """The same network, for answers only: every batch norm in the convolution before it, every ReLU in place."""
    for parent in network.modules():
        if isinstance(parent, nn.ReLU):
            parent.inplace = True
        if isinstance(parent, nn.Sequential):
            for k in range(len(parent) - 1):
                first, second = parent[k], parent[k + 1]
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    parent[k], parent[k + 1] = fuse_conv_bn_eval(first, second), nn.Identity()
    return network
