"""Real `torchrun`: two processes learn what one learns from the same crops at the same global batch."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ubam.encoding.shipped_weights import pretrained

pytestmark = pytest.mark.usefixtures("tiny_preset", "plain_eye")
THIS = "tests.unit.encoding.learning.test_torchrun"
NEAR = 1e-3  # of weights after 12 steps: sums in another order, which Adam makes more of where gradients are small
TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def learn_anew() -> None:
    """The command line in a process of its own, at the size of `tiny_quick`."""
    from tests.support.command_line import call, tiny_quick

    with tiny_quick():
        code = call(*sys.argv[1:])
    sys.exit(code)


def learnt(run: Path, out: Path, study: Path, launcher: Sequence[str] = ()) -> dict[str, torch.Tensor]:
    """The weights of a training on the crops of `run`, by one process or by those that the launcher starts."""
    shutil.copytree(run, out)
    shutil.rmtree(out / "model")
    command = [sys.executable, *launcher, "-m", THIS, "train", out, "--study", study]
    ended = subprocess.run(
        [*map(str, command), "--preset", "quick", "--workers", "1", "--seed", "5"],
        env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    files = sorted((out / "model").glob("*.safetensors"))
    return {f"{file.stem}.{name}": value for file in files for name, value in load_file(file).items()}


@pytest.mark.slow
def test_two_processes_of_torchrun_learn_what_one_does(run: Path, study: Path, tmp_path: Path) -> None:
    one = learnt(run, tmp_path / "one", study)
    two = learnt(run, tmp_path / "two", study, TWO)
    assert one.keys() == two.keys() != set()
    begun = pretrained().state_dict()
    moved = max(float((one[f"posture.{name}"] - value).abs().max()) for name, value in begun.items())
    assert moved > 4 * NEAR, "a training that nobody could tell from none proves nothing"
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=NEAR, msg=name)


if __name__ == "__main__":
    learn_anew()
