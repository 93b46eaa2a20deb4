"""A film set on the graphics card: a scene with its light and occluders, drawn empty or with the actor."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .bodies.skinned_body import rotation
from .cameras import Camera, light_matrix
from .looks import any_colour
from .movers import draw_movers
from .renderer import Mesh, Renderer
from .scenes import Parts, Scene, draw_scene, occluders

UP = np.array([0.0, 0.0, 1.0])
BYSTANDERS = {"person": 0.08, "dog": 0.08, "rodent": 0.2, "fly": 0.3}  # shares of the films with a second body
MIRRORED = 0.3  # share of the second bodies that are the subject's mirror image in a wall
NEAREST = {"person": 0.55, "dog": 0.5, "rodent": 0.35, "fly": 0.35}  # body lengths to the side at which it stands


@dataclass
class Light:
    """way [3] towards the sun; sun, sky and lamp (at the camera) as colours [3]; how dark and how soft shadows are."""

    way: np.ndarray
    sun: np.ndarray
    sky: np.ndarray
    lamp: np.ndarray
    dark: float
    soft: float
    furniture_casts: bool


def draw_light(from_below: bool, random: np.random.Generator) -> Light:
    """Sunlit, overcast, or a lamp at the camera in the dark."""
    way = random.normal(0, 1, 3)
    way[2] = abs(way[2]) + random.uniform(0.2, 1.5)
    if from_below:
        way[2] *= random.choice([-1, 1])
    level = random.dirichlet([1.5, 2.0, 0.7]) * random.uniform(0.7, 1.5)
    if random.uniform() < 0.12:
        level = np.array([0.05, 0.05, 1.0]) * random.uniform(0.5, 1.3)
    warm = np.exp(random.normal(0, 0.08, 3))
    dark = random.choice([0.0, 1.0], p=[0.2, 0.8]) * random.uniform(0.4, 1)
    return Light(way / np.linalg.norm(way), 1.6 * level[0] * warm, level[1] / warm, np.full(3, level[2]), dark,
                 random.uniform(0.001, 0.012), bool(random.uniform() < 0.5))  # fmt: skip


def bystander(plan: str, view: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray | None:
    """The place [4, 4] of a second body that is not the subject; None in most sets. Animals may touch.

    It is another one in the same posture, or the subject's image in a mirror beside or behind it.
    """
    if random.uniform() > BYSTANDERS[plan]:
        return None
    across = np.cross(view, UP if abs(view[2]) < 0.9 else [1.0, 0, 0])
    across /= np.linalg.norm(across)
    behind = np.array([view[0], view[1], 0.0]) if abs(view[2]) < 0.6 else np.zeros(3)
    model = np.eye(4)
    if random.uniform() < MIRRORED:
        wall = behind if behind.any() and random.uniform() < 0.5 else across * random.choice([-1, 1])
        wall = wall / np.linalg.norm(wall)
        model[:3, :3] -= 2 * np.outer(wall, wall)
        model[:3, 3] = 2 * size * random.uniform(NEAREST[plan] / 2, 0.65) * wall
        return model
    model[:3, :3] = rotation(UP, random.uniform(0, 2 * np.pi))[0]
    model[:3, 3] = size * (
        random.choice([-1, 1]) * random.uniform(NEAREST[plan], 1.3) * across + random.uniform(0, 1.5) * behind
    )
    model[2, 3] = 0.0
    return model


class FilmSet:
    """One random scene for a camera that looks at a body of `size` units around `target`."""

    def __init__(
        self,
        renderer: Renderer,
        plan: str,
        camera: Camera,
        target: np.ndarray,
        size: float,
        random: np.random.Generator,
    ) -> None:
        self.renderer, self.scene = renderer, draw_scene(plan, camera.view, size, random)
        bars = occluders(camera.eye, target, size, random)
        self.other, self.other_stays = bystander(plan, camera.view, size, random), random.uniform() < 0.5
        self.light = draw_light(camera.view[2] > 0.15, random)
        self.shadows = light_matrix(self.light.way, target, 2.2 * size)
        self.sky, self.eye = any_colour(random), camera.eye
        scene = self.scene
        self.still, self.floor = self._mesh(scene.still), self._mesh(scene.floor)
        self.turning, self.bars = self._mesh(scene.turning), self._mesh(bars)
        self.movers = [(self._mesh(one.parts), one) for one in draw_movers(plan, size, random)]
        self.backdrop = self._mesh(_screen(scene.backdrop)) if scene.backdrop >= 0 else None

    def _mesh(self, parts: Parts) -> Mesh | None:
        if not parts.count:
            return None
        mesh = Mesh(self.renderer, np.concatenate(parts.faces), parts.count)
        mesh.move(np.concatenate(parts.positions), np.concatenate(parts.normals))
        mesh.paint(np.concatenate(parts.places), np.concatenate(parts.colours), np.concatenate(parts.matters))
        return mesh

    def draw(self, actor: Mesh, present: bool, camera: Camera, cycles: float, truth: bool) -> None:
        """Draw the set at a moment (in cycles of the actor), with the actor if `present`."""
        renderer, scene, body = self.renderer, self.scene, actor if present else None
        self._lit(body)
        renderer.begin(self.sky, truth)
        renderer.set(camera=np.eye(4), catcher=0, roll=0.0)
        self._part(self.backdrop)
        renderer.set(camera=camera.matrix, roll=scene.belt * cycles)
        self._part(self.still)
        renderer.set(roll=0.0)
        if scene.mirror:
            self._part(body, body=0.6, model=np.diag([1.0, 1, -1, 1]))
        if self.other is not None and (present or self.other_stays):
            renderer.draw(actor, body=0.6, model=self.other)
        glass = scene.floor_opacity < 1 and camera.view[2] > 0
        if not glass:
            renderer.set(catcher=int(scene.catcher))
            self._part(self.floor, opacity=0.999 if scene.catcher else scene.floor_opacity)
            renderer.set(catcher=0)
        self._part(self.turning, model=_about_axle(scene, cycles))
        for mesh, mover in self.movers:
            if present or mover.stays:
                self._part(mesh, model=mover.moved(cycles))
        self._part(body, body=1.0)
        if glass:
            self._part(self.floor, opacity=scene.floor_opacity)
        self._part(self.bars)

    def _part(self, mesh: Mesh | None, **how: Any) -> None:
        if mesh is not None:
            self.renderer.draw(mesh, **how)

    def _lit(self, body: Mesh | None) -> None:
        light = self.light
        furniture = [self.still, self.bars] if light.furniture_casts and self.scene.kind == "room" else []
        self.renderer.cast_shadow([mesh for mesh in [body, *furniture] if mesh is not None], self.shadows)
        self.renderer.set(eye=self.eye, sun_way=light.way, sun=light.sun, sky=light.sky, lamp=light.lamp,
                          dark=light.dark, soft=light.soft)  # fmt: skip

    def release(self) -> None:
        """Free the memory on the graphics card."""
        movers = [mesh for mesh, _ in self.movers]
        for mesh in (self.still, self.floor, self.turning, self.bars, self.backdrop, *movers):
            if mesh is not None:
                mesh.release()


def _screen(photo: int) -> Parts:
    """A photograph that fills the picture, behind everything."""
    parts = Parts()
    parts.quad([-1, 1, 0.9999], [2, 0, 0], [0, -2, 0], np.ones(3), [photo, 0.5, 1.6, 0])
    return parts


def _about_axle(scene: Scene, cycles: float) -> np.ndarray:
    model = np.eye(4)
    model[:3, :3] = rotation(np.array([0, 1.0, 0]), scene.turn * 2 * np.pi * cycles)[0]
    model[:3, 3] = scene.axle
    return model
