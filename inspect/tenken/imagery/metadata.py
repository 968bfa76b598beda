"""What a picture says about itself: EXIF and XMP of the drone makers, read into one record."""

import math
import re
import threading
from dataclasses import dataclass
from pathlib import Path

import exiv2

from tenken.errors import PhotoError
from tenken.imagery.attitude import Attitude
from tenken.imagery.makers import MAKERS
from tenken.imagery.tag_values import (
    Tags,
    first_number,
    flag,
    iso_time,
    number,
    numbers,
    pair,
    plain_text,
    positive,
    signed_degrees,
    whole,
)
from tenken.notes import Note

_EXIV2_LOCK = threading.Lock()
"""exiv2's XMP toolkit keeps global state and is not safe to call from two threads."""

_LARGEST_PHOTO_BYTES = 1 << 30
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""Millimetres per FocalPlaneResolutionUnit: EXIF has 2 (inch) and 3 (cm), makers also 4 (mm) and 5 (µm)."""

_EDITORS = re.compile(
    r"photo ?viewer|microsoft.*photo|windows.*photo|photoshop|lightroom|gimp|picasa|paint|irfanview|xnview|"
    r"acdsee|faststone|affinity|digikam|snapseed|apple photos|^photos |preview",
    re.IGNORECASE,
)


_VIEWERS = re.compile(
    r"photo ?viewer|microsoft.*photo|windows.*photo|picasa|irfanview|xnview|acdsee|faststone|apple photos|"
    r"^photos |preview",
    re.IGNORECASE,
)
"""Those of them whose users turn pictures and do little else; raw converters save every photo of a flight."""


@dataclass(frozen=True, slots=True)
class PhotoMetadata:
    """A picture's own statements; None where it states nothing usable.

    Longitude and latitude are WGS 84 degrees. ``altitude_m`` is in the datum the maker uses, which few state;
    ``relative_altitude_m`` is above the ground at take-off. Calibrations are for the full sensor picture, in
    pixels as stored; ``calibrated_centre_px`` counts from the picture's corner, ``dewarp`` is fx, fy, cx, cy
    (from the picture's centre), k1, k2, p1, p2, k3. Pix4D's values are in mm, its distortion k1, k2, k3, p1,
    p2.
    """

    make: str | None = None
    model: str | None = None
    software: str | None = None
    creator_tool: str | None = None
    taken_at: str | None = None
    orientation: int = 1
    exif_width_px: int | None = None
    exif_height_px: int | None = None
    focal_length_mm: float | None = None
    focal_length_35mm: float | None = None
    focal_plane_px_per_mm: float | None = None
    exposure_s: float | None = None
    f_number: float | None = None
    iso: float | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None
    altitude_m: float | None = None
    relative_altitude_m: float | None = None
    rtk_fixed: bool = False
    horizontal_error_m: float | None = None
    vertical_error_m: float | None = None
    attitude: Attitude | None = None
    speed_m_s: tuple[float, float, float] | None = None
    calibrated_focal_px: float | None = None
    calibrated_centre_px: tuple[float, float] | None = None
    dewarp: tuple[float, ...] | None = None
    dewarped: bool | None = None
    perspective_focal_mm: float | None = None
    perspective_distortion: tuple[float, ...] | None = None
    principal_point_mm: tuple[float, float] | None = None
    lens_model: str | None = None
    turned_by_viewer: bool = False
    """Saved after the flight by a picture viewer, which is seldom done but to turn a picture."""
    doubts: tuple[str, ...] = ()
    """What speaks against trusting the statements above, a sentence each."""

    @property
    def camera(self) -> str:
        """Make and model, the make not twice."""
        make, model = (self.make or "").strip(), (self.model or "").strip()
        return model if make and model.lower().startswith(make.lower()) else f"{make} {model}".strip()


def read_metadata(path: Path) -> PhotoMetadata:
    """Read a picture's EXIF and XMP.

    Parameters
    ----------
    path
        The picture; it is only read.

    Raises
    ------
    PhotoError
        When the file cannot be opened. A file that is no picture, or whose metadata are damaged, gives an
        empty record with a doubt.
    """
    try:
        if path.stat().st_size > _LARGEST_PHOTO_BYTES:
            return PhotoMetadata(doubts=(Note.of("note.too_large"),))
        data = path.read_bytes()
    except OSError as error:
        raise PhotoError(str(path), Note.of("note.no_rights", why=str(error.strerror))) from error
    try:
        with _EXIV2_LOCK:
            exif, xmp = _read_tags(data)
    except (exiv2.Exiv2Error, UnicodeDecodeError, ValueError):
        return PhotoMetadata(doubts=(Note.of("note.metadata_unreadable"),))
    return interpret(exif, xmp)


def _read_tags(data: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """EXIF by ``group.name`` and XMP by lower-case ``prefix.name``; the caller holds the lock."""
    exiv2.LogMsg.setLevel(exiv2.LogMsg.Level.mute)
    image = exiv2.ImageFactory.open(data)
    image.readMetadata()
    exif = {
        datum.key().removeprefix("Exif."): datum.toString()
        for datum in image.exifData()
        if datum.groupName() in {"Image", "Photo", "GPSInfo"} and datum.count() <= 256
    }
    xmp: dict[str, str] = {}
    for datum in image.xmpData():
        key = datum.key().removeprefix("Xmp.").lower()
        # Two makers use the prefix "Camera"; the toolkit renames the one it meets second to "Camera_1_".
        xmp[re.sub(r"_\d+_(?=[.:])", "", key)] = datum.toString()
    return exif, xmp


def interpret(exif: Tags, xmp: Tags) -> PhotoMetadata:
    """Make one record of a picture's tags.

    Parameters
    ----------
    exif
        Text by ``Image.Make``, ``Photo.FocalLength``, ``GPSInfo.GPSLatitude``, ...; rationals as ``361/100``.
    xmp
        Text by lower-case ``drone-dji.gimbalyawdegree``, ``camera.yaw``, ...
    """
    doubts: list[str] = []
    software, tool = plain_text(exif.get("Image.Software")), plain_text(xmp.get("xmp.creatortool"))
    editor = next((name for name in (software, tool) if name and _EDITORS.search(name)), None)
    if editor is not None:
        doubts.append(Note.of("note.edited", editor=editor))
    lon_deg, lat_deg, altitude_m = _position(exif, xmp)
    orientation = number(exif.get("Image.Orientation")) or 1
    horizontal_error_m, vertical_error_m, rtk_fixed = _stated_accuracy(exif, xmp)
    return PhotoMetadata(
        make=plain_text(exif.get("Image.Make")) or plain_text(xmp.get("tiff.make")),
        model=plain_text(exif.get("Image.Model")) or plain_text(xmp.get("tiff.model")),
        software=software,
        creator_tool=tool,
        taken_at=iso_time(exif.get("Photo.DateTimeOriginal") or exif.get("Image.DateTime")),
        orientation=int(orientation) if orientation in range(1, 9) else 1,
        exif_width_px=whole(exif.get("Photo.PixelXDimension")),
        exif_height_px=whole(exif.get("Photo.PixelYDimension")),
        focal_length_mm=positive(exif.get("Photo.FocalLength")),
        focal_length_35mm=positive(exif.get("Photo.FocalLengthIn35mmFilm")),
        focal_plane_px_per_mm=_focal_plane_px_per_mm(exif),
        exposure_s=positive(exif.get("Photo.ExposureTime")),
        f_number=positive(exif.get("Photo.FNumber")),
        iso=positive(exif.get("Photo.ISOSpeedRatings")),
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        altitude_m=altitude_m,
        relative_altitude_m=first_number(xmp, [tag for maker in MAKERS for tag in maker.relative_altitude]),
        rtk_fixed=rtk_fixed,
        horizontal_error_m=horizontal_error_m,
        vertical_error_m=vertical_error_m,
        attitude=_attitude(xmp, doubts),
        speed_m_s=_speed(xmp),
        calibrated_focal_px=positive(xmp.get("drone-dji.calibratedfocallength")),
        calibrated_centre_px=pair(
            positive(xmp.get("drone-dji.calibratedopticalcenterx")),
            positive(xmp.get("drone-dji.calibratedopticalcentery")),
        ),
        dewarp=numbers((xmp.get("drone-dji.dewarpdata") or "").rpartition(";")[2], 9),
        dewarped=flag(xmp.get("drone-dji.dewarpflag")),
        perspective_focal_mm=positive(xmp.get("camera.perspectivefocallength")),
        perspective_distortion=numbers(xmp.get("camera.perspectivedistortion"), 5),
        principal_point_mm=pair(*(numbers(xmp.get("camera.principalpoint"), 2) or (None, None))),
        lens_model=plain_text(xmp.get("camera.modeltype")),
        turned_by_viewer=editor is not None and _VIEWERS.search(editor) is not None,
        doubts=tuple(doubts),
    )


def _position(exif: Tags, xmp: Tags) -> tuple[float | None, float | None, float | None]:
    """Longitude, latitude, altitude: the maker's XMP first (more digits), then EXIF; 0, 0 means no fix."""
    lon_deg = lat_deg = altitude_m = None
    for maker in MAKERS:
        lon, lat = first_number(xmp, maker.longitude), first_number(xmp, maker.latitude)
        if lon_deg is None and lon is not None and lat is not None and _is_fix(lon, lat):
            lon_deg, lat_deg = lon, lat
        if altitude_m is None:
            altitude_m = first_number(xmp, maker.absolute_altitude)
    if lon_deg is None:
        lon = signed_degrees(exif.get("GPSInfo.GPSLongitude"), exif.get("GPSInfo.GPSLongitudeRef"), "EW")
        lat = signed_degrees(exif.get("GPSInfo.GPSLatitude"), exif.get("GPSInfo.GPSLatitudeRef"), "NS")
        if lon is not None and lat is not None and _is_fix(lon, lat):
            lon_deg, lat_deg = lon, lat
    if altitude_m is None:
        altitude_m = number(exif.get("GPSInfo.GPSAltitude"))
        # 1 is below sea level; EXIF 3.0 adds 2 and 3 for above and below the ellipsoid. Absent means above.
        if altitude_m is not None and number(exif.get("GPSInfo.GPSAltitudeRef")) in (1.0, 3.0):
            altitude_m = -abs(altitude_m)
    return lon_deg, lat_deg, altitude_m


def _stated_accuracy(exif: Tags, xmp: Tags) -> tuple[float | None, float | None, bool]:
    """Horizontal and vertical 1 sigma, metres, and whether RTK had a fixed solution (DJI's RtkFlag 50)."""
    rtk_fixed = number(xmp.get("drone-dji.rtkflag")) == 50.0
    lon, lat = positive(xmp.get("drone-dji.rtkstdlon")), positive(xmp.get("drone-dji.rtkstdlat"))
    if lon is not None and lat is not None:
        return math.hypot(lon, lat), positive(xmp.get("drone-dji.rtkstdhgt")), rtk_fixed
    horizontal = positive(xmp.get("camera.gpsxyaccuracy")) or positive(exif.get("GPSInfo.GPSHPositioningError"))
    return horizontal, positive(xmp.get("camera.gpszaccuracy")), rtk_fixed


def _attitude(xmp: Tags, doubts: list[str]) -> Attitude | None:
    for maker in MAKERS:
        yaw, pitch, roll = (number(xmp.get(tag)) for tag in maker.yaw_pitch_roll)
        if yaw is None or pitch is None:
            continue
        if maker.frame == "gimbal" and yaw == pitch == 0.0 and not roll:
            doubts.append(Note.of("note.gimbal_zero"))
            continue
        return Attitude(yaw, pitch, roll or 0.0, maker.frame)
    return None


def _speed(xmp: Tags) -> tuple[float, float, float] | None:
    for maker in MAKERS:
        if maker.speed is not None:
            x, y, z = (number(xmp.get(tag)) for tag in maker.speed)
            if x is not None and y is not None and z is not None:
                return x, y, z
    return None


def _focal_plane_px_per_mm(exif: Tags) -> float | None:
    resolution = positive(exif.get("Photo.FocalPlaneXResolution"))
    # EXIF: the unit is the inch when the tag is missing.
    unit = number(exif.get("Photo.FocalPlaneResolutionUnit") or "2")
    mm = _MM_PER_UNIT.get(int(unit)) if unit is not None else None
    return None if resolution is None or mm is None else resolution / mm


def _is_fix(lon_deg: float, lat_deg: float) -> bool:
    return abs(lon_deg) <= 180.0 and abs(lat_deg) <= 90.0 and (lon_deg != 0.0 or lat_deg != 0.0)
