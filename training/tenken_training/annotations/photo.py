"""A photo with labels in exact geometry, and what they say as pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiPolygon, Polygon

from tenken.detection.detect import CONDITION_STATES
from tenken_training.annotations.painting import paint

Split = Literal["train", "val", "test"]
State = Literal["fair", "poor", "severe"]
Drawn = Literal["area", "line", "box"]

SPLITS: tuple[Split, ...] = ("train", "val", "test")
GRID_PX = 0.001
"""Coordinates are rounded to this."""
UNKNOWN_STATE = len(CONDITION_STATES) + 1
"""In rasters of states: corroded, and nobody said how badly."""


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled defect.

    Parameters
    ----------
    kind
        ``crack``, ``corrosion``, …
    area
        Its pixels. Valid, not empty.
    line
        Centre line of a crack, where one was drawn.
    state
        Condition state of corrosion, where somebody stated it.
    ignore
        Neither right nor wrong: it is not known what exactly this area shows.
    drawn
        How it was drawn: as an area, as a line, or as a box (whose pixels are not all defect).
    assumed_width
        It was drawn as a line whose width could not be measured.
    """

    kind: str
    area: Polygon | MultiPolygon
    line: LineString | None = None
    state: State | None = None
    ignore: bool = False
    drawn: Drawn = "area"
    assumed_width: bool = False


@dataclass(frozen=True, slots=True)
class Absence:
    """A place at which something looked like a defect of a kind, and a person said that it is none."""

    kind: str
    area: Polygon | MultiPolygon


@dataclass(frozen=True, slots=True)
class AnnotatedPhoto:
    """A photo, or a tile of one, with its labels.

    Parameters
    ----------
    name
        Unique, below ``images``, with forward slashes: ``SITE/PHOTO.jpg``.
    path
        The picture.
    site
        Structure or flight that it shows.
    split
        ``train``, ``val`` or ``test``; all photos of a site are in the same, unless there is one site only.
    width_px, height_px
        As displayed.
    sha256
        Of the picture's file.
    kinds
        Kinds that somebody looked for in it. Of others nothing is known.
    labels
        The defects.
    parent, parent_sha256, offset_px
        Photo that a tile was cut from, that file's hash, and where the tile's top left corner (x, y) lies in it.
    absent
        Known false alarms, for hard negatives.
    look
        Perceptual hash of the whole photo, 16 hexadecimal digits; empty where it was not taken.
    """

    name: str
    path: Path
    site: str
    split: Split
    width_px: int
    height_px: int
    sha256: str
    kinds: tuple[str, ...]
    labels: tuple[Label, ...]
    parent: str | None = None
    offset_px: tuple[int, int] = (0, 0)
    parent_sha256: str | None = None
    absent: tuple[Absence, ...] = ()
    look: str = ""


class Rasters(NamedTuple):
    """(height, width) uint8 rasters of one kind in a photo.

    Parameters
    ----------
    mask
        1 where the defect is.
    states
        0 none, 1 fair, 2 poor, 3 severe, `UNKNOWN_STATE` corroded but nobody said how badly.
    ignore
        1 where neither yes nor no is right; everywhere when nobody looked for the kind.
    """

    mask: npt.NDArray[np.uint8]
    states: npt.NDArray[np.uint8]
    ignore: npt.NDArray[np.uint8]


def rasters(photo: AnnotatedPhoto, kind: str) -> Rasters:
    """Paint the labels of a kind. Where labels overlap, the worse state counts, and a label more than ``ignore``."""
    shape = photo.height_px, photo.width_px
    mask, states = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    ignore = np.full(shape, kind not in photo.kinds, np.uint8)
    for label in sorted((one for one in photo.labels if one.kind == kind), key=_severity):
        pixels, left, top = paint(label.area, *shape, line=label.line)
        place = slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1])
        if label.ignore:
            ignore[place][pixels] = 1
        else:
            mask[place][pixels] = 1
            states[place][pixels] = _severity(label) or UNKNOWN_STATE
    ignore[mask > 0] = 0
    return Rasters(mask, states, ignore)


def _severity(label: Label) -> int:
    return 0 if label.state is None else CONDITION_STATES.index(label.state) + 1


def clean_area(geometry: shapely.Geometry) -> Polygon | MultiPolygon | None:
    """Make a valid area on the grid of coordinates out of any polygons; None when nothing is left."""
    valid = geometry if shapely.is_valid(geometry) else shapely.make_valid(geometry)
    whole = shapely.set_precision(_areas_of(valid), GRID_PX)
    parts = [part for part in shapely.get_parts(_areas_of(whole)) if part.area > 0]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def clean_line(line: LineString) -> LineString | None:
    """Round a line to the grid of coordinates; None when no length is left."""
    corners = np.round(shapely.get_coordinates(line), 3)
    kept = [True, *(np.diff(corners, axis=0) != 0).any(axis=1).tolist()]
    return LineString(corners[kept]) if sum(kept) > 1 else None


def _areas_of(geometry: shapely.Geometry) -> shapely.Geometry:
    parts: list[Any] = [part for part in _flattened(geometry) if isinstance(part, Polygon)]
    return MultiPolygon(parts) if len(parts) != 1 else parts[0]


def _flattened(geometry: shapely.Geometry) -> list[shapely.Geometry]:
    if hasattr(geometry, "geoms"):
        return [one for part in geometry.geoms for one in _flattened(part)]
    return [geometry]
