"""Pictures for walls, floors, clothes and furs: photographs of Debian's wallpapers, textures, drawn patterns."""

from pathlib import Path

import cv2
import numpy as np

FOLDERS = (Path("/usr/share/backgrounds"), Path("/usr/share/wallpapers"))
LAYERS, TEXTURE = 48, 256  # pictures on the graphics card, and their side in pixels
PHOTOS, TEXTURES = range(30), range(30, 38)
NOISE, STRIPES, CHECKS, GRID, CHIPS, PLANKS, DOTS, PLAID, FUR, CLOUDS = range(38, 48)


def find_photographs() -> list[Path]:
    """The installed wallpapers, each in its largest version."""
    found = [path for folder in FOLDERS if folder.exists() for path in sorted(folder.rglob("*"))]
    pictures = [path for path in found if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    return [path for path in pictures if path.stat().st_size > 60_000 and "screenshot" not in path.name]


def draw_layers(random: np.random.Generator) -> np.ndarray:
    """Uint8 [48, 256, 256, 3]: random parts of photographs, textures and patterns in fixed layers."""
    layers = np.zeros((LAYERS, TEXTURE, TEXTURE, 3), np.uint8)
    paths = find_photographs()
    chosen = random.choice(len(paths), 15, replace=False)
    for k, number in enumerate(chosen):
        picture = np.asarray(cv2.imread(str(paths[number]), cv2.IMREAD_REDUCED_COLOR_2))
        for copy in range(2):
            layers[2 * k + copy] = _part(picture, random)
    for k in TEXTURES:
        layers[k] = _texture(random)
    for k in range(38, 48):
        layers[k] = _pattern(k, random)
    return np.ascontiguousarray(layers[..., ::-1])


def _part(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    height, width = picture.shape[:2]
    side = int(min(height, width) * random.uniform(0.3, 1.0))
    x, y = random.integers(0, width - side + 1), random.integers(0, height - side + 1)
    part = cv2.resize(picture[y : y + side, x : x + side], (TEXTURE, TEXTURE), interpolation=cv2.INTER_AREA)
    return part[:, ::-1] if random.uniform() < 0.5 else part


def _texture(random: np.random.Generator) -> np.ndarray:
    from skimage import data

    name = random.choice(
        ["brick", "grass", "gravel", "coffee", "page", "clock", "moon", "text", "coins", "immunohistochemistry"]
    )
    try:
        picture = getattr(data, str(name))()
    except Exception:  # scikit-image would have to download this picture
        picture = data.coins()
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, 2)
    return _part(np.ascontiguousarray(picture[..., :3][..., ::-1]), random)


def _noise(random: np.random.Generator, cells: int) -> np.ndarray:
    small = random.normal(0.5, 0.25, (cells, cells))
    return cv2.resize(small, (TEXTURE, TEXTURE), interpolation=cv2.INTER_CUBIC)


def _chips(random: np.random.Generator) -> np.ndarray:
    points = random.uniform(0, TEXTURE, (900, 2))
    value = np.zeros((TEXTURE, TEXTURE))
    for px, py in points:
        angle, size = random.uniform(0, 180), random.uniform(3, 10)
        axes = int(size), max(1, int(size * 0.4))
        cv2.ellipse(value, (int(px), int(py)), axes, angle, 0, 360, random.uniform(0, 1), -1)
    return value


def _pattern(kind: int, random: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:TEXTURE, :TEXTURE] / TEXTURE
    period = int(random.integers(3, 20))
    tint = random.uniform(0.3, 1.0, 3)
    value: np.ndarray
    if kind == NOISE:
        value = random.uniform(0, 1, (TEXTURE, TEXTURE))
    elif kind == STRIPES:
        value = (np.sin(2 * np.pi * period * x) > random.uniform(-0.7, 0.7)).astype(float)
    elif kind == CHECKS:
        value = ((np.floor(period * x) + np.floor(period * y)) % 2).astype(float)
    elif kind == GRID:
        value = 1.0 - ((np.mod(period * x, 1) < 0.12) | (np.mod(period * y, 1) < 0.12))
    elif kind == CHIPS:
        value = _chips(random)
    elif kind == PLANKS:
        value = (
            0.5
            + 0.25 * (_noise(random, 8) - 0.5)
            + 0.15 * np.sin(40 * x + 3 * _noise(random, 6))
            - 0.4 * (np.mod(6 * x, 1) < 0.03)
        )
    elif kind == DOTS:
        value = (np.hypot(np.mod(period * x, 1) - 0.5, np.mod(period * y, 1) - 0.5) < 0.3).astype(float)
    elif kind == PLAID:
        value = 0.5 * (np.mod(period * x, 1) < 0.4) + 0.5 * (np.mod(period * y, 1) < 0.3)
    elif kind == FUR:
        value = 0.5 + cv2.GaussianBlur(random.normal(0, 1.6, (TEXTURE, TEXTURE)), (0, 0), sigmaX=0.8, sigmaY=3)
    else:
        value = np.sum([_noise(random, cells) / cells**0.3 for cells in (4, 9, 20, 45)], 0) / 2.0
    picture = np.clip(value, 0, 1)[..., None] * (tint if kind in (STRIPES, CHECKS, DOTS, PLAID, CHIPS) else 1.0)
    return (255 * np.clip(picture, 0, 1)).astype(np.uint8)
