"""A body of the cast in the postures of a few frames, by linear blend skinning."""

from dataclasses import dataclass

import numpy as np

from .cast import Cast
from .landmarks import LANDMARKS


@dataclass
class Posed:
    """vertices and normals float32 [T, V, 3], landmarks float32 [T, L, 3]."""

    vertices: np.ndarray
    normals: np.ndarray
    landmarks: np.ndarray


def rotation(axis: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """Rotations [T, 3, 3] about one axis [3] by angles [T] in radians."""
    x, y, z = np.asarray(axis, float) / max(float(np.linalg.norm(axis)), 1e-9)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.atleast_1d(angle)[:, None, None]
    return np.eye(3) + np.sin(turn) * cross + (1 - np.cos(turn)) * (cross @ cross)


def rest_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals [V, 3] of a mesh."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    total = np.stack([
        sum(np.bincount(faces[:, k], flat[:, axis], len(vertices)) for k in range(3)) for axis in range(3)
    ], 1)  # fmt: skip
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def pose_body(
    cast: Cast, heads: np.ndarray, vertices: np.ndarray, normals: np.ndarray, points: np.ndarray, turns: np.ndarray,
    root: tuple[np.ndarray, np.ndarray],
) -> Posed:  # fmt: skip
    """Rest heads [J, 3], vertices and normals [V, 3], landmark points [L, 3] posed by turns [T, J, 3, 3] of every bone.

    A turn is given in the axes of the rest posture, about the bone's head. root: rotation [T, 3, 3] and shift [T, 3].
    """
    frames, bones = turns.shape[:2]
    linear, place = np.zeros((frames, bones, 3, 3)), np.zeros((frames, bones, 3))
    for j, parent in enumerate(cast.parents):
        if parent < 0:
            linear[:, j], place[:, j] = root[0] @ turns[:, j], (root[0] @ heads[j][:, None])[..., 0] + root[1]
        else:
            linear[:, j] = linear[:, parent] @ turns[:, j]
            place[:, j] = (linear[:, parent] @ (heads[j] - heads[parent])[:, None])[..., 0] + place[:, parent]
    shift = place - (linear @ heads[None, :, :, None])[..., 0]
    whole = np.concatenate([linear, shift[..., None]], -1).astype(np.float32)
    carriers = [cast.names.index(bone) for _, bone, _ in LANDMARKS[cast.plan]]
    marks = np.einsum("tlab,lb->tla", linear[:, carriers], points) + shift[:, carriers]
    out_v, out_n = np.empty((frames, *vertices.shape), np.float32), np.empty((frames, *vertices.shape), np.float32)
    for t in range(frames):
        mixed = np.einsum("vk,vkab->vab", cast.weights, whole[t][cast.bones], optimize=True)
        out_v[t] = np.einsum("vab,vb->va", mixed[:, :, :3], vertices) + mixed[:, :, 3]
        out_n[t] = np.einsum("vab,vb->va", mixed[:, :, :3], normals)
    return Posed(out_v, out_n, marks.astype(np.float32))
