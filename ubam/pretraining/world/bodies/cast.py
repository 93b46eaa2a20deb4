"""The cast: meshes of many builds, with bones, skin weights and the place of every vertex on the canonical body.

Made once from `anny` (people) and `dm_control` (rodent, dog, fly) and kept as one file for each plan.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from .landmarks import LANDMARKS

PEOPLE, ANIMALS = 360, 80
PLANS = ("person", "rodent", "dog", "fly")
ASSETS = {
    "rodent": "locomotion/walkers/assets/rodent.xml",
    "dog": "locomotion/walkers/assets/dog_v2/dog.xml",
    "fly": "locomotion/walkers/assets/fruitfly_v2/fruitfly.xml",
}


Surface = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # vertices, faces, bones and weights


@dataclass(frozen=True)
class Cast:
    """Bodies of one plan: x to the front, y to the left, z up; about 1 unit long (people: tall).

    vertices float32 [B, V, 3] and heads float32 [B, J, 3] in rest, faces int32 [F, 3], bones int32 and weights float32
    [V, K], canonical float32 [V, 3]: place on the plan's canonical body, each axis within -1..1; names and parents of
    bones; landmark_points float32 [B, L, 3] in rest.
    """

    plan: str
    vertices: np.ndarray
    heads: np.ndarray
    faces: np.ndarray
    bones: np.ndarray
    weights: np.ndarray
    canonical: np.ndarray
    names: list[str]
    parents: list[int]
    landmark_points: np.ndarray

    def bone(self, name: str) -> int:
        """The position of a bone."""
        return self.names.index(name)


def load_cast(folder: Path, plan: str) -> Cast:
    """Read what `make_cast` wrote."""
    with np.load(folder / f"{plan}.npz") as kept:
        arrays = {name: kept[name] for name in kept.files if name != "group"}
    names, parents = [str(name) for name in arrays.pop("names")], [int(p) for p in arrays.pop("parents")]
    return Cast(plan=plan, names=names, parents=parents, **arrays)


def make_cast(folder: Path, seed: int = 7) -> None:
    """Write the bodies of all plans to `folder`. The first time takes minutes, as `anny` builds its model."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, plan in enumerate(PLANS):
        random = np.random.default_rng([seed, number])
        made = _people(random) if plan == "person" else _animals(plan, random)
        np.savez(folder / f"{plan}.npz", **made)  # type: ignore[arg-type]


def _people(random: np.random.Generator) -> dict[str, np.ndarray]:
    import anny
    import torch

    model = anny.Anny()
    vertices, heads = [], []
    with torch.no_grad():
        for _ in range(PEOPLE):
            rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**_phenotype(random, model.dtype)))
            vertices.append(_forward(rest["rest_vertices"][0].numpy()))
            heads.append(_forward(rest["rest_bone_heads"][0].numpy()))
        template = model.get_rest_model(model.get_phenotype_blendshape_coefficients())["rest_vertices"][0].numpy()
    bones, weights = _strongest(model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy(), 4)
    names = [str(name) for name in model.bone_labels]
    return _arrays("person", np.stack(vertices), np.stack(heads), model.get_triangular_faces().numpy(),
                   (bones, weights), _forward(template), (names, list(model.bone_parents)))  # fmt: skip


def _phenotype(random: np.random.Generator, dtype: Any) -> dict[str, Any]:
    import torch

    ages = [random.uniform(0.3, 0.45), random.uniform(0.45, 0.62), random.uniform(0.6, 1.0)]
    genders = [random.uniform(0, 0.15), random.uniform(0.85, 1), random.uniform(0, 1)]
    drawn = {
        "age": random.choice(ages, p=[0.12, 0.2, 0.68]), "gender": random.choice(genders, p=[0.4, 0.4, 0.2]),
        "muscle": random.uniform(0.15, 0.85), "weight": random.uniform(0.1, 0.95),
        "height": random.uniform(0.15, 0.85), "proportions": random.uniform(0.1, 0.9),
    }  # fmt: skip
    return {name: torch.tensor([float(value)], dtype=dtype) for name, value in drawn.items()}


def _forward(points: np.ndarray) -> np.ndarray:
    """Turn the axes: `anny` faces -y with its left at +x; here the front is +x and the left is +y."""
    return np.stack([-points[:, 1], points[:, 0], points[:, 2]], 1).astype(np.float32)


