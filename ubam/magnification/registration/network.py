"""The network that registers two animals: it finds where each part of one would be if it stood like the other.

It compares the features of the pre-trained posture encoder in both views (the maps of its landmarks, their places, the
postures) and their local correlation (Fischer et al. 2015, FlowNet). Its output is a dense displacement.
"""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ubam.encoding.encoders import LandmarkEncoder, LandmarkFeatures, convolution, doubled

WEIGHTS = "weights/registration.safetensors"
SIDE = 64  # pixels of a view, and of the displacement
REACH = 5  # cells on each side that the correlation compares, at a quarter of the view's resolution
FINE = SIDE // 4


class RegistrationNetwork(nn.Module):
    """From two views on one canvas to the displacement of the first one's parts, and the expected error of it."""

    place: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder = LandmarkEncoder()
        width, maps, dim = self.encoder.width, self.encoder.landmarks, self.encoder.dim
        self.compared = nn.Conv2d(width + maps, 48, 1)
        near = (2 * REACH + 1) ** 2 + width + 2 * 48 + 2
        self.fine = nn.Sequential(*convolution(near, 96, 1, 1), *convolution(96, 64, 3, 1))
        self.to_middle = nn.Sequential(*convolution(64, 96, 3, 2))
        self.middle = nn.Sequential(*convolution(96 + 4 * width, 96, 1, 1))
        self.to_coarse = nn.Sequential(*convolution(96, 128, 3, 2))
        both = 128 + 6 * width + 2 * dim + 4 * maps
        self.coarse = nn.Sequential(*convolution(both, 160, 1, 1), *convolution(160, 128, 3, 1))
        self.middle_up = nn.Sequential(*convolution(128 + 96, 96, 3, 1))
        self.fine_up = nn.Sequential(*convolution(96 + 64 + width, 64, 3, 1))
        self.last_up = nn.Sequential(*convolution(64 + width // 2, 32, 3, 1))
        self.out = nn.Conv2d(32, 3, 3, 1, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        across = torch.linspace(-1, 1, FINE)
        place = torch.stack(torch.meshgrid(across, across, indexing="xy"))[None]
        self.register_buffer("place", place, persistent=False)

    def features(self, views: Tensor) -> LandmarkFeatures:
        """The encoder's features of views [N, 3, V, V] in 0..255."""
        return self.encoder.features(self.encoder.prepare(views))

    def register(self, query: LandmarkFeatures, reference: LandmarkFeatures) -> Tensor:
        """[N, 3, 64, 64]: displacement (x, y) in pixels of a view of 64, and the logarithm of its usual error."""
        compared = [self.compared(torch.cat([seen.fine, 0.1 * seen.maps], 1)) for seen in (query, reference)]
        place = self.place.expand(len(compared[0]), -1, -1, -1)
        fine = self.fine(torch.cat([correlation(*compared), query.fine, *compared, place], 1))
        middle = self.middle(torch.cat([self.to_middle(fine), query.middle, reference.middle], 1))
        whole = torch.cat([query.code, reference.code, query.places, reference.places - query.places], 1)
        whole = whole[:, :, None, None].expand(-1, -1, *query.coarse.shape[2:])
        coarse = self.coarse(torch.cat([self.to_coarse(middle), query.coarse, reference.coarse, whole], 1))
        found = self.middle_up(torch.cat([doubled(coarse), middle], 1))
        found = self.fine_up(torch.cat([doubled(found), fine, query.fine], 1))
        found = self.last_up(torch.cat([doubled(found), query.half], 1))
        return functional.interpolate(self.out(found), scale_factor=2.0, mode="bilinear", align_corners=False)

    def forward(self, query: Tensor, reference: Tensor) -> Tensor:
        """Views [N, 3, V, V] in 0..255 on the query's canvas; as `register`."""
        seen = self.features(torch.cat([query, reference]))
        return self.register(seen.part(slice(None, len(query))), seen.part(slice(len(query), None)))


def correlation(query: Tensor, reference: Tensor) -> Tensor:
    """Four times the cosine of each cell of the query with the cells around it in the reference.

    Both [N, C, H, W]; returns [N, (2 REACH + 1)^2, H, W], 0 outside the picture.
    """
    count, _, rows, columns = query.shape
    query, reference = functional.normalize(query, dim=1), functional.normalize(reference, dim=1)
    every = torch.bmm(query.flatten(2).transpose(1, 2), reference.flatten(2)).view(count, rows, columns, rows, columns)
    padded = functional.pad(every, (REACH,) * 4)
    frame, row, column, down, right = padded.stride()
    side = 2 * REACH + 1  # cell (r, c) looks at rows from r on and columns from c on of the padded reference
    near = padded.as_strided((count, side, side, rows, columns), (frame, down, right, row + down, column + right))
    return 4 * near.reshape(count, side * side, rows, columns)


def load_registration_network(path: Path) -> RegistrationNetwork:
    """The network in a file that `ubam pretrain` wrote; its half floats become float32."""
    network = RegistrationNetwork()
    network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return network.eval()


@lru_cache(maxsize=1)
def shipped_network() -> RegistrationNetwork:
    """The network that ships with the program, read once."""
    return load_registration_network(Path(str(files("ubam.magnification.registration") / WEIGHTS)))


@torch.inference_mode()
def features_of(views: np.ndarray) -> LandmarkFeatures:
    """Features of views uint8 [R, V, V, 3], V a multiple of 64."""
    return shipped_network().features(torch.from_numpy(views).permute(0, 3, 1, 2))


@torch.inference_mode()
def displacements(query: np.ndarray, references: LandmarkFeatures) -> np.ndarray:
    """Displacement float32 [R, 64, 64, 2], in widths of the view, of a query towards each of R references.

    query: uint8 [V, V, 3]. references: `features_of` their views on the query's canvas.
    """
    own = features_of(query[None]).repeated(len(references.code))
    return _in_widths(shipped_network().register(own, references))


@torch.inference_mode()
def displacements_of_pairs(queries: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Displacement float32 [N, 64, 64, 2], in widths of the view, of each query towards its own reference.

    Both uint8 [N, V, V, 3], V a multiple of 64.
    """
    views = (torch.from_numpy(part).permute(0, 3, 1, 2) for part in (queries, references))
    return _in_widths(shipped_network()(*views))


def _in_widths(found: Tensor) -> np.ndarray:
    moved: np.ndarray = (found[:, :2] / SIDE).permute(0, 2, 3, 1).contiguous().numpy()
    return moved
