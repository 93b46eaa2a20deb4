"""run.json: as a run writes it (`RunJson`), and as a reader finds it, complete or not (`RunFacts`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Required, TypedDict

from ubam.core.issue_codes import LIMITED_SINGLE_P
from ubam.results.records.codec import OMITTED, from_json


class RunOptions(TypedDict, total=False):
    """What a run was asked for, kept as it is in run.json: an option that is not there has its default.

    posture: one of POSTURES, plan: of the subjects' bodies; with a `model` and without them, the model's.
    reference: a group, `none` for scoring every subject against all others, or None to go by the names of the groups.
    model, against: folders. scheduler: the address of a Dask scheduler. factors: of magnification.
    """

    preset: str
    posture: str | None
    plan: str | None
    reference: str | None
    block: str | None
    model: str | Path | None
    against: str | Path | None
    device: str
    seed: int
    workers: int
    scheduler: str | None
    factors: Sequence[float]


class StageEntry(TypedDict, total=False):
    """A stage in run.json: its state (running, done or failed), fingerprint, times, and warnings of the data."""

    state: str
    key: str
    started: str
    seconds: float
    finished: str
    reason: str
    warnings: list[str]


class GeneratorEntry(TypedDict, total=False):
    """The test of the generator: errors with and without it, of the subject (`l1`) and of its gaps (`gap_l1`)."""

    l1_without: float
    l1_with: float
    gap_l1_without: float
    gap_l1_with: float
    gap_share: float
    pairs: int
    used: Required[bool]
    held_out: str
    trained: bool


class TrainingEntry(TypedDict, total=False):
    """How the networks were learnt: steps taken, and at most; subjects held out until the last fifth; why it ended."""

    steps: int
    most: int
    held_out: list[str]
    why: str


class RunJson(TypedDict, total=False):
    """run.json. stamps: size and time of each video; inputs: the hash of each; issues: of core/issue_codes.py.

    tables: the hash of each table, by its path in the run folder.
    """

    stages: Required[dict[str, StageEntry]]
    warnings: list[str]
    format: int
    ubam: str
    study: str
    study_key: str
    versions: dict[str, str]
    options: RunOptions
    settings: dict[str, object]
    factors: list[float]
    preset: str
    seed: int
    reference: str | None
    device: str
    stamps: dict[str, list[int]]
    issues: list[str]
    inputs: dict[str, object]
    tables: dict[str, str]
    order_accuracy: float | None
    training: TrainingEntry
    plan: str | None
    generator: GeneratorEntry


@dataclass(frozen=True)
class StageFacts:
    """One stage of a run: its state (running, done or failed), its fingerprint, and how long it took."""

    state: str = ""
    key: str = ""
    started: str | None = field(default=None, metadata=OMITTED)
    seconds: float | None = field(default=None, metadata=OMITTED)
    finished: str | None = field(default=None, metadata=OMITTED)
    reason: str | None = field(default=None, metadata=OMITTED)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RunFacts:
    """What a run was asked to do and how far it is; `settings`, `options` and `versions` are plain values by name.

    issues: codes of what `check` has against the study (core/issue_codes.py). training: as `TrainingEntry`.
    """

    stages: dict[str, StageFacts] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    ubam: str | None = None
    study: str | None = None
    study_key: str | None = None
    preset: str | None = None
    seed: int | None = None
    reference: str | None = None
    device: str | None = None
    factors: list[float] = field(default_factory=list)
    issues: list[str] | None = None
    settings: dict[str, object] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    versions: dict[str, object] = field(default_factory=dict)
    training: dict[str, object] | None = None

    @classmethod
    def from_json(cls, value: object) -> "RunFacts":
        """What can be read of `value`, the object in a run.json; a run before the codes has its sentences only."""
        found = from_json(cls, value)
        if found.issues is not None:
            return found
        told = any("smallest possible" in message for message in found.warnings)
        return replace(found, issues=[LIMITED_SINGLE_P] if told else [])
