"""What is installed is used, what is used is installed, and what each megabyte is for is said."""

import ast
import re
import runpy
import sys
import tomllib

from tests.support.source_tree import PROGRAMS, ROOT, files, tree

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {  # of packages that are imported by another name
    "opencv-python-headless": "cv2", "scikit-learn": "sklearn", "scikit-image": "skimage", "pillow": "PIL",
    "ffmpeg-python": "ffmpeg", "dask-jobqueue": "dask_jobqueue", "prometheus_client": "prometheus_client",
}  # fmt: skip
# fsspec imports the storages by their schemes, SQLAlchemy its driver; dm_control has the bodies that are read as files;
# Slurm's recipe in deploy/ has dask-jobqueue.
BY_NAME = {"s3fs", "gcsfs", "adlfs", "paramiko", "psycopg", "dm_control", "dask_jobqueue"}
OFFERED = {"pandas"}  # `to_pandas` is for those who have it


def imported() -> set[str]:
    """The first name of every module that the programs import."""
    found: set[str] = set()
    for path in files(*PROGRAMS):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - set(PROGRAMS)


def declared(lines: list[str]) -> set[str]:
    """The modules of requirements."""
    names = [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in lines]
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


def test_every_dependency_is_imported() -> None:
    extras = [line for name, lines in PROJECT["optional-dependencies"].items() if name != "dev" for line in lines]
    assert declared(PROJECT["dependencies"]) <= imported()
    assert declared(extras) <= imported() | BY_NAME


def test_every_import_is_a_dependency() -> None:
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    assert imported() <= declared([*PROJECT["dependencies"], *extras]) | OFFERED


def test_what_every_dependency_is_for_is_said() -> None:
    told = runpy.run_path(str(ROOT / "deploy" / "environment_sizes.py"))["FOR"]
    names = {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower() for line in PROJECT["dependencies"]}
    assert set(told) == {name.replace("_", "-") for name in names}
