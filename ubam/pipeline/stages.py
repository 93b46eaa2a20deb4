"""The stages of a run: their order, what each needs, the settings that decide it, and its words."""

STAGE_WORDS = {
    "check": "checking the recordings",
    "crops": "finding the subjects",
    "train": "learning postures and behaviours",
    "embed": "embedding every frame",
    "score": "scoring deviations",
    "generator": "training the generator",
    "controls": "coding the controls",
    "bodies": "reading bodies for the clips",
    "magnify": "rendering magnified clips",
    "report": "writing the report",
    "draw": "drawing random bodies",
}

NEEDS: dict[str, tuple[str, ...]] = {
    "check": (),
    "crops": ("check",),
    "train": ("crops",),
    "embed": ("train",),
    "score": ("embed",),
    "generator": ("embed",),
    "magnify": ("score", "generator"),
    "report": ("magnify",),
}

STAGES = tuple(NEEDS)
READS: dict[str, tuple[str, ...]] = {  # whose files a stage opens, beyond what it is made of
    "check": (),
    "crops": ("check",),
    "train": ("crops",),
    "embed": ("crops", "train"),
    "score": ("crops", "train", "embed"),
    "generator": ("crops", "train", "embed"),
    "magnify": ("crops", "train", "embed", "score", "generator"),
    "report": ("score", "magnify"),
}

# The settings that decide the result of each stage of a run.
SETTINGS_OF: dict[str, tuple[str, ...]] = {
    "crops": ("crop_size", "view_size", "outlines", "masks"),
    "train": (
        "posture",
        "plan",
        "networks",
        "objectives",
        "posture_rate",
        "keep_weight",
        "posture_dim",
        "behaviour_dim",
        "train_steps",
        "batch_windows",
        "seed",
        "model",
    ),
    "embed": ("keypoints",),
    "score": ("reference", "block", "seed", "against"),
    "generator": ("generator_steps", "seed"),
    "magnify": ("factors", "clip_seconds"),
}
