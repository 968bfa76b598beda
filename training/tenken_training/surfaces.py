"""Rendered surfaces without defects: concrete, plaster, asphalt, brick, paint, soil, water, leaves.

They are the hard negatives that no data set at hand has, and the ground on which cracks and rust are drawn.
Colours are sRGB, 0..1; lengths are pixels, because a surface is shown at any scale.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from tenken_demo.noise import field_noise, stream
from tenken_training.lookalikes import draw_lookalikes

FloatPicture = npt.NDArray[np.float32]


def render_surface(seed: int, index: int, size_px: int) -> npt.NDArray[np.uint8]:
    """Render one surface with its lookalikes, (size_px, size_px, 3) uint8 RGB; the same for the same numbers."""
    rng = stream(seed, "surface", index)
    makers = (*SURFACES.values(),)
    picture = makers[index % len(makers)](rng, size_px)
    draw_lookalikes(rng, picture)
    # No lens draws a border sharper than this.
    seen = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 0.8))
    return np.asarray(np.clip(seen, 0, 1) * 255 + 0.5, dtype=np.uint8)


def concrete(rng: np.random.Generator, size: int) -> FloatPicture:
    """Grey with clouds, grain and pores."""
    grey = rng.uniform(0.35, 0.85) + rng.uniform(0.02, 0.07) * _clouds(rng, size)
    grey += rng.uniform(0.005, 0.04) * _grain(rng, size, rng.uniform(0.6, 2.0))
    picture = _tinted(grey, _warm_grey(rng))
    _speckle(rng, picture, int(rng.integers(0, 400)), (0.6, 4.0), rng.uniform(0.3, 0.8))
    return picture


def board_marked(rng: np.random.Generator, size: int) -> FloatPicture:
    """Concrete cast against boards: a tone, a grain and a ridge or groove for each board."""
    picture = concrete(rng, size)
    breadth = rng.uniform(30, 160)
    place = np.arange(size, dtype=np.float32) / breadth + rng.uniform(0, 1)
    board = place.astype(int)
    tone = rng.uniform(0.92, 1.08, board.max() + 2)[board]
    seam = np.minimum(place - board, 1 - (place - board)) * breadth
    dark = rng.choice([-1.0, 1.0], p=[0.25, 0.75]) * rng.uniform(0.05, 0.5)
    profile = tone * (1 - dark * np.exp(-((seam / rng.uniform(0.6, 2.5)) ** 2)))
    wood = cv2.GaussianBlur(rng.standard_normal((size, size)).astype(np.float32), (0, 0), sigmaX=0.8, sigmaY=25)
    picture *= (profile[None, :] * (1 + rng.uniform(0, 0.3) * wood))[..., None].astype(np.float32)
    return np.ascontiguousarray(picture.transpose(1, 0, 2)) if rng.random() < 0.5 else picture


def plaster(rng: np.random.Generator, size: int) -> FloatPicture:
    """Rough render in any pale colour, lit from one side."""
    relief = _grain(rng, size, rng.uniform(1.5, 5)) + 0.5 * _grain(rng, size, 1)
    slope = np.gradient(relief, axis=int(rng.integers(2))).astype(np.float32)
    grey = rng.uniform(0.5, 0.92) * (1 + rng.uniform(0.02, 0.12) * slope / slope.std())
    grey += rng.uniform(0.01, 0.04) * _clouds(rng, size)
    return _tinted(grey, 1 - rng.uniform(0, 0.3, 3))


def asphalt(rng: np.random.Generator, size: int) -> FloatPicture:
    """Dark aggregate, sometimes worn pale."""
    grey = rng.uniform(0.2, 0.6) + rng.uniform(0.03, 0.10) * _grain(rng, size, rng.uniform(0.5, 2.5))
    grey += rng.uniform(0.01, 0.04) * _clouds(rng, size)
    picture = _tinted(grey, _warm_grey(rng))
    _speckle(rng, picture, int(rng.integers(50, 600)), (0.5, 3.0), -rng.uniform(0.1, 0.6))
    return picture


def brick(rng: np.random.Generator, size: int) -> FloatPicture:
    """Bricks, blocks or paving in courses, with mortar darker or paler than they are."""
    height = rng.uniform(24, 110)
    width, joint = height * rng.uniform(1.0, 3.2), height * rng.uniform(0.03, 0.14)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    course = np.floor(y / height)
    shifted = x / width + (course % 2) * rng.choice([0.0, 0.5])
    number = (course * 37 + np.floor(shifted) * 101).astype(int) % 997
    tone = rng.uniform(0.75, 1.2, 997).astype(np.float32)[number]
    edge = np.minimum.reduce([y % height, height - y % height, (shifted % 1) * width, (1 - shifted % 1) * width])
    base = np.array([[0.62, 0.30, 0.22], [0.72, 0.62, 0.50], [0.6, 0.6, 0.58], [0.45, 0.25, 0.2]])[rng.integers(4)]
    picture = _tinted(tone * (1 + 0.07 * _grain(rng, size, 1.2)), base * rng.uniform(0.8, 1.25))
    mortar = np.clip((joint / 2 - edge) / max(joint * 0.2, 0.7) + 0.5, 0, 1)[..., None]
    colour = rng.uniform(0.15, 0.85) * (1 + 0.06 * _grain(rng, size, 1.0))[..., None]
    picture += mortar * (colour - picture)
    return picture


def painted_steel(rng: np.random.Generator, size: int) -> FloatPicture:
    """Paint of any colour on plates: edges, welds, rows of bolts, dirt; red and brown paint as well."""
    colour = rng.uniform(0.15, 0.85) + rng.uniform(-0.15, 0.15, 3) * rng.choice([0.3, 1.0, 2.0])
    if rng.random() < 0.3:
        colour = np.array([rng.uniform(0.4, 0.75), rng.uniform(0.1, 0.3), rng.uniform(0.05, 0.25)])
    grey = 1 + rng.uniform(0.02, 0.1) * _clouds(rng, size) + 0.02 * _grain(rng, size, rng.uniform(0.7, 2))
    picture = _tinted(grey, colour)
    for _ in range(rng.integers(0, 5)):
        place, turn = int(rng.integers(10, size - 10)), rng.random() < 0.5
        view = picture.transpose(1, 0, 2) if turn else picture
        view[place:] *= rng.uniform(0.55, 1.5)
        view[place : place + int(rng.integers(1, 8))] *= rng.uniform(0.3, 1.4)
    if rng.random() < 0.6:
        _bolts(rng, picture)
    return picture


def soil(rng: np.random.Generator, size: int) -> FloatPicture:
    """Bare ground: brown, red, ochre or sand, with stones."""
    colour = np.array([[0.45, 0.33, 0.22], [0.62, 0.32, 0.18], [0.72, 0.5, 0.28], [0.75, 0.68, 0.55]])[rng.integers(4)]
    grey = 1 + 0.10 * _clouds(rng, size) + rng.uniform(0.05, 0.2) * _grain(rng, size, rng.uniform(0.6, 3))
    picture = _tinted(grey, colour * rng.uniform(0.6, 1.2))
    _speckle(rng, picture, int(rng.integers(0, 500)), (0.8, 5.0), rng.uniform(-0.5, 0.6))
    return picture


def water(rng: np.random.Generator, size: int) -> FloatPicture:
    """Ripples, glints, and what lies below."""
    ripples = cv2.GaussianBlur(
        rng.standard_normal((size, size)).astype(np.float32),
        (0, 0),
        sigmaX=rng.uniform(4, 20),
        sigmaY=rng.uniform(1, 4),
    )
    grey = 1 + rng.uniform(0.05, 0.3) * ripples / ripples.std() + 0.1 * _clouds(rng, size)
    colour = np.array([0.15, 0.28, 0.30]) * rng.uniform(0.6, 2.0) * rng.uniform(0.7, 1.3, 3)
    return _tinted(grey, colour)


def foliage(rng: np.random.Generator, size: int) -> FloatPicture:
    """Leaves in green, yellow, orange, red or brown, with dark gaps and twigs."""
    palettes = np.array(
        [
            [[0.25, 0.38, 0.12], [0.45, 0.55, 0.25]],
            [[0.55, 0.40, 0.10], [0.80, 0.62, 0.20]],
            [[0.60, 0.25, 0.08], [0.85, 0.45, 0.15]],
            [[0.45, 0.10, 0.08], [0.70, 0.25, 0.15]],
            [[0.35, 0.25, 0.15], [0.55, 0.42, 0.28]],
        ]
    )
    first, second = palettes[rng.choice(len(palettes), 2)]
    leaf = rng.uniform(1.5, 8)
    mix = np.clip(0.5 + 0.4 * _grain(rng, size, leaf) + 0.3 * _clouds(rng, size), 0, 1)[..., None]
    low, high = first[0] * (1 - mix) + first[1] * mix, second[0] * (1 - mix) + second[1] * mix
    part = np.clip(0.5 + _clouds(rng, size), 0, 1)[..., None]
    gaps = np.clip(1 + 0.5 * _grain(rng, size, leaf * 1.5), 0.15, 1.2)[..., None]
    return np.asarray((low * (1 - part) + high * part) * gaps, dtype=np.float32)


def planks(rng: np.random.Generator, size: int) -> FloatPicture:
    """Wood, corrugated sheet or louvres: stripes with shading."""
    breadth = rng.uniform(10, 90)
    place = np.arange(size, dtype=np.float32) / breadth
    shade = 1 + rng.uniform(0.03, 0.35) * np.sin(2 * np.pi * place) ** int(rng.integers(1, 4))
    gap = 1 - rng.uniform(0, 0.8) * (np.abs(place % 1 - 0.5) > 0.5 - rng.uniform(0.5, 2.5) / breadth)
    grey = shade[None, :] * gap[None, :] * (1 + 0.04 * _grain(rng, size, 1.5))
    picture = _tinted(grey.astype(np.float32), rng.uniform(0.25, 0.85, 3) * 0.5 + 0.25)
    return np.ascontiguousarray(picture.transpose(1, 0, 2)) if rng.random() < 0.5 else picture


SURFACES: dict[str, Callable[[np.random.Generator, int], FloatPicture]] = {
    "concrete": concrete,
    "board-marked": board_marked,
    "painted steel": painted_steel,
    "plaster": plaster,
    "asphalt": asphalt,
    "concrete, again": concrete,
    "brick": brick,
    "soil": soil,
    "painted steel, again": painted_steel,
    "foliage": foliage,
    "planks": planks,
    "water": water,
}
"""Surfaces in the order of their numbers; concrete and paint come twice, because structures are made of them."""

CRACKABLE = frozenset({"concrete", "board-marked", "plaster", "asphalt", "concrete, again", "brick"})
"""Surfaces on which cracks are drawn."""
PAINTED = frozenset({"painted steel", "painted steel, again", "planks"})
"""Surfaces on which rust is drawn."""


def surface_name(index: int) -> str:
    """Name of the surface that `render_surface` gives for a number."""
    return list(SURFACES)[index % len(SURFACES)]


def _clouds(rng: np.random.Generator, size: int) -> FloatPicture:
    broad = field_noise(rng, (size, size), size * rng.uniform(0.08, 0.25))
    return broad + 0.5 * field_noise(rng, (size, size), size * rng.uniform(0.02, 0.06))


def _grain(rng: np.random.Generator, size: int, sigma_px: float) -> FloatPicture:
    noise = cv2.GaussianBlur(rng.standard_normal((size, size)).astype(np.float32), (0, 0), sigma_px)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def _tinted(grey: FloatPicture, colour: npt.ArrayLike) -> FloatPicture:
    return np.asarray(grey[..., None] * np.asarray(colour), dtype=np.float32)


def _warm_grey(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    warmth = rng.normal(0, 0.05)
    return np.array([1 + warmth, 1 + rng.normal(0, 0.015), 1 - warmth])


def _speckle(
    rng: np.random.Generator, picture: FloatPicture, count: int, radius_px: tuple[float, float], depth: float
) -> None:
    """Darken (or, with a negative depth, lighten) small discs: pores, stones."""
    size = len(picture)
    cover = np.zeros((size, size), np.float32)
    for x, y, radius in zip(*rng.uniform(0, size, (2, count)), rng.uniform(*radius_px, count), strict=True):
        cv2.circle(cover, (int(x * 8), int(y * 8)), int(radius * 8), float(rng.uniform(0.4, 1)), -1, cv2.LINE_AA, 3)
    picture *= 1 - depth * cover[..., None]


def _bolts(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Set one or two rows of bolt heads with their shadows."""
    size = len(picture)
    pitch, radius = rng.uniform(35, 120), rng.uniform(5, 16)
    shift = rng.uniform(-0.6, 0.6, 2) * radius
    for row in rng.uniform(0.1, 0.9, int(rng.integers(1, 3))) * size:
        for column in np.arange(pitch / 2, size, pitch):
            centre = np.array([column, row])
            below = picture[int(row) % size, int(column) % size].copy()
            for place, factor, part in ((centre + shift, 0.45, 1.05), (centre, 0.9, 1.0), (centre, 1.2, 0.55)):
                colour = tuple(float(value) for value in below * factor)
                cv2.circle(picture, tuple((place * 8).astype(int)), int(radius * part * 8), colour, -1, cv2.LINE_AA, 3)
