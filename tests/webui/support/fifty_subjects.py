"""A finished run of fifty subjects with their films: `python -m tests.webui.support.fifty_subjects RUN`.

`python -m webui.load_test.targets --results RUN` measures the page of it.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.support.run_folders import make_fake_run
from tests.webui.support.served import complete
from ubam.results.run_data import read_run
from ubam.results.run_folder import RunFolder

FRAMES = 1500  # a minute: the tables are as long as those of real recordings


def make_fifty_subjects(run: Path) -> Path:
    """Fill `run`: 25 subjects of either group and a minute of each; all have one film, and the affected one clip."""
    with tempfile.TemporaryDirectory() as folder:
        small = make_fake_run(Path(folder), reference_subjects=2, query_subjects=1, frames=60)
        make_fake_run(run, reference_subjects=25, query_subjects=25, frames=FRAMES, videos=False, effect=0.5)
        complete(run, small / "preview" / "a01_walk.mp4")
        facts = (small / "magnified" / "a01_walk.json").read_text(encoding="utf-8")
        made = RunFolder(run).path / "magnified"
        made.mkdir()
        for name in (row["recording_id"] for row in read_run(run).recordings if row["group"] == "affected"):
            shutil.copy(small / "magnified" / "a01_walk.mp4", made / f"{name}.mp4")
            (made / f"{name}.json").write_text(facts.replace("a01_walk", name), encoding="utf-8")
    return run


if __name__ == "__main__":
    make_fifty_subjects(Path(sys.argv[1]))
