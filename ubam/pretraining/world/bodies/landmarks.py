"""Landmarks of each plan: name, the bone that carries it, and where on the bone it lies.

"head" is the joint at which the bone begins; the others are the outermost vertices of that bone.
"""


def _both(*entries: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    return [
        (f"{name}_{side}", bone.format(short=side[0].upper(), long=side), where)
        for name, bone, where in entries
        for side in ("left", "right")
    ]


_QUADRUPED_LIMBS = _both(
    ("shoulder", "upper_arm_{short}", "head"), ("elbow", "lower_arm_{short}", "head"),
    ("wrist", "hand_{short}", "head"),
    ("forepaw", "finger_{short}", "far"), ("hip", "upper_leg_{short}", "head"), ("knee", "lower_leg_{short}", "head"),
    ("ankle", "foot_{short}", "head"), ("hindpaw", "toe_{short}", "far"),
)  # fmt: skip

LANDMARKS = {
    "person": [
        ("head", "head", "top"), ("neck", "neck01", "head"), ("pelvis", "spine05", "head"), ("nose", "head", "front"),
        *_both(
            ("shoulder", "upperarm01.{short}", "head"), ("elbow", "lowerarm01.{short}", "head"),
            ("wrist", "wrist.{short}", "head"), ("fingers", "finger3-3.{short}", "far"),
            ("hip", "upperleg01.{short}", "head"), ("knee", "lowerleg01.{short}", "head"),
            ("ankle", "foot.{short}", "head"), ("toe", "toe2-1.{short}", "head"),
        ),
    ],
    "rodent": [
        ("nose", "skull", "front"), ("skull", "skull", "head"), ("neck", "vertebra_cervical_5", "head"),
        ("back", "vertebra_3", "head"), ("tail_base", "vertebra_C1", "head"), ("tail_middle", "vertebra_C15", "head"),
        ("tail_tip", "vertebra_C30", "far"), *_QUADRUPED_LIMBS,
    ],
    "dog": [
        ("nose", "skull", "front"), ("skull", "skull", "head"), ("neck", "C_7", "head"), ("back", "L_3", "head"),
        ("tail_base", "Ca_1", "head"), ("tail_middle", "Ca_11", "head"), ("tail_tip", "Ca_21", "far"),
        *_QUADRUPED_LIMBS,
    ],
    "fly": [
        ("head", "head", "front"), ("neck", "head", "head"), ("waist", "abdomen", "head"),
        ("abdomen_tip", "abdomen_7", "far"),
        *_both(("wing", "wing_{long}", "far"),
               *(entry for leg in ("T1", "T2", "T3") for entry in (
                   (f"{leg}_coxa", f"femur_{leg}_{{long}}", "head"), (f"{leg}_knee", f"tibia_{leg}_{{long}}", "head"),
                   (f"{leg}_ankle", f"tarsus_{leg}_{{long}}", "head"), (f"{leg}_tip", f"claw_{leg}_{{long}}", "far")))),
    ],
}  # fmt: skip
