"""The repair list of faces: what lies on one counts there, in its own plane, and nowhere else."""

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from pyproj import CRS, Transformer
from shapely import MultiLineString, MultiPolygon

from tenken.assessment.findings import assess
from tenken.assessment.grade import Finding
from tenken.identity.identify import Defect
from tenken.structure.coverage import View

CHIBA = CRS.from_epsg(6677)
EMPTY: dict[str, Any] = dict.fromkeys(Defect.__dataclass_fields__)


def crack(name: str, line: list[tuple[float, float]], face: str | None = "front") -> Defect:
    shape = MultiLineString([line])
    return Defect(
        **EMPTY
        | {
            "id": name, "kind": "crack", "score": 0.9, "sightings": (), "unseen_in": (), "face": face,
            "centreline_m": shape, "outline_m": MultiPolygon([shape.buffer(0.01)]), "length_m": shape.length,
            "width_mm": 0.25, "width_low_mm": 0.25, "width_high_mm": 0.25, "width_status": "measured",
        }
    )  # fmt: skip


def rust(name: str, box: tuple[float, float, float, float], face: str | None = "front") -> Defect:
    area = MultiPolygon([shapely.box(*box)])
    return Defect(
        **EMPTY
        | {
            "id": name, "kind": "corrosion", "score": 0.9, "sightings": (), "unseen_in": (), "face": face,
            "outline_m": area, "area_m2": area.area,
        }
    )  # fmt: skip


@pytest.fixture
def two_walls(tmp_path: Path) -> Path:
    """Front and back of an abutment, 9 m long and 6 m high, and the deck above; their charts have the same numbers."""
    to_degrees = Transformer.from_crs(CHIBA, CRS.from_epsg(4326), always_xy=True)
    rows = []
    for name, north_m in (("front", 0.0), ("back", 4.0)):
        ends = [to_degrees.transform(24700.0 + x, -43500.0 + north_m) for x in (0.0, 9.0)]
        told = {"asset_id": name, "face": "vertical", "bottom_m": 0, "top_m": 6, "material": "RC"}
        rows.append({"type": "Feature", "properties": told, "geometry": {"type": "LineString", "coordinates": ends}})
    corners = [to_degrees.transform(24700.0 + x, -43500.0 + y) for x, y in ((0, 0), (9, 0), (9, 4), (0, 4), (0, 0))]
    rows.append(
        {
            "type": "Feature",
            "properties": {"asset_id": "deck", "material": "RC"},
            "geometry": {"type": "Polygon", "coordinates": [corners]},
        }
    )
    path = tmp_path / "walls.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), encoding="utf-8")
    return path


def listed(defects: list[Defect], views: list[View], path: Path, **settings: Any) -> dict[str, Finding]:
    _, findings = assess(defects, path, views, CHIBA, lang="en", **settings)
    return {finding.segment.segment_id: finding for finding in findings}


def view(face: str | None, box: tuple[float, float, float, float] = (0, 0, 9, 6)) -> View:
    return View("a.jpg", shapely.box(*box), 0.1, usable=True, face=face)


def test_an_upright_crack_counts_on_its_face_alone(two_walls: Path) -> None:
    upright = crack("CR-1", [(3, 1), (3, 5)])
    found = listed([upright], [view("front"), view("back")], two_walls)
    assert found["front"].crack_length_m == pytest.approx(4.0)
    assert found["front"].defect_ids == ("CR-1",)
    assert found["back"].defect_ids == ()
    assert found["back"].assessed
    assert found["deck"].defect_ids == ()
    assert not found["deck"].assessed


def test_spacing_is_measured_on_the_face(two_walls: Path) -> None:
    """0.3 m apart on one face is close; the same numbers on another face are not beside it."""
    one, beside = crack("CR-1", [(3, 1), (3, 5)]), crack("CR-2", [(3.3, 1), (3.3, 5)])
    close = listed([one, beside], [view("front"), view("back")], two_walls)
    apart = listed([one, crack("CR-2", [(3.3, 1), (3.3, 5)], "back")], [view("front"), view("back")], two_walls)
    assert close["front"].grade_candidates == ("d",)
    assert apart["front"].grade_candidates == apart["back"].grade_candidates == ("c",)


def test_the_corroded_share_is_of_what_was_seen_of_the_face(two_walls: Path) -> None:
    found = listed([rust("CO-1", (1, 1, 4, 2))], [view("front", (0, 0, 9, 3))], two_walls)
    assert found["front"].corrosion_pct == pytest.approx(100 * 3 / 27, rel=1e-3)
    assert found["front"].seen_fraction == pytest.approx(0.5, rel=1e-3)


def test_what_a_photo_shows_of_the_ground_is_not_seen_of_a_wall(two_walls: Path) -> None:
    ground = view(None, (24690.0, -43510.0, 24720.0, -43490.0))
    found = listed([], [ground], two_walls)
    assert found["deck"].assessed
    assert not found["front"].assessed
    assert not found["back"].assessed


def test_a_defect_on_a_face_of_no_asset_is_kept_without_a_segment(two_walls: Path) -> None:
    grades, findings = assess([crack("CR-1", [(3, 1), (3, 5)], "gone")], two_walls, [view("front")], CHIBA)
    assert grades["CR-1"].segment_id is None
    assert all(not finding.defect_ids for finding in findings)
