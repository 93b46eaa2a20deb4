"""What each megabyte of an installed environment is for: a row for each direct dependency of ubam.

    .venv/bin/python deploy/environment_sizes.py

Prints Markdown: the size of the package itself, and of what came with it and belongs to no dependency above it.
"""

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

FOR = {
    "torch": "every network",
    "imageio-ffmpeg": "writing clips",
    "opencv-python-headless": "pictures: warps, drawing",
    "scipy": "filters, tests, clustering",
    "av": "reading films",
    "numpy": "arrays",
    "matplotlib": "figures",
    "scikit-learn": "motifs, maps, probes",
    "pillow": "pictures that are uploaded",
    "sqlalchemy": "the service's database",
    "h5py": "keypoints of SLEAP, DeepLabCut",
    "apiflask": "the service's API",
    "dbos": "its jobs, after a crash, too",
    "ffmpeg-python": "the encoder's arguments",
    "alembic": "its database of before",
    "flask-limiter": "limits on requests",
    "safetensors": "weights of networks",
    "werkzeug": "requests",
    "jinja2": "pages and reports",
    "flask": "the service",
    "flask-wtf": "forged requests",
    "psutil": "memory of jobs",
    "click": "the command line",
    "prometheus-client": "the service's numbers",
    "marshmallow": "forms of the API",
    "waitress": "the server",
    "flask-talisman": "headers for browsers",
    "flask-login": "who is signed in",
}


def main() -> None:
    """Print the table."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = [_name(line) for line in project["dependencies"]]
    seen, rows = set(direct), []
    for name in direct:
        brought = _brought(name, seen)
        seen |= brought
        rows.append((name, _megabytes(name), sorted(brought, key=_megabytes, reverse=True)))
    print("| package | for | MB | brings | MB |\n|---|---|---|---|---|")
    for name, size, brought in sorted(rows, key=lambda row: -row[1] - sum(map(_megabytes, row[2]))):
        more = f" and {len(brought) - 6} more" if len(brought) > 6 else ""
        listed = ", ".join(brought[:6]) + more
        print(f"| {name} | {FOR[name]} | {size:.1f} | {listed} | {sum(map(_megabytes, brought)):.1f} |")
    own, brought = sum(size for _, size, _ in rows), sum(_megabytes(one) for row in rows for one in row[2])
    print(f"| all | | {own:.0f} | | {brought:.0f} |")


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _found(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _brought(name: str, known: set[str]) -> set[str]:
    """All that a package requires, directly or not, and that is installed and not known."""
    found, waiting = set[str](), [name]
    while waiting:
        one = _found(waiting.pop())
        for line in (one.requires or []) if one else []:
            other = _name(line)
            if "extra ==" not in line and other not in known | found and _found(other):
                found.add(other)
                waiting.append(other)
    return found


def _megabytes(name: str) -> float:
    one = _found(name)
    files = (one.files or []) if one else []
    return sum(file.size or 0 for file in files) / 1e6


if __name__ == "__main__":
    main()
