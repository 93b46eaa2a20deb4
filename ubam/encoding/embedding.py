"""From trained encoders and views to postures and behaviours, in batches; the result does not depend on their size."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ubam.core.files import leave_memory
from ubam.core.progress import Progress
from ubam.encoding.augmentation import moved_by_looks
from ubam.encoding.encoders import WINDOW, BehaviourNetwork, PostureNetwork
from ubam.encoding.window_sampling import Pictures


def moment_times(arrays: Mapping[str, np.ndarray], what: str) -> np.ndarray:
    """Seconds of each posture, or of the middle of each behaviour window."""
    if what == "posture":
        return arrays["time_s"]
    return (arrays["window_start_s"] + arrays["window_end_s"]) / 2


POSTURES_PER_SECOND = 25
BATCHES = {"cpu": 64, "cuda": 1024}  # pictures at a time


def stride_of(fps: float) -> int:
    """Frames from one posture of a window to the next; windows span about the same time at any frame rate."""
    return max(1, round(fps / POSTURES_PER_SECOND))


def embed_postures(
    encoder: PostureNetwork,
    views: Pictures,
    device: str = "cpu",
    batch: int | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Postures float32 [T, dim] of views uint8 [T, V, V, 3]; only `batch` frames are in memory at a time.

    batch: 64, or 1,024 on a GPU, unless it is given.
    """
    encoder = encoder.to(device).eval()
    batch = batch or BATCHES[device]
    postures = np.empty((len(views), encoder.dim), np.float32)
    with torch.inference_mode():
        for start in range(0, len(views), batch):
            frames = sent(torch.from_numpy(np.array(views[start : start + batch])), device).permute(0, 3, 1, 2)
            postures[start : start + batch] = _answer(encoder, frames, device)
            leave_memory(views)
            if progress is not None:
                progress(min(start + batch, len(views)), len(views))
    return postures


def looks_of_encoder(encoder: PostureNetwork, views: np.ndarray, found: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Effect of simulated changes of appearance on postures of views uint8 [T, V, V, 3]; see `moved_by_looks`."""
    encoder = encoder.to(device).eval()
    return moved_by_looks(views, found, lambda pictures: encoded(encoder, pictures, device))


def encoded(encoder: PostureNetwork, pictures: Tensor, device: str) -> np.ndarray:
    """Postures float32 [N, dim] of pictures [N, C, V, V] in 0..255."""
    with torch.inference_mode():
        return _answer(encoder, sent(pictures, device), device)


def sent(pictures: Tensor, device: str | torch.device) -> Tensor:
    """Pictures on a device; a GPU fetches them while this process goes on, which needs memory that stays in place."""
    if torch.device(device).type == "cpu":
        return pictures.to(device)
    return pictures.pin_memory().to(device, non_blocking=True)


def precision(device: str) -> torch.autocast:
    """The precision in which an encoder is asked: bfloat16 on a GPU that multiplies it, else float32."""
    return torch.autocast(device, torch.bfloat16, enabled=device == "cuda" and torch.cuda.is_bf16_supported())


def _answer(encoder: PostureNetwork, pictures: Tensor, device: str) -> np.ndarray:
    with precision(device):
        found = encoder(pictures)
    return as_array(found)


def as_array(found: Tensor) -> np.ndarray:
    """What a network answered, float32."""
    return np.asarray(found.float().cpu().numpy())


def embed_behaviours(
    encoder: BehaviourNetwork, postures: np.ndarray, stride: int = 1, batch: int = 1024
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Behaviours float32 [W, E] of postures [T, dim], with first and last frame int64 [W] of each window.

    A window is 8 postures, `stride` frames apart. A new one begins every 4 strides. A recording shorter than a window
    has none.
    """
    starts = np.arange(0, max(0, len(postures) - (WINDOW - 1) * stride), 4 * stride, dtype=np.int64)
    device = next((weights.device for weights in encoder.parameters()), torch.device("cpu"))
    encoder.eval()
    made = []
    with torch.inference_mode():
        for first in range(0, len(starts), batch):
            frames = starts[first : first + batch, None] + stride * np.arange(WINDOW)
            windows = torch.from_numpy(np.asarray(postures[frames], np.float32)).to(device)
            made.append(as_array(encoder(windows)))
        width = encoder(torch.zeros(1, WINDOW, postures.shape[1], device=device)).shape[1]
    behaviours = np.concatenate([np.empty((0, width), np.float32), *made])
    return behaviours, starts, starts + (WINDOW - 1) * stride
