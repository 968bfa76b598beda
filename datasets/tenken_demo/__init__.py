"""The demo flight: a rendered bridge with known defects, seen by a drone that never flew.

`make_demo_flight` writes photos, assets, a surface model and the truth; `read_truth` reads the truth back;
`photo_masks` rasterises it, so that a pipeline can be run with a detector that is always right.
"""

from tenken_demo.flight import make_demo_flight
from tenken_demo.masks import PhotoMask, photo_masks
from tenken_demo.truth import DemoTruth, TrueDefect, TruePhoto, TrueSighting, read_truth

__all__ = [
    "DemoTruth",
    "PhotoMask",
    "TrueDefect",
    "TruePhoto",
    "TrueSighting",
    "make_demo_flight",
    "photo_masks",
    "read_truth",
]
