"""What is true about the demo flight: its defects, where each photo shows them, the photos' real poses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import shapely
from pydantic import ConfigDict, PlainSerializer, PlainValidator, TypeAdapter, ValidationError
from shapely import MultiLineString, MultiPolygon

from tenken.errors import FlightError
from tenken_demo.layout import Kind, SurfaceName

TRUTH_FILE = "truth.json"

_Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


def _from_wkt(value: Any) -> Any:
    return shapely.from_wkt(value) if isinstance(value, str) else value


_PIXELS = PlainSerializer(lambda shape: shapely.to_wkt(shape, rounding_precision=3), return_type=str)
_METRES = PlainSerializer(lambda shape: shapely.to_wkt(shape, rounding_precision=6), return_type=str)
_READ = PlainValidator(_from_wkt, json_schema_input_type=str)


@dataclass(frozen=True, slots=True)
class TruePhoto:
    """A photo's real pose; what its metadata say differs by RTK and gimbal noise.

    Positions are in the truth's EPSG with heights in the datum of the photos' absolute altitude.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    photo: str
    """File name in ``images/``."""
    width_px: int
    height_px: int
    focal_px: float
    """No distortion; the principal point is the middle of the picture."""
    camera_xyz_m: tuple[float, float, float]
    camera_to_grid: _Matrix
    """Columns: the camera's right, down and forward axes in grid east, north, up."""
    longitude_deg: float
    latitude_deg: float
    yaw_deg: float
    """From true north; near the nadir yaw and roll only mean something together: prefer `camera_to_grid`."""
    pitch_deg: float
    roll_deg: float
    ground_resolution_mm: float
    """On the deck, in the middle of the picture."""


@dataclass(frozen=True, slots=True)
class TrueSighting:
    """What one photo shows of a mark. Pixels: x = column, y = row, its top left corner is (0, 0)."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    photo: str
    outline_px: Annotated[MultiPolygon, _READ, _PIXELS]
    centreline_px: Annotated[MultiLineString, _READ, _PIXELS] | None
    width_px: float | None
    """Median true width of the visible part."""
    visible_fraction: float
    """Part of the mark's area that lies in the picture and is not hidden."""


@dataclass(frozen=True, slots=True)
class TrueDefect:
    """A defect, or (`kind` "distractor") something that must not be reported as a crack or as corrosion."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    kind: Kind
    what: str
    surface: SurfaceName
    asset_ids: tuple[str, ...]
    outline_m: Annotated[MultiPolygon, _READ, _METRES]
    """On the surface: easting, northing, height."""
    centreline_m: Annotated[MultiLineString, _READ, _METRES] | None
    widths_mm: tuple[tuple[float, ...], ...]
    """Width at each vertex of each part of the centre line."""
    width_median_mm: float | None
    width_max_mm: float | None
    length_m: float | None
    """Along the centre line on the ground (not on the grid)."""
    area_m2: float
    sightings: tuple[TrueSighting, ...]


@dataclass(frozen=True, slots=True)
class DemoTruth:
    """All that is true about a demo flight."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    seed: int
    epsg: int
    grid_scale: float
    """Grid metres per metre on the ground."""
    surface_height_m: dict[str, float]
    photos: tuple[TruePhoto, ...]
    defects: tuple[TrueDefect, ...]


_TRUTH = TypeAdapter(DemoTruth)


def write_truth(folder: Path, truth: DemoTruth) -> None:
    """Write `truth.json`."""
    (folder / TRUTH_FILE).write_bytes(_TRUTH.dump_json(truth, indent=1) + b"\n")


def read_truth(folder: Path) -> DemoTruth:
    """Read `truth.json` of a demo flight.

    Raises
    ------
    FlightError
        When the file is missing or is not a demo flight's truth.
    """
    path = folder / TRUTH_FILE
    try:
        return _TRUTH.validate_json(path.read_bytes())
    except OSError as error:
        raise FlightError(f"{path}: cannot be read; make the demo flight again") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise FlightError(f"{path}: {place}: {first['msg']}; make the demo flight again") from error
