"""The tests of statistics.json: a row for each, with its effect sizes, and what groups of these sizes can show."""

from dataclasses import dataclass, field

from ubam.results.records.codec import OMITTED, to_json

NOT_CORRECTED = "none (one test)"  # what `correction` says where a family has one test


@dataclass(frozen=True)
class Effect:
    """An effect size with its interval; `interval` says how that was made."""

    name: str = "effect"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class LeftOut:
    """A subject that a test leaves out, or uses only in part, and why; code: `one group`, `both groups` and others."""

    subject: str = ""
    why: str = ""
    code: str | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class BlocksUsed:
    """How a test respects blocks: labels exchanged `within` them, or `whole` ones exchanged."""

    column: str = ""
    use: str = ""
    words: str = ""


@dataclass(frozen=True)
class GroupCount:
    """How much was recorded of the group in one test or, with windows and seconds, in the study."""

    subjects: int = 0
    recordings: int = 0
    windows: int | None = field(default=None, metadata=OMITTED)
    seconds: float | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class Test:
    """One test: its question, its subjects and its result; `refused` says why nothing could be tested."""

    __test__ = False  # of groups, not of this program: pytest must not collect it

    name: str = ""
    unit: str = "subject"
    groups: list[str] | None = None
    n: dict[str, int] = field(default_factory=dict)
    counts: dict[str, GroupCount] | None = field(default=None, metadata=OMITTED)
    levels: list[str] | None = field(default=None, metadata=OMITTED)
    statistic: float | None = None
    p: float | None = None
    blocks: BlocksUsed | None = None
    left_out: list[LeftOut] | None = field(default=None, metadata=OMITTED)
    kind: str = "two groups"
    family: str = "groups"
    question: str = ""
    measure: str = ""
    refused: str | None = field(default=None, metadata=OMITTED)
    statistic_name: str | None = field(default=None, metadata=OMITTED)
    smallest_p: float | None = field(default=None, metadata=OMITTED)
    arrangements: int | None = field(default=None, metadata=OMITTED)
    exact: bool | None = field(default=None, metadata=OMITTED)
    downgraded: str | None = field(default=None, metadata=OMITTED)
    effect: Effect | None = None
    effects: list[Effect] | None = field(default=None, metadata=OMITTED)
    correction: str | None = field(default=None, metadata=OMITTED)
    correction_p: float | None = field(default=None, metadata=OMITTED)

    @property
    def decisive_p(self) -> float | None:
        """The p to go by: the corrected one where there is one."""
        return self.p if self.correction_p is None else self.correction_p

    @property
    def pair(self) -> tuple[str, str]:
        """The first group, and the others."""
        named = list(self.n) if self.groups is None else self.groups
        if len(named) > 1:
            return named[0], ", ".join(named[1:])
        return named[0] if named else "the reference", "the others"

    def to_json(self) -> dict[str, object]:
        """What is written; no effect is written of what was not tested."""
        found = to_json(self)
        if self.effects is None:
            del found["effect"]
        return {name: found[name] for name in (*KEYS.get(self.kind, ()), *found) if name in found}


# The order of the keys by kind of test: a run that is made again gives the same bytes, and files can be compared.
_GROUPS = (
    "name unit groups n counts statistic p blocks left_out kind family question measure refused statistic_name "
    "smallest_p arrangements exact downgraded effect effects correction correction_p"
)
_SLOPE = (
    "family kind unit name question measure groups levels n statistic p blocks refused statistic_name smallest_p "
    "arrangements exact effect effects left_out correction correction_p"
)
_ASKED = (
    "family kind unit measure name groups question n statistic p blocks left_out refused downgraded statistic_name "
)
KEYS = {
    kind: tuple(names.split())
    for kind, names in {
        **dict.fromkeys(("two groups", "pair", "paired"), _GROUPS),
        "omnibus": _GROUPS.replace("left_out kind family", "kind family left_out"),
        **dict.fromkeys(("slope", "paired sessions"), _SLOPE),
        "slopes differ": _ASKED + "smallest_p arrangements exact effect effects correction correction_p",
        "time course": _ASKED + "smallest_p arrangements exact effect correction correction_p effects",
        "motif usage": "family kind unit measure blocks name groups question left_out n statistic p refused downgraded "
        "statistic_name smallest_p effect effects arrangements exact correction_p correction",
        "classifier": "family kind unit measure question left_out name statistic groups n p smallest_p arrangements "
        "exact refused blocks downgraded statistic_name effect effects correction correction_p",
    }.items()
}


@dataclass(frozen=True)
class Power:
    """The smallest effect that a test of two groups of these sizes finds in `power` of all studies."""

    groups: list[str] | None = None
    n: dict[str, int] = field(default_factory=dict)
    level: float | None = None
    power: float | None = None
    method: str = ""
    smallest_g: float | None = None
    smallest_auc: float | None = None
    words: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """The first group, and the others."""
        return Test(groups=self.groups, n=self.n).pair