def _strongest(bones: np.ndarray, weights: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-weights, 1)[:, :most]
    bones, weights = np.take_along_axis(bones, order, 1), np.take_along_axis(weights, order, 1)
    return bones.astype(np.int32), (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _animals(plan: str, random: np.random.Generator) -> dict[str, np.ndarray]:
    import mujoco

    model = mujoco.MjModel.from_xml_path(str(files("dm_control") / ASSETS[plan]))
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    vertices, faces, bones, weights = _skin(model, data) if model.nskin else _meshes(model, data)
    heads = np.array([
        data.xanchor[model.body_jntadr[b]] if model.body_jntnum[b] and b > 1 else data.xpos[b]
        for b in range(model.nbody)
    ])  # fmt: skip
    names = [model.body(b).name for b in range(model.nbody)]
    parents = [-1 if b == 0 else int(model.body_parentid[b]) for b in range(model.nbody)]
    length = np.ptp(vertices[:, 0]) if plan == "fly" else np.ptp(vertices[weights_of_trunk(names, bones)][:, 0])
    vertices, heads = vertices / length, heads / length
    builds = [_build(plan, vertices, heads, bones, weights, names, parents, random) for _ in range(ANIMALS)]
    return _arrays(plan, np.stack([b[0] for b in builds]), np.stack([b[1] for b in builds]), faces, (bones, weights),
                   vertices, (names, parents))  # fmt: skip


def weights_of_trunk(names: list[str], bones: np.ndarray) -> np.ndarray:
    """Which vertices do not belong to a tail, bool [V]."""
    tail = np.array([name.startswith(("Ca_", "vertebra_C")) and "cervical" not in name for name in names])
    return ~tail[bones[:, 0]]


def _skin(model: Any, data: Any) -> Surface:
    count = model.skin_vertnum[0]
    rest, total = np.zeros((count, 3)), np.zeros(count)
    table: list[list[tuple[float, int]]] = [[] for _ in range(count)]
    from scipy.spatial.transform import Rotation

    for b in range(model.skin_bonenum[0]):
        body = int(model.skin_bonebodyid[b])
        first, number = model.skin_bonevertadr[b], model.skin_bonevertnum[b]
        ids, weight = model.skin_bonevertid[first : first + number], model.skin_bonevertweight[first : first + number]
        bound = Rotation.from_quat(np.roll(model.skin_bonebindquat[b], -1)).as_matrix()
        turn = data.xmat[body].reshape(3, 3) @ bound.T
        moved = (model.skin_vert[ids] - model.skin_bonebindpos[b]) @ turn.T + data.xpos[body]
        np.add.at(rest, ids, moved * weight[:, None])
        np.add.at(total, ids, weight)
        for vertex, value in zip(ids, weight, strict=True):
            table[vertex].append((float(value), body))
    bones, weights = np.zeros((count, 4), np.int32), np.zeros((count, 4), np.float32)
    for vertex, entries in enumerate(table):
        for k, (value, body) in enumerate(sorted(entries, reverse=True)[:4]):
            bones[vertex, k], weights[vertex, k] = body, value
    weights /= weights.sum(1, keepdims=True)
    return rest / total[:, None], model.skin_face.astype(np.int32), bones, weights


def _meshes(model: Any, data: Any) -> Surface:
    import mujoco

    vertices, faces, bones = [], [], []
    start = 0
    for g in range(model.ngeom):
        if model.geom_type[g] != mujoco.mjtGeom.mjGEOM_MESH:
            continue
        mesh = model.geom_dataid[g]
        v = model.mesh_vert[model.mesh_vertadr[mesh] :][: model.mesh_vertnum[mesh]]
        f = model.mesh_face[model.mesh_faceadr[mesh] :][: model.mesh_facenum[mesh]]
        placed = v @ data.geom_xmat[g].reshape(3, 3).T + data.geom_xpos[g]
        thin, f = _clustered(placed, f, 0.0035 * 3)
        vertices.append(thin)
        faces.append(f + start)
        bones.append(np.full(len(thin), model.geom_bodyid[g]))
        start += len(thin)
    bone = np.concatenate(bones).astype(np.int32)
    weights = np.zeros((start, 4), np.float32)
    weights[:, 0] = 1
    return np.concatenate(vertices), np.concatenate(faces).astype(np.int32), np.stack([bone] * 4, 1), weights


def _clustered(vertices: np.ndarray, faces: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Merge all vertices of a cell into their mean, for fewer triangles."""
    cell = min(cell, 0.08 * float(np.ptp(vertices, 0).max()))
    _, member, count = np.unique(np.floor(vertices / cell).astype(int), axis=0, return_inverse=True, return_counts=True)
    member = member.reshape(-1)
    mean = np.zeros((len(count), 3))
    np.add.at(mean, member, vertices)
    faces = member[faces]
    alive = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    return mean / count[:, None], np.unique(faces[alive], axis=0)


def _group(plan: str, name: str) -> str:
    if plan == "fly":
        return "wing" if "wing" in name else "leg" if "_T" in name else "abdomen" if "abdomen" in name else "trunk"
    if name.startswith(("Ca_", "vertebra_C")) and "cervical" not in name:
        return "tail"
    if name in ("skull", "jaw") or "atlant" in name:
        return "head"
    if any(part in name for part in ("scapula", "arm", "hand", "finger")):
        return "fore"
    if any(part in name for part in ("leg", "foot", "toe")):
        return "hind"
    return "neck" if "cervical" in name or "axis" in name or name.startswith("C_") else "trunk"


SPREAD = {"trunk": 0.16, "head": 0.12, "neck": 0.12, "fore": 0.14, "hind": 0.14, "tail": 0.25, "leg": 0.12,
          "wing": 0.12, "abdomen": 0.18}  # fmt: skip


def _build(
    plan: str, vertices: np.ndarray, heads: np.ndarray, bones: np.ndarray, weights: np.ndarray,
    names: list[str], parents: list[int], random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Change the build: each group of bones becomes longer or shorter, thicker or thinner."""
    scales = {}
    for group, spread in SPREAD.items():
        common = random.normal(0, spread)
        scales[group] = np.exp(np.clip(common + random.normal(0, 0.4 * spread, 3), -0.45, 0.45))
    stout = np.exp(random.normal(0.05, 0.14))
    scales["trunk"] = scales["trunk"] * [1, stout, stout]
    if plan != "fly":
        scales["tail"] = np.array([np.exp(random.normal(0, 0.2)), *np.exp(random.normal(0, 0.3) * np.ones(2))])
    each = np.array([scales[_group(plan, name)] for name in names])
    placed = heads.copy()
    for j, parent in enumerate(parents):
        if parent > 0:
            placed[j] = placed[parent] + each[parent] * (heads[j] - heads[parent])
    moved = placed[bones] + each[bones] * (vertices[:, None] - heads[bones])
    return (weights[..., None] * moved).sum(1).astype(np.float32), placed.astype(np.float32)


def _arrays(
    plan: str, vertices: np.ndarray, heads: np.ndarray, faces: np.ndarray, skin: tuple[np.ndarray, np.ndarray],
    template: np.ndarray, skeleton: tuple[list[str], list[int]],
) -> dict[str, np.ndarray]:  # fmt: skip
    """The arrays of a cast: `skin` is (bones, weights) of the vertices, `skeleton` (names, parents) of the bones."""
    (bones, weights), (names, parents) = skin, skeleton
    low, high = template.min(0), template.max(0)
    canonical = (2 * (template - low) / (high - low) - 1).astype(np.float32)
    canonical[:, 1] = template[:, 1] / np.abs(template[:, 1]).max()
    return {
        "vertices": vertices.astype(np.float32), "heads": heads.astype(np.float32), "faces": faces.astype(np.int32),
        "bones": bones, "weights": weights, "canonical": canonical, "names": np.array(names),
        "parents": np.array(parents),
        "landmark_points": _landmark_points(plan, vertices, heads, bones, weights, names),
    }  # fmt: skip


def _landmark_points(
    plan: str, vertices: np.ndarray, heads: np.ndarray, bones: np.ndarray, weights: np.ndarray, names: list[str]
) -> np.ndarray:
    """Rest positions [B, L, 3] of the plan's landmarks: heads of bones, or the far end of a bone's own vertices."""
    points = []
    for _, bone, where in LANDMARKS[plan]:
        j = names.index(bone)
        own = np.nonzero((bones == j).any(1) & (weights[np.arange(len(bones)), (bones == j).argmax(1)] > 0.3))[0]
        if where == "head" or not len(own):
            points.append(heads[:, j])
            continue
        axis, sign = {"front": (0, 1), "back": (0, -1), "top": (2, 1), "low": (2, -1), "far": (3, 1), "side": (1, 1)}[
            where
        ]
        if axis == 3:
            size = np.linalg.norm(vertices[0, own] - heads[0, j], axis=-1)
        elif axis == 1:
            size = np.abs(vertices[0, own, 1])
        else:
            size = sign * vertices[0, own, axis]
        best = own[np.argsort(-size)[:4]]
        points.append(vertices[:, best].mean(1))
    return np.stack(points, 1).astype(np.float32)
