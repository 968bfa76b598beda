"""A flight along a wall with known cracks: rendered photos, what they state, and the assets file.

The wall runs 24 m along azimuth 60 degrees and stands from 0 to 6 m above the take-off point. Six cameras look at it
from 8 m, a little askew, as an RTK drone with its gimbal level would.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import exiv2
import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image
from pyproj import CRS, Transformer
from shapely import LineString

from tenken.imagery.attitude import Attitude

FloatArray = npt.NDArray[np.float64]

LON_DEG, LAT_DEG = 140.1063, 35.6073
TAKE_OFF_ALTITUDE_M = 12.0
AZIMUTH_DEG = 60.0
LENGTH_M, HEIGHT_M = 24.0, 6.0
AWAY_M = 8.0
WIDTH_PX, HEIGHT_PX, FOCAL_PX = 960, 720, 960.0
TEXTURE_MM = 4.0
CRACK_MM = 25.0
SIGMA_M, SIGMA_DEG = 0.02, 0.05

CRACKS: dict[str, LineString] = {
    "upright": LineString([(5.0, 1.2), (5.0, 4.2)]),
    "slanting": LineString([(8.5, 1.5), (12.5, 4.5)]),
    "level": LineString([(14.0, 2.5), (22.0, 2.5)]),
}
"""Chainage and height, metres."""

_ALONG = np.array([np.sin(np.radians(AZIMUTH_DEG)), np.cos(np.radians(AZIMUTH_DEG))])
_OUT = np.array([_ALONG[1], -_ALONG[0]])
"""Right of the wall's direction: where the drone flies."""


@dataclass(frozen=True, slots=True)
class WallFlight:
    """Where it lies on disk."""

    images: Path
    assets: Path


def make_wall_flight(folder: Path) -> WallFlight:
    """Render six photos and write the assets file."""
    images = folder / "wall"
    images.mkdir()
    rng = np.random.default_rng(11)
    texture = _paint(rng)
    for number, x_m in enumerate((3.0, 6.6, 10.2, 13.8, 17.4, 21.0)):
        at = np.array([*(_ALONG * x_m + _OUT * AWAY_M), 3.0]) + rng.normal(0, 0.1, 3)
        angles = AZIMUTH_DEG - 90.0 + rng.normal(0, 3), rng.normal(0, 2), rng.normal(0, 1)
        path = images / f"DJI_{number + 1:04d}.JPG"
        picture = _picture(rng, texture, at, Attitude(*angles).rotation())
        Image.fromarray(np.repeat(picture[..., None], 3, axis=2)).save(path, quality=95)
        stated = at + rng.normal(0, SIGMA_M, 3)
        _state(path, stated, (angles + rng.normal(0, SIGMA_DEG, 3)).tolist())
    return WallFlight(images, write_wall(folder / "faces.geojson"))


def write_wall(path: Path, **columns: object) -> Path:
    """Write the wall, drawn in plan, with its heights above take-off."""
    line = in_degrees(LineString([(0.0, 0.0), tuple(_ALONG * LENGTH_M)]))
    told = {"asset_id": "A1", "name": "A1橋台", "material": "RC", "face": "側面", "下端高": 0.0, "上端高": HEIGHT_M}
    feature = {"type": "Feature", "properties": {**told, **columns}, "geometry": json.loads(shapely.to_geojson(line))}
    collection = {"type": "FeatureCollection", "features": [feature]}
    path.write_text(json.dumps(collection, ensure_ascii=False), encoding="utf-8")
    return path


def in_degrees(shape: shapely.Geometry) -> shapely.Geometry:
    """Metres east and north of the take-off point to longitude and latitude."""
    local = CRS.from_proj4(f"+proj=tmerc +lat_0={LAT_DEG} +lon_0={LON_DEG} +k=1 +ellps=WGS84")
    change = Transformer.from_crs(local, CRS.from_epsg(4326), always_xy=True)
    return shapely.transform(shape, lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1])))


