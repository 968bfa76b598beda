"""Whether a photo is good enough to be inspected: sharp, not clipped, not smeared by motion."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenken.notes import Note

PATCH_PX = 384
PATCHES_ACROSS = 3
REBLUR_PX = 11
"""Length of the second blur that `perceptual_blur` compares with: what the measure is defined with."""
LEAST_TEXTURE = 4.0
"""Standard deviation, grey levels, below which a patch says nothing about focus: a blank wall."""

SHARP_QUANTILE = 0.25
"""The sharper patches tell the focus: what lies far behind the structure is blurred in every good photo."""

BLUR_LIMIT = 0.6
"""Perceptual blur (Crété-Roffet et al. 2007) beyond which fine cracks are gone. Sharp drone photos have 0.24 to 0.29;
the same photos blurred by a Gaussian of 2 px 0.46 to 0.58, of 3 px 0.58 to 0.68 (tried on four cameras)."""

CLIPPED_LIMIT = 0.5
"""Share of pixels without drawing (black or white) beyond which the photo counts as badly exposed."""

MOTION_LIMIT_PX = 2.0
"""Motion blur beyond which cracks of a few pixels are smeared; 0.5 px is what a good flight keeps (DOMAIN 4)."""

BLACK, WHITE = 4, 251


@dataclass(frozen=True, slots=True)
class PhotoQuality:
    """What was measured in the picture itself."""

    blur: float
    """Perceptual blur, 0 (sharp) .. 1."""
    clipped: float
    """Share of pixels that are black or white."""

    def as_json(self) -> dict[str, Any]:
        """Return plain values for the journal."""
        return asdict(self)


def assess_picture(image: npt.NDArray[np.uint8]) -> PhotoQuality:
    """Measure sharpness and exposure of an (h, w, 3) RGB picture."""
    green = image[..., 1]
    patches = _patches(green)
    textured = [patch for patch in patches if patch.std() >= LEAST_TEXTURE] or patches
    blur = float(np.quantile([perceptual_blur(patch) for patch in textured], SHARP_QUANTILE))
    sampled = np.ascontiguousarray(green[::4, ::4])
    clipped = float(np.mean((sampled <= BLACK) | (sampled >= WHITE)))
    return PhotoQuality(round(blur, 3), round(clipped, 3))


def perceptual_blur(grey: npt.NDArray[np.uint8]) -> float:
    """Measure how little of the edges a second blur takes away (Crété-Roffet et al. 2007).

    The same as ``skimage.measure.blur_effect``, in whole numbers and about a fifth of the time: a difference of two box
    blurs is a difference of four pixels.

    Returns
    -------
    0 (sharp) .. 1, the larger of both directions; 1 where there is no edge.
    """
    return max(_blur_downwards(grey), _blur_downwards(np.ascontiguousarray(grey.T)))


def _blur_downwards(grey: npt.NDArray[np.uint8]) -> float:
    height, width = grey.shape
    if min(height, width) < 4:
        return 1.0
    half = REBLUR_PX // 2
    wide = np.pad(grey.astype(np.int16), ((half, half), (0, 0)), mode="symmetric")
    # Sobel's smoothing across the direction; like the reference, two pixels before and one behind are left out.
    across = wide[:, 1:-2] + wide[:, 3:]
    across += wide[:, 2:-1]
    across += wide[:, 2:-1]

    def row(offset: int) -> npt.NDArray[np.int16]:
        return across[half + 2 + offset : half + height - 1 + offset]

    edge = np.abs(row(1) - row(-1))
    blurred = row(half + 1) + row(half)
    blurred -= row(-half)
    blurred -= row(-half - 1)
    lost = np.maximum(edge * np.int16(REBLUR_PX) - np.abs(blurred), 0)
    sharp = REBLUR_PX * int(edge.sum(dtype=np.int64))
    return 1.0 - int(lost.sum(dtype=np.int64)) / sharp if sharp else 1.0


def quality_faults(quality: PhotoQuality, motion_px: float | None) -> list[Note]:
    """Say in sentences why a photo is not usable; empty when it is."""
    faults = []
    if quality.blur > BLUR_LIMIT:
        faults.append(Note.of("note.blurred", blur=f"{quality.blur:.2f}", limit=f"{BLUR_LIMIT:.2f}"))
    if quality.clipped > CLIPPED_LIMIT:
        faults.append(Note.of("note.badly_exposed", share=f"{quality.clipped:.0%}"))
    if motion_px is not None and motion_px > MOTION_LIMIT_PX:
        faults.append(Note.of("note.smeared", motion=f"{motion_px:.1f}"))
    return faults


def motion_blur_px(
    speed_m_s: tuple[float, float, float] | None, exposure_s: float | None, gsd_mm: float | None
) -> float | None:
    """Length of motion blur: speed times exposure, in pixels of ``gsd_mm``; None when any of them is unknown."""
    if speed_m_s is None or exposure_s is None or not gsd_mm:
        return None
    return float(np.hypot(speed_m_s[0], speed_m_s[1])) * exposure_s * 1000 / gsd_mm


def _patches(grey: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    height, width = grey.shape
    side = min(PATCH_PX, height, width)
    tops = np.linspace(0, height - side, PATCHES_ACROSS).astype(int)
    lefts = np.linspace(0, width - side, PATCHES_ACROSS).astype(int)
    return [grey[top : top + side, left : left + side] for top in tops for left in lefts]
