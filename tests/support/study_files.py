"""Study tables for the tests."""

from pathlib import Path


def make_study(folder: Path, text: str, videos: tuple[str, ...] = ("a.mp4", "b.mp4"), encoding: str = "utf-8") -> Path:
    for name in videos:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    path = folder / "study.csv"
    path.write_bytes(text.encode(encoding))
    return path
