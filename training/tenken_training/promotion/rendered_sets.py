"""Rendered structures on which every promotion is judged, so that there is a gate with no other data.

Concrete with cracks of known width, painted steel with rust, and both without any defect, by
`tenken_training.evaluation.scenes`: nothing is trained on them.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenken.detection.detect import KINDS
from tenken_training.evaluation import LabelledPhoto, LabelledSet, Truth
from tenken_training.evaluation.labels import Layout
from tenken_training.evaluation.scenes import Scene, concrete_scene, steel_scene

RESOLUTIONS_MM = (0.6, 1.2, 2.4)
SEEDS = range(7000, 7010)
"""Of each resolution; no other use is made of these."""
SIZE_PX = (640, 832)

Render = Callable[[], Scene]


@dataclass(frozen=True, slots=True)
class RenderedSet(LabelledSet):
    """Photos that are rendered when they are needed."""

    scenes: Mapping[str, Render] = field(default_factory=dict)

    def load(self, photo: LabelledPhoto, scale: float = 1.0) -> tuple[npt.NDArray[np.uint8], Truth]:
        """Render a photo, at its own size."""
        if scale != 1:
            raise ValueError("rendered photos have one size")
        scene = self.scenes[photo.name]()
        return scene.image, scene.truth

    def sha256(self) -> str:
        """Hash of the photos' names, which say how they were rendered."""
        return hashlib.sha256("\n".join(self.scenes).encode()).hexdigest()


def rendered_sets(seeds: range | None = None, size_px: tuple[int, int] | None = None) -> tuple[RenderedSet, ...]:
    """Give cracked concrete, rusted steel, and both without defects; `SEEDS` and `SIZE_PX` when None."""
    seeds, size_px = seeds or SEEDS, size_px or SIZE_PX
    cracked: dict[str, Render] = {}
    rusted: dict[str, Render] = {}
    sound: dict[str, Render] = {}
    for gsd_mm in RESOLUTIONS_MM:
        for seed in seeds:
            name = f"{seed}, {gsd_mm:g} mm per px"
            cracked[f"concrete {name}"] = partial(concrete_scene, seed, gsd_mm, size_px=size_px)
            rusted[f"steel {name}"] = partial(steel_scene, seed, gsd_mm, size_px=size_px)
            if seed % 2:
                sound[f"sound concrete {name}"] = partial(concrete_scene, seed, gsd_mm, cracked=False, size_px=size_px)
            else:
                sound[f"sound steel {name}"] = partial(steel_scene, seed, gsd_mm, rusted=False, size_px=size_px)
    return (
        _set("rendered concrete", ("crack",), cracked),
        _set("rendered steel", ("corrosion",), rusted),
        _set("rendered without defects", KINDS, sound),
    )


def _set(name: str, kinds: tuple[str, ...], scenes: dict[str, Render]) -> RenderedSet:
    photos = tuple(LabelledPhoto(one, "", Path(one), None) for one in scenes)
    layout: Layout = "label-free" if name.endswith("without defects") else "polygons"
    return RenderedSet(name, layout, kinds, kinds, photos, {}, scenes)
