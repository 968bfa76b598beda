"""Ends, junctions and loops of cracks, as they are drawn."""

import numpy as np
import pytest
from shapely import LineString, MultiLineString, Point

from drawn import draw_cracks, perfect_detector
from tenken import Detections, find_defects
from tenken.measurement.topology import topology_of

TRUNK = LineString([(40, 200), (460, 200)])
FORK = LineString([(250, 200), (420, 340)])
BOX = LineString([(100, 100), (400, 100), (400, 300), (100, 300), (100, 100)])
CASES: dict[str, tuple[list[LineString], tuple[int, int, int], str]] = {
    "line": ([TRUNK], (2, 0, 0), "line"),
    "T": ([TRUNK, LineString([(250, 200), (250, 40)])], (3, 1, 0), "branched"),
    "Y": (
        [LineString([(40, 200), (250, 200), (420, 60)]), LineString([(250, 200), (420, 340)])],
        (3, 1, 0),
        "branched",
    ),
    "X": ([TRUNK, LineString([(180, 40), (320, 360)])], (4, 1, 0), "branched"),
    "X, oblique": ([TRUNK, LineString([(110, 60), (390, 340)])], (4, 1, 0), "branched"),
    "two branches": (
        [TRUNK, LineString([(150, 200), (150, 40)]), LineString([(330, 200), (330, 360)])],
        (4, 2, 0),
        "branched",
    ),
    "ring": ([LineString(Point(250, 200).buffer(120).exterior.coords)], (0, 0, 1), "network"),
    "ladder": ([BOX, LineString([(200, 100), (200, 300)]), LineString([(300, 100), (300, 300)])], (0, 4, 3), "network"),
}


@pytest.mark.parametrize("width_px", [3, 6, 9])
@pytest.mark.parametrize("name", CASES)
def test_a_crack_tells_its_ends_junctions_and_loops(name: str, width_px: float) -> None:
    lines, truth, pattern = CASES[name]
    (defect,) = find_defects(draw_cracks(lines, width_px, (500, 400)), perfect_detector, tile_px=180)
    assert (defect.ends, defect.junctions, defect.loops) == truth
    assert defect.pattern == pattern


def test_rust_has_no_pattern() -> None:
    def rust(tile: np.ndarray) -> Detections:
        return Detections(np.array([[10.0, 20.0, 30.0, 40.0]]), np.array([0.5]), np.array(["corrosion"]))

    (defect,) = find_defects(np.zeros((100, 100, 3), np.uint8), rust)
    assert (defect.ends, defect.junctions, defect.loops, defect.pattern) == (None, None, None, None)


@pytest.mark.parametrize(("apart_px", "junctions"), [(3, 1), (40, 2)])
def test_junctions_within_about_a_width_are_one(apart_px: float, junctions: int) -> None:
    x = 100 + apart_px
    lines = MultiLineString(
        [[(0, 0), (100, 0)], [(100, 0), (100, 50)], [(100, 0), (x, 0)], [(x, 0), (x, -50)], [(x, 0), (300, 0)]]
    )
    assert topology_of(lines, width_px=5).junctions == junctions
