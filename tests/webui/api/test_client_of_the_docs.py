"""The first script of docs/api.md, carried out against a real server: it ends on a flat folder, too."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.webui.support.clients import small_video
from tests.webui.support.processes import ROOT, Remote, running

pytestmark = pytest.mark.timeout(300)


def carried_out(place: Path, videos: Path) -> subprocess.CompletedProcess[str]:
    """The script with a key, an address and a folder of this test."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found
    with running(do="serve", data=str(place / "data"), folders=[str(videos)]) as process:
        token = Remote(process).json("POST", "tokens", json={"name": "script"})["token"]
        script = found[1].replace("ubam_...", token).replace("http://127.0.0.1:8000", process.address)
        script = script.replace("/media/videos/day14", str(videos)).replace("sleep(10)", "sleep(0.2)")
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)


def test_it_says_what_is_missing_where_the_folder_is_flat(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    small_video(tmp_path / "videos" / "ada.mp4")
    shutil.copy(tmp_path / "videos" / "ada.mp4", tmp_path / "videos" / "bob.mp4")
    ended = carried_out(tmp_path, tmp_path / "videos")
    assert ended.returncode == 1
    assert "fill in the group" in ended.stderr
