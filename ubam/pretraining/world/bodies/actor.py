"""A body of the cast on the graphics card: dressed, moved to a posture, and with a mesh of rings for skirts."""

import numpy as np

from ubam.pretraining.world.looks import Look
from ubam.pretraining.world.renderer import Mesh, Renderer

from .cast import Cast
from .skinned_body import Posed

RINGS, AROUND = 12, 36


class Actor:
    """One mesh for all builds of a cast."""

    def __init__(self, renderer: Renderer, cast: Cast) -> None:
        self.cast, self.skirted = cast, cast.plan == "person"
        bare = len(cast.canonical)
        faces = np.concatenate([cast.faces, ring_faces() + bare]) if self.skirted else cast.faces
        self.count = bare + (RINGS * (AROUND + 1) if self.skirted else 0)
        self.mesh = Mesh(renderer, faces, self.count)

    def dress(self, look: Look) -> None:
        """Paint the mesh."""
        extra, skirt = self.count - len(look.colour), look.skirt
        cloth = (skirt.colour, skirt.matter) if skirt else (np.zeros(3), np.zeros(4))
        self.colour = np.concatenate([look.colour, np.tile(cloth[0], (extra, 1))])
        self.matter = np.concatenate([look.matter, np.tile(cloth[1], (extra, 1))])
        self.place = np.concatenate([self.cast.canonical, np.zeros((extra, 3))])
        self.mesh.paint(self.place, self.colour, self.matter)

    def move(self, posed: Posed, moment: int, look: Look) -> None:
        """Put the mesh, with its skirt, into the posture of one moment."""
        positions, normals = posed.vertices[moment], posed.normals[moment]
        if self.skirted:
            ring, outward, place = skirt_ring(self.cast, positions, look)
            if look.skirt is not None:
                self.place[len(positions) :] = place
                self.mesh.paint(self.place, self.colour, self.matter)
            positions, normals = np.concatenate([positions, ring]), np.concatenate([normals, outward])
        self.mesh.move(positions, normals)


def ring_faces() -> np.ndarray:
    """Triangles [F, 3] between the rings of a skirt."""
    i = (np.arange(RINGS - 1)[:, None] * (AROUND + 1) + np.arange(AROUND)).reshape(-1)
    below = i + AROUND + 1
    return np.concatenate([np.stack([i, i + 1, below], 1), np.stack([i + 1, below + 1, below], 1)])


def skirt_ring(cast: Cast, vertices: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, normals and places [rings x around, 3] of a skirt over posed vertices; a single point without a skirt.

    Each ring lies around the legs at one height of the canonical body, as wide as they are apart and never narrower
    than nine tenths of the ring above.
    """
    if look.skirt is None:
        number = RINGS * (AROUND + 1)
        return np.repeat(vertices[:1], number, 0), np.zeros((number, 3)), np.zeros((number, 3))
    skirt, height, arms = look.skirt, cast.canonical[:, 2], np.abs(cast.canonical[:, 1]) > 0.45
    angle = np.linspace(0, 2 * np.pi, AROUND + 1)
    way = np.stack([np.cos(angle), np.sin(angle)], 1)
    thick = max(0.04, abs(skirt.hem - skirt.waist) / RINGS)
    rings, places, least = [], [], np.zeros(AROUND + 1)
    for k, level in enumerate(np.linspace(skirt.waist, skirt.hem, RINGS)):
        band = np.nonzero((np.abs(height - level) < thick) & ~arms)[0]
        middle = vertices[band].mean(0)
        reach = (vertices[band, :2] - middle[:2]) @ way.T
        least = np.maximum(reach.max(0), 0.9 * least + skirt.flare * 0.2 * (k > 0))
        size = least + 0.01 + skirt.flare * 0.3 * k / RINGS
        rings.append(np.concatenate([middle[:2] + way * size[:, None], np.full((AROUND + 1, 1), middle[2])], 1))
        places.append(cast.canonical[band[reach.argmax(0)]])
    outward = np.tile(np.concatenate([way, np.zeros((AROUND + 1, 1))], 1), (RINGS, 1))
    return np.concatenate(rings), outward, np.concatenate(places)
