"""`ubam doctor`: whether this machine has what a run needs, and how to get what is missing."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ubam.core.errors import UbamError

DISK_GB = 2.0


@click.command()
def doctor() -> None:
    """Versions, threads, GPU, ffmpeg and disk: what is there, and what to do about what is missing."""
    findings = examine(Path.cwd())
    for finding in findings:
        click.secho(
            f"{'ok' if finding.good else 'PROBLEM':8}{finding.what:18}{finding.found}",
            fg=None if finding.good else "red",
        )
        if not finding.good:
            click.echo(f"{'':26}{finding.remedy}")
    if not all(finding.good for finding in findings):
        sys.exit(2)


@dataclass(frozen=True)
class Finding:
    """One check: what was found, whether it suffices, and the remedy if not."""

    what: str
    found: str
    good: bool = True
    remedy: str = ""


def examine(folder: Path) -> list[Finding]:
    """Look at Python, packages, processor, GPU, ffmpeg and the free disk of `folder`."""
    from ubam.core.provenance import installed_versions

    python = ".".join(map(str, sys.version_info[:3]))
    findings = [Finding("python", python, sys.version_info >= (3, 11), "ubam needs Python 3.11 or newer.")]
    for name, version in installed_versions().items():
        missing = version == "unknown"
        findings.append(Finding(name, version, not missing, f"Install it: pip install -c constraints.txt {name}"))
    return [*findings, _processor(), _gpu(), _ffmpeg(), _disk(folder)]


def _processor() -> Finding:
    import torch

    policy = os.environ.get("OMP_WAIT_POLICY")
    return Finding(
        "processor", f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads, wait policy {policy}"
    )


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("gpu", "none that this torch can use; runs use the CPU (README: with a GPU)")
    return Finding("gpu", torch.cuda.get_device_name(0))


def _ffmpeg() -> Finding:
    from ubam.recordings.ffmpeg import ffmpeg_binary

    remedy = "pip install imageio-ffmpeg, or set UBAM_FFMPEG to an ffmpeg with libx264."
    try:
        listed = subprocess.run(
            [ffmpeg_binary(), "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired, UbamError) as error:
        return Finding("ffmpeg", str(error), False, remedy)
    return Finding("ffmpeg", ffmpeg_binary(), "libx264" in listed.stdout, remedy)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / 1e9
    return Finding(
        "disk", f"{free:.1f} GB free here", free > DISK_GB, "A run needs about 2 GB for an hour of video; free some."
    )
