"""What a photo of a crack looks like, by plain rules: a set without notes on its sources falls into kinds of surface.

Two uses: figures by look tell on which surfaces a detector fails; and a training that leaves one look out, judged on
just that look, tells how it will do on a surface it has never seen.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from tenken_training.evaluation.photo_score import grown
from tenken_training.evaluation.truth import BoolArray

LOOKS = ("painted", "rough", "stained", "pale smooth", "grey smooth")

BESIDE_PX = 8
"""The crack and what lies so near it is left out."""


def look_of(image: npt.NDArray[np.uint8], cracks: BoolArray) -> str:
    """Tell which of `LOOKS` a photo has.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB, about 400 px a side: the rules look at details of 3 to 30 px.
    cracks
        (h, w) labelled cracks.

    Returns
    -------
    ``painted`` is coloured; ``rough`` is coarse plaster, stone and asphalt; ``stained`` has patches of other tones;
    the others are smooth plaster and concrete, pale or grey. The thresholds were set by eye, on contact sheets of the
    validation photos of crack-bphdr.
    """
    ground = ~grown(cracks, BESIDE_PX)
    if not ground.any():
        ground = np.ones_like(cracks)
    colour = image.astype(np.float32) / 255
    grey = colour.mean(axis=2)
    smooth = gaussian_filter(grey, 3)
    median_rgb = np.median(colour[ground], axis=0)
    if median_rgb.max() - median_rgb.min() > 0.08:
        return "painted"
    if (grey - smooth)[ground].std() > 0.065:
        return "rough"
    if (smooth - gaussian_filter(grey, 30))[ground].std() > 0.035:
        return "stained"
    return "pale smooth" if np.median(grey[ground]) > 0.69 else "grey smooth"
