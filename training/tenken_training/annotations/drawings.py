"""What annotators drew, as the readers of all formats give it: before classes are mapped and photos are found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import shapes
from shapely import LineString, MultiPolygon, Polygon, affinity

from tenken.errors import SettingsError
from tenken_training.annotations.photo import Drawn, State
from tenken_training.annotations.source_files import AGAIN

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One thing that was drawn.

    Parameters
    ----------
    class_name
        As the annotators call it.
    shape
        Polygon, multi-polygon or line in pixels of the picture (or shares of its sides, see `DrawnPhoto`); a polygon
        may cross itself. None where nothing is left to draw.
    drawn
        As an area, a line or a box.
    where
        File and place, for messages.
    line
        Centre line that came with an area.
    state
        Condition state, where the format says it itself.
    ignore
        The annotators marked it as not to be judged.
    assumed_width
        Of a line, as Tenken exports it.
    box_counts
        A box that was taken as the defect's area already.
    """

    class_name: str
    shape: Polygon | MultiPolygon | LineString | None
    drawn: Drawn
    where: str
    line: LineString | None = None
    state: State | None = None
    ignore: bool = False
    assumed_width: bool = False
    box_counts: bool = False


@dataclass(frozen=True, slots=True)
class DrawnPhoto:
    """A photo and what was drawn in it.

    Parameters
    ----------
    name
        As the label file states it, with forward slashes.
    width_px, height_px
        Size that the drawings were made for; None where the file does not say.
    drawings
        What was drawn.
    where
        File and place, for messages.
    in_shares
        Coordinates are shares of the picture's sides.
    site, split
        Where the format says it itself.
    """

    name: str
    width_px: int | None
    height_px: int | None
    drawings: tuple[Drawing, ...]
    where: str
    in_shares: bool = False
    site: str | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True)
class DrawnSet:
    """All that one source holds.

    Parameters
    ----------
    format
        Which it was.
    photos
        In the order of the files.
    files
        Label files that were read.
    notes
        What a person must be told.
    """

    format: str
    photos: tuple[DrawnPhoto, ...]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = field(default=())


def polygon(corners: FloatArray, where: str) -> Polygon:
    """Make an area of (n, 2) corners; it may cross itself.

    Raises
    ------
    SettingsError
        When there are fewer than three.
    """
    if len(corners) < 3:
        raise SettingsError(f"{where}: {len(corners)} corners are no area; {AGAIN}")
    return Polygon(corners)


def polyline(corners: FloatArray, where: str) -> LineString:
    """Make a line of (n, 2) corners.

    Raises
    ------
    SettingsError
        When there are fewer than two.
    """
    if len(corners) < 2:
        raise SettingsError(f"{where}: {len(corners)} points are no line; {AGAIN}")
    return LineString(corners)


def box(left: float, top: float, right: float, bottom: float, where: str) -> Polygon:
    """Make a box.

    Raises
    ------
    SettingsError
        When it is inside out.
    """
    if right < left or bottom < top:
        raise SettingsError(f"{where}: a box from {left:g},{top:g} to {right:g},{bottom:g} is inside out; {AGAIN}")
    return Polygon([(left, top), (right, top), (right, bottom), (left, bottom)])


def united(parts: Iterable[Polygon]) -> Polygon | MultiPolygon:
    """Make one area of several, as they are: mended later, so that faults can be told."""
    found = list(parts)
    if len(found) == 1:
        return found[0]
    whole = shapely.union_all([part if part.is_valid else shapely.make_valid(part) for part in found])
    return MultiPolygon([part for part in shapely.get_parts(whole) if isinstance(part, Polygon)])


def area_of_mask(mask: npt.NDArray[np.bool_], left_px: int = 0, top_px: int = 0) -> MultiPolygon | None:
    """Outline a mask along the edges of its pixels, exactly, holes included; None for an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    crop = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    found = shapes(crop.astype(np.uint8), mask=crop, connectivity=4)
    polygons = [Polygon(shape["coordinates"][0], shape["coordinates"][1:]) for shape, _ in found]
    whole = MultiPolygon(polygons)
    return affinity.translate(whole, left_px + columns[0], top_px + rows[0])


def slashed(name: str) -> str:
    """Give a stated file name with forward slashes."""
    return name.strip().replace("\\", "/")