def _paint(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    shape = round(HEIGHT_M * 1000 / TEXTURE_MM), round(LENGTH_M * 1000 / TEXTURE_MM)
    grey = cv2.GaussianBlur(rng.normal(0, 60, shape).astype(np.float32), (0, 0), 3.0) + 150.0
    for crack in CRACKS.values():
        px = np.round(shapely.get_coordinates(crack) * [1, -1] * 1000 / TEXTURE_MM + [0, shape[0]]).astype(int)
        cv2.polylines(grey, [px.reshape(-1, 1, 2)], False, 0.0, round(CRACK_MM / TEXTURE_MM))
    return np.asarray(np.clip(grey, 0, 255), dtype=np.uint8)


def _picture(
    rng: np.random.Generator, texture: npt.NDArray[np.uint8], at_m: FloatArray, rotation: FloatArray
) -> npt.NDArray[np.uint8]:
    """Project the wall with a pinhole camera; beyond its edges there is sky."""
    corners = np.array([[0.0, 0.0], [LENGTH_M, 0.0], [LENGTH_M, HEIGHT_M], [0.0, HEIGHT_M]])
    world = np.column_stack([corners[:, :1] * _ALONG, corners[:, 1]])
    camera = (world - at_m) @ rotation
    # Corners may lie beside the picture, but all lie before the camera.
    px = camera[:, :2] / camera[:, 2:] * FOCAL_PX + [WIDTH_PX / 2, HEIGHT_PX / 2]
    texture_px = corners * [1, -1] * 1000 / TEXTURE_MM + [0, len(texture)]
    bend = cv2.getPerspectiveTransform((texture_px - 0.5).astype(np.float32), (px - 0.5).astype(np.float32))
    size = WIDTH_PX, HEIGHT_PX
    taken = cv2.warpPerspective(texture, bend, size, flags=cv2.INTER_LINEAR, borderValue=(230,))
    noisy = taken + rng.normal(0, 2.0, taken.shape)
    return np.asarray(np.clip(noisy, 0, 255), dtype=np.uint8)


def _state(path: Path, at_m: FloatArray, angles_deg: list[float]) -> None:
    """Write place, heights and gimbal angles as a DJI drone with RTK does."""
    lon_deg, lat_deg = shapely.get_coordinates(in_degrees(shapely.Point(at_m[:2])))[0].tolist()
    yaw_deg, pitch_deg, roll_deg = angles_deg
    exiv2.XmpProperties.registerNs("http://www.dji.com/drone-dji/1.0/", "drone-dji")
    picture = exiv2.ImageFactory.open(str(path))
    picture.readMetadata()
    exif, xmp = exiv2.ExifData(), exiv2.XmpData()
    exif["Exif.Image.Make"], exif["Exif.Image.Model"] = "DJI", "M3E"
    told = {
        "GpsLatitude": f"{lat_deg:+.9f}", "GpsLongitude": f"{lon_deg:+.9f}",
        "AbsoluteAltitude": f"{at_m[2] + TAKE_OFF_ALTITUDE_M:+.3f}", "RelativeAltitude": f"{at_m[2]:+.3f}",
        "GimbalYawDegree": f"{yaw_deg:+.2f}", "GimbalPitchDegree": f"{pitch_deg:+.2f}",
        "GimbalRollDegree": f"{roll_deg:+.2f}",
        "RtkFlag": "50", "RtkStdLon": "0.02", "RtkStdLat": "0.02", "RtkStdHgt": "0.03",
        "CalibratedFocalLength": f"{FOCAL_PX:.3f}",
        "CalibratedOpticalCenterX": f"{WIDTH_PX / 2:.3f}", "CalibratedOpticalCenterY": f"{HEIGHT_PX / 2:.3f}",
    }  # fmt: skip
    for name, text in told.items():
        xmp[f"Xmp.drone-dji.{name}"] = text
    picture.setExifData(exif)
    picture.setXmpData(xmp)
    picture.writeMetadata()
