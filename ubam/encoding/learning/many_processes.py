"""One training on several processes or GPUs that `torchrun` starts: each encodes its part of every batch.

Every process draws the same batch, encodes its part of it, and is given the postures of all others. So all have the
loss of the whole batch, whatever its terms, and the mean of their gradients is its gradient: many processes learn what
one learns. The first one does the rest of the run; the others only help it to learn.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ubam.core.settings import Settings

PATIENCE = timedelta(days=30)  # of the others, while the first one finds and crops
Encode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Call:
    """What is to be learnt: from the crops in these folders, of these subjects; checkpoint: the file of its state."""

    stores: Sequence[str]
    settings: Settings
    device: str
    checkpoint: str | None
    subjects: Sequence[str] | None


def helps() -> bool:
    """Whether this process was started by `torchrun` to help another one."""
    return _together() and int(os.environ["RANK"]) > 0


def leads() -> bool:
    """Whether this process writes what is learnt: the only one, or the first of several."""
    return not dist.is_initialized() or dist.get_rank() == 0


def _together() -> bool:
    return dist.is_available() and int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


def _joined() -> None:
    """Join the other processes, at the addresses that `torchrun` wrote into the environment."""
    if dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("cpu:gloo,cuda:nccl", timeout=PATIENCE)
    else:
        dist.init_process_group("gloo", timeout=PATIENCE)


def ask_for_help(call: Call) -> None:
    """Tell the processes that help what is to be learnt; nothing where there are none."""
    if _together() and not helps():
        _joined()
        _tell(call)


@contextmanager
def helped() -> Iterator[None]:
    """What the first process does; at its end those that help end, too. Where it fails, `torchrun` ends them."""
    yield
    if _together():
        _joined()
        _tell(None)
        dist.destroy_process_group()


def calls_for_help() -> Iterator[Call]:
    """What is to be learnt, one call after the other, in a process that helps, until the first process ends."""
    _joined()
    while (call := _hear()) is not None:
        yield call
    dist.destroy_process_group()


def _tell(call: Call | None) -> None:
    said = json.dumps(None if call is None else asdict(call))
    words = torch.frombuffer(bytearray(said.encode()), dtype=torch.uint8)
    dist.broadcast(torch.tensor([len(words)]), 0)
    dist.broadcast(words, 0)


def _hear() -> Call | None:
    length = torch.zeros(1, dtype=torch.int64)
    dist.broadcast(length, 0)
    words = torch.zeros(int(length), dtype=torch.uint8)
    dist.broadcast(words, 0)
    said: dict[str, Any] | None = json.loads(words.numpy().tobytes())
    return None if said is None else Call(**said | {"settings": Settings(**said["settings"])})


def encode_together(encode: Encode, pictures: Tensor) -> Tensor:
    """`encode` of pictures [N, ...], each process its part; the same numbers in every process, whose gradients differ.

    N is at least the number of processes.
    """
    if not dist.is_initialized():
        return encode(pictures)
    parts = pictures.tensor_split(dist.get_world_size())
    own, lengths = encode(parts[dist.get_rank()]), [len(part) for part in parts]
    gathered: Tensor = _Gathered.apply(own, lengths)  # type: ignore[no-untyped-call]
    return gathered


class _Gathered(torch.autograd.Function):
    """The rows of all processes, one after the other.

    Backward, each process keeps the gradient of its own rows, times the number of processes: `average_gradients`
    divides by it.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, lengths: list[int]) -> Tensor:
        ctx.lengths = lengths
        padded = own.new_zeros((max(lengths), *own.shape[1:]))
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in lengths]
        dist.all_gather(parts, padded)
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        own = gradients[0].split(ctx.lengths)[dist.get_rank()]
        return own * dist.get_world_size(), None


def average_gradients(network: nn.Module) -> None:
    """Replace the gradients of all weights by their mean over the processes."""
    if not dist.is_initialized():
        return
    found = [weight.grad for weight in network.parameters() if weight.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in found])
    dist.all_reduce(together)
    together /= dist.get_world_size()
    for gradient, mean in zip(found, together.split([gradient.numel() for gradient in found]), strict=True):
        gradient.copy_(mean.view_as(gradient))
