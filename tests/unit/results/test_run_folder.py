"""The files of a run: what a kill left half-written is none of them."""

from pathlib import Path

import pytest

from ubam.results.run_folder import RunFolder


@pytest.mark.parametrize(
    ("listed", "name"),
    [("all_evidence", "evidence/a.npz"), ("all_clip_facts", "magnified/a.json"), ("all_figures", "figures/a.png")],
)
def test_what_a_kill_left_is_not_listed(listed: str, name: str, tmp_path: Path) -> None:
    whole = tmp_path / name
    whole.parent.mkdir()
    whole.write_text("")
    whole.with_name(f".{whole.stem}-x52yz06x{whole.suffix}").write_text("")
    files = RunFolder(tmp_path)
    found = getattr(files, listed)
    assert (found() if callable(found) else found) == [whole]
