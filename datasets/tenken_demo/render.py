"""A photo of the demo bridge as its camera would take it: surfaces, lines, lens, exposure, sensor."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from tenken_demo.deck import paint_deck
from tenken_demo.girder import paint_girder
from tenken_demo.ground import paint_ground
from tenken_demo.layout import DECK_Z_M, GIRDER_V_M, GIRDER_Z_M, GROUND_Z_M, Mark
from tenken_demo.noise import Float32Array, stream
from tenken_demo.station import TrueCamera
from tenken_demo.strokes import draw, strokes_of
from tenken_demo.texture import Texture

_ROWS_AT_ONCE = 96
_LEVELS = 16384


@dataclass(frozen=True, slots=True)
class Scene:
    """The painted bridge."""

    seed: int
    marks: tuple[Mark, ...]
    deck: Texture
    girder: Texture
    ground: Texture


@dataclass(frozen=True, slots=True)
class Exposure:
    """What differs from photo to photo besides the pose."""

    gain: float
    balance: tuple[float, float, float]
    blur_px: tuple[float, float]
    """Deviation of the blur along columns and rows: lens and a little movement."""
    noise: float
    time_s: float
    iso: int

    @classmethod
    def draw(cls, seed: int, index: int) -> "Exposure":
        """Draw the exposure of one photo of a seeded flight by lot."""
        rng = stream(seed, "exposure", index)
        iso = int(rng.choice([100, 100, 110, 130]))
        red, blue = rng.normal(1.0, 0.012, 2)
        blur = rng.uniform(0.50, 0.68)
        return cls(
            gain=float(rng.uniform(0.92, 1.10)),
            balance=(float(red), 1.0, float(blue)),
            blur_px=(float(blur), float(blur + rng.uniform(0, 0.14))),
            noise=0.0050 * (iso / 100) ** 0.5,
            time_s=1 / int(rng.choice([1000, 1250])),
            iso=iso,
        )


def paint_scene(seed: int, marks: tuple[Mark, ...], width_px: int) -> Scene:
    """Paint all surfaces, at a resolution that suits photos of a width."""
    coarseness = 2 ** max(int(np.floor(np.log2(4000 / width_px))), 0)
    with ThreadPoolExecutor(3) as pool:
        deck = pool.submit(paint_deck, seed, marks, coarseness)
        girder = pool.submit(paint_girder, seed, marks, coarseness)
        ground = pool.submit(paint_ground, seed)
        return Scene(seed, marks, deck.result(), girder.result(), ground.result())


def render(scene: Scene, camera: TrueCamera, exposure: Exposure, index: int) -> npt.NDArray[np.uint8]:
    """(height, width, 3) sRGB picture."""
    picture = np.empty((3, camera.height_px, camera.width_px), dtype=np.float32)
    for top in range(0, camera.height_px, _ROWS_AT_ONCE):
        rows = slice(top, min(top + _ROWS_AT_ONCE, camera.height_px))
        picture[:, rows] = _surfaces(scene, camera, rows)
    for mark in scene.marks:
        for stroke in strokes_of(scene.seed, mark):
            draw(picture, camera, stroke, mark.surface)
    return _developed(picture, exposure, stream(scene.seed, "sensor", index))


def _surfaces(scene: Scene, camera: TrueCamera, rows: slice) -> Float32Array:
    """Draw some rows without lines: the first surface that each pixel's ray meets."""
    x = (np.arange(camera.width_px, dtype=np.float32) + 0.5)[None, :]
    y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5)[:, None]
    shape = (rows.stop - rows.start, camera.width_px)
    band = np.empty((3, *shape), dtype=np.float32)
    u, v = camera.hit(x, y, DECK_Z_M)
    # The deck ends at v = 0; a pixel on the border takes its share of both sides.
    on_deck = np.clip(-v / camera.ground_resolution_m(DECK_Z_M) + 0.5, 0, 1)
    deck, below = on_deck > 0, on_deck < 1
    band[:, deck] = scene.deck.sample(u[deck], v[deck])
    if below.any():
        share = on_deck[below].astype(np.float32)
        under = _below_deck(scene, camera, *(np.broadcast_to(axis, shape)[below] for axis in (x, y)))
        band[:, below] = np.where(share > 0, band[:, below], 0) * share + under * (1 - share)
    return band


def _below_deck(
    scene: Scene, camera: TrueCamera, x_px: npt.NDArray[np.float32], y_px: npt.NDArray[np.float32]
) -> Float32Array:
    """(3, n) light of pixels whose rays pass the deck: the girder's flange, else the ground."""
    u, v = camera.hit(x_px, y_px, GIRDER_Z_M)
    resolution = camera.ground_resolution_m(GIRDER_Z_M)
    inside_m = np.minimum(v - GIRDER_V_M[0], GIRDER_V_M[1] - v)
    on_girder = np.clip(inside_m / resolution + 0.5, 0, 1).astype(np.float32)
    ground_u, ground_v = camera.hit(x_px, y_px, GROUND_Z_M)
    light = np.zeros((3, len(x_px)), dtype=np.float32)
    off, on = on_girder < 1, on_girder > 0
    light[:, off] = scene.ground.sample(ground_u[off], ground_v[off])
    # Between deck and girder one looks into the dark under the bridge.
    light[:, off & (v < (GIRDER_V_M[0] + GIRDER_V_M[1]) / 2)] *= 0.12
    light[:, on] += on_girder[on] * (scene.girder.sample(u[on], v[on]) - light[:, on])
    return light


def _developed(picture: Float32Array, exposure: Exposure, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Lens blur, vignetting, exposure, sensor noise and the tone curve of sRGB (IEC 61966-2-1)."""
    height, width = picture.shape[1:]
    linear = np.arange(_LEVELS, dtype=np.float32) / (_LEVELS - 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    tone = np.round(encoded * 255).astype(np.uint8)
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width - 0.5)[None, :]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / width - height / width / 2)[:, None]
    vignette = 1 - 0.42 * (x * x + y * y)
    developed = np.empty((height, width, 3), dtype=np.uint8)
    for channel, balance in enumerate(exposure.balance):
        light = gaussian_filter1d(picture[channel], exposure.blur_px[0], axis=1, truncate=3.5)
        light = gaussian_filter1d(light, exposure.blur_px[1], axis=0, truncate=3.5)
        light *= vignette * np.float32(exposure.gain * balance)
        grain = rng.standard_normal(light.shape, dtype=np.float32)
        # Shot noise grows with the root of the light; a little read noise is always there.
        light += grain * np.sqrt(np.maximum(light, 0) * np.float32(exposure.noise**2 * 4) + np.float32(1e-6))
        np.clip(light, 0, 1, out=light)
        developed[:, :, channel] = tone[(light * (_LEVELS - 1) + 0.5).astype(np.int32)]
    return developed
