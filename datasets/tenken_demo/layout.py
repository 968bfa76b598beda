"""What stands where on the demo bridge: its parts, its defects, and the things that only look like defects.

All positions are metres in u (along), v (across) on the part's surface; widths are millimetres.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from shapely import MultiPolygon

from tenken_demo.lines import FloatArray, WideLine, branched, covered, crack, net, resampled
from tenken_demo.noise import stream
from tenken_demo.patches import PatchShape, along_line, ragged

Kind = Literal["crack", "corrosion", "distractor"]
SurfaceName = Literal["deck", "girder"]

DECK_Z_M = 0.0
GIRDER_Z_M = -0.4
GROUND_Z_M = -6.2
SURFACE_Z_M: dict[str, float] = {"deck": DECK_Z_M, "girder": GIRDER_Z_M}

PANEL_JOINTS_U_M = (2.0, 4.0)
EXPANSION_JOINT_U_M = (5.750, 5.785)
DECK_U_M = (-0.7, 8.2)
DECK_V_M = (-2.4, 0.0)
GIRDER_U_M = (-0.2, 6.1)
GIRDER_V_M = (0.06, 0.46)


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of the bridge that is an asset of its own."""

    asset_id: str
    name: str
    material: str
    element: str
    surface: SurfaceName
    u_m: tuple[float, float]
    v_m: tuple[float, float]


