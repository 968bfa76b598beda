"""What people said in QGIS about each defect of a finished inspection."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
import shapely.geometry
from pyproj import Transformer
from shapely import LineString, MultiLineString, MultiPolygon, Polygon

from tenken.errors import SettingsError
from tenken.exports.result import FinishedResult
from tenken.outputs.reviews import REJECTED, entered_kind

FloatArray = npt.NDArray[np.float64]

MOVED_M = 0.003
"""Outlines in ``defects.geojson`` are rounded to 0.1 mm; what lies farther off was drawn anew."""
LOOKED_AT = ("confirmed", "changed", REJECTED)


@dataclass(frozen=True, slots=True)
class ReviewedDefect:
    """A defect that the run found, and what a person made of it.

    Parameters
    ----------
    id, kind
        As the run has them.
    rejected
        It is no defect of that kind.
    entered
        What it is, where a person said so or agreed; None where it is nothing.
    redrawn
        Its outline on the map, where a person changed it.
    before
        The outline that the run had drawn, where one was changed.
    """

    id: str
    kind: str
    rejected: bool
    entered: str | None
    redrawn: MultiPolygon | None
    before: MultiPolygon | None


@dataclass(frozen=True, slots=True)
class AddedDefect:
    """A defect that a person drew on the map."""

    kind: str
    shape: MultiPolygon | LineString
    where: str


def reviewed_defects(result: FinishedResult) -> dict[str, ReviewedDefect]:
    """Read the reviewed defects by id; those that nobody looked at are left out.

    Raises
    ------
    SettingsError
        When a review is no word that is known, or an outline on a face was drawn anew.
    """
    before = _outlines_of_the_run(result)
    found = {}
    layer = result.layers["defects"]
    known = _known_ids(result)
    for (shape, _), row in zip(layer.rows, result.records("defects"), strict=True):
        identity = str(row["id"])
        if identity not in known:
            continue
        review = str(row.get("review") or "").strip()
        named = str(row.get("review_kind") or "").strip()
        if review and review not in LOOKED_AT:
            raise SettingsError(
                f"{result.folder / 'inspection.gpkg'}, defects, {identity}: review is {review!r}, not one of "
                f"{', '.join(LOOKED_AT)}; correct it in QGIS"
            )
        if not review and not named:
            continue
        kind = str(row["kind"])
        entered = None if review == REJECTED else entered_kind(named) if named else kind
        old = before.get(identity)
        moved = isinstance(shape, MultiPolygon) and old is not None and _differ(shape, old)
        if moved and row.get("face"):
            raise SettingsError(
                f"{result.folder / 'inspection.gpkg'}, defects, {identity}: lies on the face {row['face']}, whose band "
                "on the map cannot be drawn anew; take the change back in QGIS, and label its photos elsewhere"
            )
        found[identity] = ReviewedDefect(
            identity,
            kind,
            rejected=review == REJECTED or (entered is not None and entered != kind),
            entered=entered,
            redrawn=shape if moved and isinstance(shape, MultiPolygon) else None,
            before=old if moved else None,
        )
    return found


def added_defects(result: FinishedResult) -> list[AddedDefect]:
    """Read what people drew on the map beside what the run found: areas, and centre lines of cracks.

    Raises
    ------
    SettingsError
        When it is not said what an area is.
    """
    known = _known_ids(result)
    package = result.folder / "inspection.gpkg"
    added: list[AddedDefect] = []
    for number, ((shape, _), row) in enumerate(
        zip(result.layers["defects"].rows, result.records("defects"), strict=True), start=1
    ):
        if str(row["id"]) in known or not isinstance(shape, MultiPolygon) or row.get("review") == REJECTED:
            continue
        at = shape.representative_point()
        where = f"{package}, defects, drawn at {at.x:.1f},{at.y:.1f}"
        named = row.get("review_kind") or row.get("kind")
        if not named:
            raise SettingsError(f"{where}: has no kind; choose one under review_kind in QGIS")
        if not shapely.is_valid(shape):
            raise SettingsError(f"{where} (row {number}): its outline crosses itself; draw it again")
        added.append(AddedDefect(entered_kind(str(named)), shape, where))
    for (shape, _), row in zip(result.layers["crack_lines"].rows, result.records("crack_lines"), strict=True):
        if str(row["defect_id"]) in known or not isinstance(shape, MultiLineString):
            continue
        for line in shape.geoms:
            where = f"{package}, crack_lines, drawn at {line.coords[0][0]:.1f},{line.coords[0][1]:.1f}"
            added.append(AddedDefect("crack", line, where))
    return added


def _known_ids(result: FinishedResult) -> set[str]:
    return {str(row["defect_id"]) for row in result.records("sightings")}


def _outlines_of_the_run(result: FinishedResult) -> Mapping[str, MultiPolygon]:
    """Read the outlines as the run wrote them into ``defects.geojson``, in the CRS of the map."""
    path = result.folder / "defects.geojson"
    if result.crs is None or not path.is_file():
        return {}
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        shapes = {str(one["id"]): shapely.geometry.shape(one["geometry"]) for one in features if one["geometry"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path}: is not as the run wrote it ({error}); `inspect report` restores it") from None
    change = Transformer.from_crs(4326, result.crs, always_xy=True)

    def to_map(lon_lat: FloatArray) -> FloatArray:
        return np.column_stack(change.transform(lon_lat[:, 0], lon_lat[:, 1]))

    moved = {one: shapely.transform(shape, to_map) for one, shape in shapes.items()}
    return {
        one: MultiPolygon([part for part in shapely.get_parts(shape) if isinstance(part, Polygon)])
        for one, shape in moved.items()
    }


def _differ(one: MultiPolygon, other: MultiPolygon) -> bool:
    return bool(shapely.hausdorff_distance(shapely.boundary(one), shapely.boundary(other)) > MOVED_M)
