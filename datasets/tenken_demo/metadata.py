"""EXIF and XMP of a demo photo, in the form that a DJI drone with RTK writes them."""

from fractions import Fraction
from pathlib import Path

import exiv2

from tenken_demo.render import Exposure
from tenken_demo.station import FOCAL_LENGTH_MM, RTK_SIGMA_M, TrueCamera, WrittenPose

MODEL = "M3E"
F_NUMBER = Fraction(44, 10)
FOCAL_LENGTH_35MM = 162
SECONDS_BETWEEN_PHOTOS = 4


def write_metadata(
    path: Path,
    pose: WrittenPose,
    camera: TrueCamera,
    exposure: Exposure,
    *,
    index: int,
    flight_yaw_deg: float,
) -> None:
    """Write a photo's tags; not safe in several threads at once, because of the XMP parser."""
    exiv2.XmpProperties.registerNs("http://www.dji.com/drone-dji/1.0/", "drone-dji")
    picture = exiv2.ImageFactory.open(str(path))
    picture.readMetadata()
    exif, xmp = exiv2.ExifData(), exiv2.XmpData()
    for key, value in _exif(pose, camera, exposure, index).items():
        exif[key] = value
    for key, text in _xmp(pose, camera, flight_yaw_deg).items():
        xmp[key] = text
    picture.setExifData(exif)
    picture.setXmpData(xmp)
    picture.writeMetadata()


def _exif(pose: WrittenPose, camera: TrueCamera, exposure: Exposure, index: int) -> dict[str, str]:
    seconds = index * SECONDS_BETWEEN_PHOTOS
    taken = f"2025:10:15 10:{30 + seconds // 60:02d}:{seconds % 60:02d}"
    shutter = Fraction(exposure.time_s).limit_denominator(8000)
    return {
        "Exif.Image.ImageDescription": "Rendered picture of a bridge that does not exist; not a photograph",
        "Exif.Image.Make": "DJI",
        "Exif.Image.Model": MODEL,
        "Exif.Image.Orientation": "1",
        "Exif.Image.XResolution": "72/1",
        "Exif.Image.YResolution": "72/1",
        "Exif.Image.ResolutionUnit": "2",
        "Exif.Image.Software": "Tenken demo renderer",
        "Exif.Image.DateTime": taken,
        "Exif.Photo.ExposureTime": f"{shutter.numerator}/{shutter.denominator}",
        "Exif.Photo.FNumber": f"{F_NUMBER.numerator}/{F_NUMBER.denominator}",
        "Exif.Photo.ExposureProgram": "2",
        "Exif.Photo.ISOSpeedRatings": str(exposure.iso),
        "Exif.Photo.DateTimeOriginal": taken,
        "Exif.Photo.DateTimeDigitized": taken,
        "Exif.Photo.ExposureBiasValue": "0/10",
        "Exif.Photo.FocalLength": f"{round(FOCAL_LENGTH_MM * 100)}/100",
        "Exif.Photo.FocalLengthIn35mmFilm": str(FOCAL_LENGTH_35MM),
        "Exif.Photo.ColorSpace": "1",
        "Exif.Photo.PixelXDimension": str(camera.width_px),
        "Exif.Photo.PixelYDimension": str(camera.height_px),
        "Exif.GPSInfo.GPSLatitudeRef": "N" if pose.latitude_deg >= 0 else "S",
        "Exif.GPSInfo.GPSLatitude": _sexagesimal(pose.latitude_deg),
        "Exif.GPSInfo.GPSLongitudeRef": "E" if pose.longitude_deg >= 0 else "W",
        "Exif.GPSInfo.GPSLongitude": _sexagesimal(pose.longitude_deg),
        "Exif.GPSInfo.GPSAltitudeRef": "0" if pose.altitude_m >= 0 else "1",
        "Exif.GPSInfo.GPSAltitude": f"{round(abs(pose.altitude_m) * 1000)}/1000",
        "Exif.GPSInfo.GPSMapDatum": "WGS-84",
    }


def _xmp(pose: WrittenPose, camera: TrueCamera, flight_yaw_deg: float) -> dict[str, str]:
    values = {
        "ImageSource": "ZoomCamera",
        "GpsStatus": "RTK",
        "AltitudeType": "RtkAlt",
        "GpsLatitude": f"{pose.latitude_deg:+.9f}",
        "GpsLongitude": f"{pose.longitude_deg:+.9f}",
        "AbsoluteAltitude": f"{pose.altitude_m:+.3f}",
        "RelativeAltitude": f"{pose.relative_altitude_m:+.3f}",
        "GimbalRollDegree": _degrees(pose.roll_deg),
        "GimbalYawDegree": _degrees(pose.yaw_deg),
        "GimbalPitchDegree": _degrees(pose.pitch_deg),
        "FlightRollDegree": "+1.70",
        "FlightYawDegree": _degrees(flight_yaw_deg),
        "FlightPitchDegree": "-3.40",
        "FlightXSpeed": "+0.0",
        "FlightYSpeed": "+0.0",
        "FlightZSpeed": "+0.0",
        "CamReverse": "0",
        "RtkFlag": "50",
        "RtkStdLon": f"{RTK_SIGMA_M[0]:.5f}",
        "RtkStdLat": f"{RTK_SIGMA_M[1]:.5f}",
        "RtkStdHgt": f"{RTK_SIGMA_M[2]:.5f}",
        "RtkDiffAge": "1.00000",
        "SurveyingMode": "1",
        "CalibratedFocalLength": f"{camera.focal_px:.6f}",
        "CalibratedOpticalCenterX": f"{camera.width_px / 2:.6f}",
        "CalibratedOpticalCenterY": f"{camera.height_px / 2:.6f}",
        "DewarpFlag": "0",
    }
    return {f"Xmp.drone-dji.{name}": value for name, value in values.items()}


def _degrees(angle_deg: float) -> str:
    """With sign and two decimals, as the drone writes it, within -180 to 180."""
    return f"{(angle_deg + 180) % 360 - 180:+.2f}"


def _sexagesimal(angle_deg: float) -> str:
    """EXIF degrees, minutes, seconds; a ten-thousandth of a second is 3 mm."""
    ticks = round(abs(angle_deg) * 3600 * 10_000)
    degrees, rest = divmod(ticks, 3600 * 10_000)
    minutes, seconds = divmod(rest, 60 * 10_000)
    return f"{degrees}/1 {minutes}/1 {seconds}/10000"
