"""Presets: every number that a run is free to choose, and what each costs on two cores."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from ubam.core.errors import UbamError


@dataclass(frozen=True)
class Settings:
    """Settings of one run.

    networks: `compact`, from nothing (encoders.py); `coordinates`, the same of body coordinates in place of grey, to be
    measured; `pretrained`, adapted to the study (posture_encoder.py); or
    `published` (published_encoders.py). objectives: a set of `objectives.OBJECTIVES`. posture_rate: the share of the
    learning rate that pre-trained weights get; keep_weight: how firmly their postures are held to what they were.
    outlines: who draws the subject's outline; runs with other outlines are not compared. posture: one of POSTURES, of
    which numbers a posture is made. plan: of the subjects' bodies (`tracking.eye.landmarks.PLANS`), None to let the eye
    decide for the whole study.
    """

    preset: str = "standard"
    reference: str | None = None
    block: str | None = None
    seed: int = 0
    device: str = "auto"
    workers: int = 2
    factors: tuple[float, ...] = (2.0,)
    crop_size: int = 128
    view_size: int = 64
    outlines: str = "eye"
    posture: str = "both"
    plan: str | None = None
    posture_dim: int = 64
    behaviour_dim: int = 64
    train_steps: int = 6000
    batch_windows: int = 12
    networks: str = "compact"
    objectives: str = "standard"
    posture_rate: float = 1.0
    keep_weight: float = 0.0
    generator_steps: int = 400
    clip_seconds: float = 4.0

    def as_dict(self) -> dict[str, object]:
        """Plain values for run.json and the model's settings."""
        return asdict(self)


ADAPTED = Settings(networks="pretrained", train_steps=200, batch_windows=8, posture_rate=0.35, keep_weight=2.0)
PRESETS: dict[str, Settings] = {
    # Too short to learn from nothing: it adapts the encoder that ships.
    "quick": replace(ADAPTED, preset="quick", train_steps=60, clip_seconds=3.0, generator_steps=80),
    "standard": Settings(),
    "thorough": Settings(preset="thorough", posture_dim=128, train_steps=20000, batch_windows=32, generator_steps=3000),
    # 50 steps of 8 windows: 5 core-minutes, 0.3 % of the 33 core-hours that the published training takes on a CPU.
    "faithful": Settings(
        preset="faithful",
        posture="learned",
        networks="published",
        objectives="order",
        posture_dim=4096,
        behaviour_dim=1024,
        train_steps=50,
        batch_windows=8,
    ),
}

# What a posture is made of: the network's numbers and the landmarks that the eye sees; each of them alone; the study's
# own keypoints alone. Beside learned numbers stand the study's own keypoints, too, if it names some.
POSTURES = ("both", "learned", "landmarks", "keypoints")

FACTOR_RANGE = (-2.0, 6.0)  # what a magnification can be asked for; beyond it a warp tears

LAYOUTS = ("side-by-side", "magnified", "twin", "overlay", "strip")
PUBLISHED = "published"  # a layout of its own: the published way's pictures, to be looked at and not to be used
SUFFIXES = {layout: (".png", ".svg") if layout == "strip" else (".mp4",) for layout in LAYOUTS}

RUN_PRESETS = ("quick", "standard", "thorough")  # `faithful` is there to be measured, not to be used


def preset(name: str, **changes: object) -> Settings:
    """The settings of a preset with some of them changed; UbamError for a name that is not one."""
    if name not in PRESETS:
        raise UbamError(f"There is no preset '{name}'; choose one of {', '.join(PRESETS)}.")
    return replace(PRESETS[name], **changes)  # type: ignore[arg-type]


def check_factors(factors: Sequence[float]) -> None:
    """UbamError for a magnification that cannot be asked for."""
    low, high = FACTOR_RANGE
    wrong = [factor for factor in factors if not low <= factor <= high]
    if wrong:
        named = ", ".join(f"{factor:g}" for factor in wrong)
        raise UbamError(f"A magnification factor must lie between {low:g} and {high:g}, not {named}; 2 is usual.")
