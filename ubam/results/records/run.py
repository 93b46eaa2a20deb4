"""run.json and the facts beside a magnified clip, as they are read."""

from dataclasses import dataclass, field, replace

from ubam.core.issue_codes import LIMITED_SINGLE_P
from ubam.results.records.codec import OMITTED, from_json


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

    issues: codes of what `check` has against the study (core/issue_codes.py).
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

    @classmethod
    def from_json(cls, value: object) -> "RunFacts":
        """What can be read of `value`, the object in a run.json; a run before the codes has its sentences only."""
        found = from_json(cls, value)
        if found.issues is not None:
            return found
        told = any("smallest possible" in message for message in found.warnings)
        return replace(found, issues=[LIMITED_SINGLE_P] if told else [])
