"""Drawn pairs for training, mapped into memory and not loaded."""

from pathlib import Path

import numpy as np

PART = 250


class Parts:
    """All parts of a folder as one collection of pairs; a pair is read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.parts = [
            {f.stem: np.load(f, mmap_mode="r") for f in part.glob("*.npy")} for part in sorted(folder.glob("part*"))
        ]
        self.starts = np.cumsum([0, *(len(part["plan"]) for part in self.parts)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        part = int(np.searchsorted(self.starts, index, side="right")) - 1
        own = index - int(self.starts[part])
        return {name: array[own] for name, array in self.parts[part].items()}
