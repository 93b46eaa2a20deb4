"""Versions of what computed a result, and fingerprints of what decided it."""

import hashlib
import json
import os
import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "av", "numpy", "opencv-python-headless", "scikit-learn", "scipy", "matplotlib", "ffmpeg-python")


def key_of(*parts: Any) -> str:
    """A short fingerprint of JSON-like values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def version_of(package: str) -> str:
    """The installed version of a package, "unknown" where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


@lru_cache
def source_hash(package: Path = Path(__file__).parents[1]) -> str:
    """8 hexadecimal digits of the names and bytes of a package's Python files: two states of one version differ."""
    found = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        found.update(f"{path.relative_to(package).as_posix()} {path.stat().st_size}\n".encode() + path.read_bytes())
    return found.hexdigest()[:8]


def installed_versions() -> dict[str, str]:
    """The version of Python and of each package that numbers depend on, and the number of cores."""
    return {"python": platform.python_version(), "cpu_cores": str(os.cpu_count())} | {
        name: version_of(name) for name in PACKAGES
    }
