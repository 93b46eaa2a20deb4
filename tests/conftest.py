"""Small videos for the tests, and the real recordings where they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import call, tiny_quick
from tests.support.network import block_network
from ubam.evaluation.synthetic.study import StudySpec, synthesise_study

# Folders whose tests share what is costly to make: a run; figures and their crops; a server and a browser.
TOGETHER = ("tests/integration", "tests/unit/magnification", "tests/webui/pages")
LONG = (  # begun first, as one worker waits for the other's last file
    *TOGETHER,
    "tests/unit/evaluation",
    "tests/faults",
    "tests/webui/jobs",
    "tests/webui/api",
    "tests/unit/tracking",
    "tests/unit/encoding",
)
SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several workers share the files (`--dist loadgroup`); one of them takes all files of a folder of `TOGETHER`.

    They take them in the order of collection only with `--no-loadscope-reorder`.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in LONG])
    for item in items:
        together = next((folder for folder in TOGETHER if item.nodeid.startswith(folder)), None)
        group = together or item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        block_network(patch)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings; tests that want it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real recordings are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="module")
def tiny_preset() -> Iterator[None]:
    """The preset `quick` of `run`, so that it is found done."""
    with tiny_quick():
        yield


@pytest.fixture(scope="module")
def plain_eye() -> Iterator[None]:
    """What is cropped and drawn in a module is seen by a `PlainEye`: its tests are not about what is seen."""
    from tests.support.plain_eye import plain_eye as seeing  # loads torch

    with seeing():
        yield


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five rendered subjects, two seconds each."""
    return synthesise_study(
        tmp_path_factory.mktemp("späces and dots. here"), StudySpec(subjects=5, seconds=2.0, seed=3)
    )


@pytest.fixture(scope="session")
def run(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run of that study, seen by a `PlainEye`; tests copy what they change, and have `plain_eye`, too."""
    from tests.support.plain_eye import plain_eye as seeing  # loads torch

    out = tmp_path_factory.mktemp("runs") / "run"
    with tiny_quick(), seeing():
        assert call("run", study, "--out", out, "--preset", "quick", "--workers", 1) == 0
    return out


@pytest.fixture
def known_crops(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings of the study are not cropped again."""
    from tests.integration.known_crops import use_crops_of  # loads torch

    use_crops_of(run, monkeypatch)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures are not drawn, which take longest of a small report."""
    monkeypatch.setattr("ubam.report.figures.write.write_figures", lambda folder, *pool: None)


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A storage in memory, and a cache of its own."""
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("UBAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("ubam.core.storage.PROTOCOLS", ("memory",))
    files = fsspec.filesystem("memory")
    files.makedirs("/bucket", exist_ok=True)
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]