PARTS = (
    Part("DEMO-D1", "点検橋 床版 1 / deck panel 1", "RC", "deck", "deck", (DECK_U_M[0], PANEL_JOINTS_U_M[0]), DECK_V_M),
    Part("DEMO-D2", "点検橋 床版 2 / deck panel 2", "RC", "deck", "deck", PANEL_JOINTS_U_M, DECK_V_M),
    Part("DEMO-D3", "点検橋 床版 3 / deck panel 3", "RC", "deck", "deck", (4.0, EXPANSION_JOINT_U_M[0]), DECK_V_M),
    Part(
        "DEMO-D4",
        "点検橋 床版 4 / deck panel 4",
        "RC",
        "deck",
        "deck",
        (EXPANSION_JOINT_U_M[1], DECK_U_M[1]),
        DECK_V_M,
    ),
    Part("DEMO-G1", "点検橋 主桁 G1 / main girder G1", "steel", "girder", "girder", GIRDER_U_M, GIRDER_V_M),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a surface with an outline of its own: a defect, or what may be taken for one."""

    id: str
    kind: Kind
    what: str
    """Its look, and how it is drawn."""
    surface: SurfaceName
    lines: tuple[WideLine, ...] = ()
    patch: PatchShape | None = None

    def outline(self) -> MultiPolygon:
        """Give the area it covers, in u, v metres."""
        return self.patch.outline() if self.patch is not None else covered(self.lines)

    def area_m2(self) -> float:
        """Covered area."""
        return float(self.outline().area)


def make_marks(seed: int) -> tuple[Mark, ...]:
    """All defects and distractors, in the order they are drawn."""
    deck_cracks = tuple(_cracks(seed))
    wet = next(mark for mark in deck_cracks if mark.id == "C08").lines[0]
    leached = Mark("X01", "distractor", "efflorescence", "deck", patch=along_line(stream(seed, "leached"), wet, 0.011))
    return (leached, *_distractors(seed), *_rust(seed), *deck_cracks)


def _cracks(seed: int) -> Iterable[Mark]:
    def rng(name: str) -> np.random.Generator:
        return stream(seed, name)

    shapes = {
        "C01": (
            "long wandering crack",
            crack(rng("C01"), (0.18, -0.52), (4.62, -0.78), 2.2, roughness=0.012),
        ),
        "C02": ("hairline crack", crack(rng("C02"), (0.78, -0.40), (0.86, -0.09), 0.3, roughness=0.02)),
        "C03": ("thin crack", crack(rng("C03"), (1.02, -0.13), (1.42, -0.36), 0.6)),
        "C04": (
            "branched crack",
            branched(
                rng("C04"),
                ((1.52, -0.06), (1.83, -0.52)),
                2.4,
                [(0.35, (1.88, -0.20), 1.4), (0.62, (1.50, -0.44), 1.0)],
            ),
        ),
        "C05": ("parallel crack", crack(rng("C05"), (2.42, -0.30), (3.24, -0.27), 1.3, roughness=0.012)),
        "C06": ("parallel crack", crack(rng("C06"), (2.38, -0.225), (3.18, -0.195), 1.8, roughness=0.012)),
        "C07": ("wide spalled crack", crack(rng("C07"), (3.56, -0.05), (3.66, -0.60), 6.0)),
        "C08": ("crack with efflorescence", crack(rng("C08"), (3.80, -0.36), (4.56, -0.12), 3.0)),
        "C09": ("map cracking", net(rng("C09"), (5.20, -0.36), (0.50, 0.38), 0.075, 0.6)),
        "C10": ("straight crack", crack(rng("C10"), (-0.28, -0.20), (0.52, -0.29), 4.0, roughness=0.002)),
        "C11": ("crack", crack(rng("C11"), (2.86, -0.80), (3.10, -1.42), 2.0, roughness=0.04)),
        "C12": ("thin crack", crack(rng("C12"), (5.36, -0.98), (5.56, -0.63), 0.9, roughness=0.04)),
    }
    for name, (what, lines) in shapes.items():
        yield Mark(name, "crack", what, "deck", lines=tuple(lines))


def _rust(seed: int) -> Iterable[Mark]:
    places = {
        "R01": ((0.80, 0.27), (0.42, 0.25), 0.42),
        "R02": ((1.60, 0.15), (0.026, 0.024), 0.25),
        "R03": ((2.02, 0.37), (0.075, 0.055), 0.45),
        "R04": ((3.42, 0.25), (0.30, 0.045), 0.40),
        "R05": ((4.02, 0.42), (0.24, 0.15), 0.45),
        "R06": ((4.62, 0.19), (0.085, 0.060), 0.45),
        "R07": ((5.42, 0.23), (0.13, 0.085), 0.50),
    }
    for name, (centre, size_m, raggedness) in places.items():
        shape = ragged(
            stream(seed, name),
            centre,
            size_m,
            raggedness=raggedness,
            within_v_m=(GIRDER_V_M[0], GIRDER_V_M[1]),
        )
        yield Mark(name, "corrosion", "rust", "girder", patch=shape)


def _straight(start: tuple[float, float], end: tuple[float, float], width_mm: float) -> WideLine:
    path = resampled(np.array([start, end]))
    return WideLine(path, np.full(len(path), width_mm / 1000))


def _chalk(seed: int) -> list[WideLine]:
    """Draw brackets, an arrow and a figure such as inspectors leave beside a crack."""
    rng = stream(seed, "chalk")
    strokes = (
        [(2.36, -0.40), (2.39, -0.345), (2.37, -0.30)],
        [(3.28, -0.20), (3.30, -0.26), (3.27, -0.32)],
        [(2.70, -0.42), (2.83, -0.41), (2.96, -0.425)],
        [(2.93, -0.405), (2.965, -0.425), (2.935, -0.445)],
        [(2.72, -0.54), (2.735, -0.51), (2.72, -0.485), (2.705, -0.51), (2.72, -0.54)],
        [(2.752, -0.486), (2.756, -0.484)],
        [(2.79, -0.525), (2.805, -0.54), (2.822, -0.53), (2.815, -0.512), (2.788, -0.485), (2.828, -0.487)],
    )
    lines = []
    for stroke in strokes:
        path = resampled(np.array(stroke))
        path = path + np.cumsum(rng.normal(0, 0.0004, path.shape), axis=0)
        lines.append(WideLine(path, rng.uniform(0.006, 0.009, len(path))))
    return lines


def _distractors(seed: int) -> Iterable[Mark]:
    rng = stream(seed, "distractors")
    for number, joint_u in enumerate(PANEL_JOINTS_U_M, start=2):
        joint = _straight((joint_u, DECK_V_M[0] + 1.0), (joint_u, -0.004), 2.6)
        yield Mark(f"X{number:02d}", "distractor", "form joint", "deck", lines=(joint,))
    yield Mark("X04", "distractor", "chalk mark", "deck", lines=tuple(_chalk(seed)))
    corners = [(4.72, -1.40), (4.80, -1.00), (5.00, -0.74), (4.93, -0.52), (4.74, -0.28), (4.80, 0.0)]
    cable_uv = resampled(_smoothed(np.array(corners)))
    cable = WideLine(cable_uv, np.full(len(cable_uv), 0.008))
    yield Mark("X05", "distractor", "cable", "deck", lines=(cable,))
    stain = ragged(rng, (1.30, -0.78), (0.34, 0.24), raggedness=0.35)
    yield Mark("X06", "distractor", "water stain", "deck", patch=stain)
    oil = ragged(rng, (3.36, -0.86), (0.10, 0.08), raggedness=0.3)
    yield Mark("X07", "distractor", "oil stain", "deck", patch=oil)
    drip = ragged(rng, (0.42, -0.80), (0.15, 0.065), raggedness=0.4)
    yield Mark("X08", "distractor", "rust stain", "deck", patch=drip)
    joint_u = sum(EXPANSION_JOINT_U_M) / 2
    gap = _straight((joint_u, DECK_V_M[0] + 1.0), (joint_u, -0.002), 35.0)
    yield Mark("X09", "distractor", "expansion joint", "deck", lines=(gap,))
    shadow = _straight((1.86, -1.40), (2.62, 0.0), 42.0)
    yield Mark("X10", "distractor", "shadow", "deck", lines=(shadow,))
    for number, offset_u in enumerate((0.0, 0.035), start=11):
        path = resampled(_smoothed(np.array([(3.9 + offset_u, -1.40), (4.2 + offset_u, -0.95), (5.7, -0.80)])))
        tyre = WideLine(path, np.full(len(path), 0.026))
        yield Mark(f"X{number:02d}", "distractor", "tyre mark", "deck", lines=(tyre,))
    dropping = ragged(rng, (2.98, 0.36), (0.045, 0.035), raggedness=0.5)
    yield Mark("X13", "distractor", "bird dropping", "girder", patch=dropping)


def _smoothed(corners: FloatArray) -> FloatArray:
    """Round a polyline (Chaikin's corner cutting, four times)."""
    path = corners
    for _ in range(4):
        cut = np.stack([0.75 * path[:-1] + 0.25 * path[1:], 0.25 * path[:-1] + 0.75 * path[1:]], axis=1)
        path = np.vstack([path[:1], cut.reshape(-1, 2), path[-1:]])
    return path
