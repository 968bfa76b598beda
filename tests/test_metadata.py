"""What pictures say about themselves, and what of it is believed."""

from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tenken.errors import FlightError
from tenken.imagery.attitude import Attitude
from tenken.imagery.metadata import PhotoMetadata, interpret, read_metadata
from tenken.imagery.tag_values import number

FLIGHTS = Path(__file__).parents[2] / "shared" / "flights"
PIX4D, SENSEFLY = "http://pix4d.com/camera/1.0/", "http://ns.sensefly.com/Camera/1.0/"
DJI = "http://www.dji.com/drone-dji/1.0/"


def packet(prefix: str, uri: str, **values: str) -> bytes:
    """Write an XMP packet with attributes of one namespace."""
    attributes = " ".join(f'{prefix}:{name}="{value}"' for name, value in values.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:{prefix}="{uri}" {attributes}/></rdf:RDF></x:xmpmeta>'
    ).encode()


def write_photo(path: Path, xmp: bytes = b"", software: str = "v01.23.4920") -> Path:
    """Write a small JPEG with a drone's EXIF: south of the equator, west of Greenwich, below the sea."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131], exif[0x0112] = "DJI", "FC6310\0\0", software, 6
    exif.get_ifd(0x8769).update({0x920A: IFDRational(88, 10), 0xA405: 24, 0x829A: IFDRational(1, 500)})
    gps = {1: "S", 2: (12.0, 30.0, 36.0), 3: "W", 4: (77.0, 0.0, 18.0), 5: b"\x01", 6: IFDRational(35, 10)}
    exif.get_ifd(0x8825).update(gps)
    Image.new("RGB", (64, 48)).save(path, exif=exif, xmp=xmp)
    return path


def test_exif_is_read_with_signs_of_hemisphere_and_sea_level(tmp_path: Path) -> None:
    metadata = read_metadata(write_photo(tmp_path / "橋 下面 1.jpg"))
    assert metadata.lat_deg == pytest.approx(-12.51)
    assert metadata.lon_deg == pytest.approx(-77.005)
    assert metadata.altitude_m == -3.5
    assert (metadata.model, metadata.orientation) == ("FC6310", 6)
    assert (metadata.focal_length_mm, metadata.focal_length_35mm, metadata.exposure_s) == (8.8, 24.0, 0.002)
    assert metadata.doubts == ()


def test_gimbal_yaw_is_used_and_not_flight_yaw(tmp_path: Path) -> None:
    xmp = packet(
        "drone-dji", DJI, FlightYawDegree="+10.0", FlightPitchDegree="+3.0", FlightRollDegree="-2.0",
        GimbalYawDegree="-140.20", GimbalPitchDegree="-89.90", GimbalRollDegree="+0.00",
        AbsoluteAltitude="+198.31", RelativeAltitude="+39.80", GpsLatitude="35.6", GpsLongtitude="140.1",
    )  # fmt: skip
    metadata = read_metadata(write_photo(tmp_path / "a.jpg", xmp))
    assert metadata.attitude == Attitude(-140.2, -89.9, 0.0, "gimbal")
    assert (metadata.relative_altitude_m, metadata.altitude_m) == (39.8, 198.31)
    assert (metadata.lon_deg, metadata.lat_deg) == (140.1, 35.6), "the misspelt longitude is read"


def test_two_makers_that_share_a_prefix_do_not_disturb_each_other(tmp_path: Path) -> None:
    angles = {"Yaw": "10", "Pitch": "5", "Roll": "-2"}
    first = write_photo(tmp_path / "first.jpg", packet("Camera", PIX4D, **angles))
    second = write_photo(tmp_path / "second.jpg", packet("Camera", SENSEFLY, **angles))
    expected = Attitude(10.0, 5.0, -2.0, "body")
    assert [read_metadata(path).attitude for path in (first, second, first)] == [expected] * 3


def test_many_threads_read_the_same(tmp_path: Path) -> None:
    xmp = packet("drone-dji", DJI, GimbalYawDegree="30", GimbalPitchDegree="-90", GimbalRollDegree="0")
    paths = [write_photo(tmp_path / f"{index}.jpg", xmp) for index in range(8)]
    expected, found = [read_metadata(path) for path in paths], dict[int, PhotoMetadata]()

    def read(index: int) -> None:
        found[index] = read_metadata(paths[index])

    threads = [Thread(target=read, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(8)] == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\xff\xff\xff\xff",
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["empty", "text", "broken EXIF", "half a PNG"],
)
def test_a_damaged_file_gives_an_empty_record_and_no_crash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.jpg"
    path.write_bytes(content)
    metadata = read_metadata(path)
    assert metadata.lon_deg is None
    assert metadata.attitude is None


def test_a_missing_file_is_a_flight_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(FlightError, match=r"gone\.jpg: cannot be read") as raised:
        read_metadata(tmp_path / "gone.jpg")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+39.80", 39.8), ("-0.5", -0.5), ("361/100", 3.61), ("0/0", None), ("1/0", None), ("nan", None),
        ("inf", None), ("", None), (None, None), ("abc", None), ("4\0\0", 4.0),
    ],
)  # fmt: skip
def test_numbers_as_makers_write_them(text: str | None, value: float | None) -> None:
    assert number(text) == value


@given(st.text(max_size=20))
def test_any_text_is_a_finite_number_or_nothing(text: str) -> None:
    value = number(text)
    assert value is None or abs(value) < float("inf")


GPS = {
    "GPSInfo.GPSLatitude": "35/1 36/1 0/1", "GPSInfo.GPSLatitudeRef": "N",
    "GPSInfo.GPSLongitude": "140/1 6/1 0/1", "GPSInfo.GPSLongitudeRef": "E",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "lon_lat"),
    [
        ({}, (140.1, 35.6)),
        ({"GPSInfo.GPSLatitudeRef": ""}, (None, None)),
        ({"GPSInfo.GPSLatitude": "0/0 0/0 0/0"}, (None, None)),
        ({"GPSInfo.GPSLatitude": "95/1 0/1 0/1"}, (None, None)),
        ({"GPSInfo.GPSLatitude": "0/1 0/1 0/1", "GPSInfo.GPSLongitude": "0/1 0/1 0/1"}, (None, None)),
        ({"GPSInfo.GPSLatitude": "35/1 3600/100"}, (140.1, 35.6)),
    ],
    ids=["plain", "no reference", "no fix: 0/0", "beyond the pole", "no fix: 0, 0", "decimal minutes"],
)
def test_a_position_is_read_or_unknown(changed: dict[str, str], lon_lat: tuple[float | None, ...]) -> None:
    metadata = interpret(GPS | changed, {})
    assert (metadata.lon_deg, metadata.lat_deg) == pytest.approx(lon_lat)


def test_zero_zero_in_xmp_falls_back_to_exif() -> None:
    metadata = interpret(GPS, {"drone-dji.gpslatitude": "0.0", "drone-dji.gpslongitude": "0.0"})
    assert (metadata.lon_deg, metadata.lat_deg) == pytest.approx((140.1, 35.6))


@pytest.mark.parametrize(
    ("reference", "altitude_m"), [(None, 12.5), ("0", 12.5), ("1", -12.5), ("2", 12.5), ("3", -12.5)]
)
def test_altitude_reference_decides_the_sign(reference: str | None, altitude_m: float) -> None:
    exif = {"GPSInfo.GPSAltitude": "125/10"} | ({} if reference is None else {"GPSInfo.GPSAltitudeRef": reference})
    assert interpret(exif, {}).altitude_m == altitude_m


@pytest.mark.parametrize(
    ("xmp", "attitude"),
    [
        ({"drone-dji.flightyawdegree": "10", "drone-dji.flightpitchdegree": "2"}, None),
        ({"drone.gimbalyawdegree": "10", "drone.gimbalpitchdegree": "-90", "drone.gimbalrolldegree": "0"},
         Attitude(10, -90, 0, "gimbal")),
        ({"drone-parrot.camerayawdegree": "176.3", "drone-parrot.camerapitchdegree": "-78.4"},
         Attitude(176.3, -78.4, 0, "gimbal")),
        ({"drone-skydio.cameraorientationned/drone-skydio:yaw": "146.5",
          "drone-skydio.cameraorientationned/drone-skydio:pitch": "-84",
          "drone-skydio.cameraorientationned/drone-skydio:roll": "0.2"}, Attitude(146.5, -84, 0.2, "gimbal")),
        ({"sensefly.heading": "53.3", "sensefly.pitchangle": "4.8", "sensefly.rollangle": "-3.0"},
         Attitude(53.3, 4.8, -3.0, "body")),
        ({"camera.yaw": "-16.8", "camera.pitch": "5.2", "camera.roll": "0.02"},
         Attitude(-16.8, 5.2, 0.02, "body")),
        ({"camera.yaw": "nan", "camera.pitch": "5.2"}, None),
    ],
    ids=["DJI flight angles only", "Autel", "Parrot", "Skydio", "senseFly", "Pix4D", "NaN"],
)  # fmt: skip
def test_each_makers_angles_are_the_cameras(xmp: dict[str, str], attitude: Attitude | None) -> None:
    assert interpret({}, xmp).attitude == attitude


def test_a_gimbal_that_was_not_read_is_doubted_and_ignored() -> None:
    zero = {f"drone-dji.gimbal{angle}degree": "+0.00" for angle in ("yaw", "pitch", "roll")}
    metadata = interpret({}, zero)
    assert metadata.attitude is None
    assert len(metadata.doubts) == 1


def test_rtk_deviations_and_the_fixed_flag_are_read() -> None:
    xmp = {"drone-dji.rtkflag": "50", "drone-dji.rtkstdlon": "0.03", "drone-dji.rtkstdlat": "0.04",
           "drone-dji.rtkstdhgt": "0.06"}  # fmt: skip
    metadata = interpret({}, xmp)
    assert metadata.rtk_fixed
    assert (metadata.horizontal_error_m, metadata.vertical_error_m) == pytest.approx((0.05, 0.06))
    assert not interpret({}, xmp | {"drone-dji.rtkflag": "16"}).rtk_fixed


@pytest.mark.parametrize(
    ("unit", "px_per_mm"),
    [("2", 10.0), ("3", 25.4), ("4", 254.0), ("5", 254000.0), ("9", None), (None, 10.0)],
)
def test_focal_plane_resolution_counts_in_its_unit(unit: str | None, px_per_mm: float | None) -> None:
    exif = {"Photo.FocalPlaneXResolution": "254/1"} | ({} if unit is None else {"Photo.FocalPlaneResolutionUnit": unit})
    assert interpret(exif, {}).focal_plane_px_per_mm == pytest.approx(px_per_mm)


@pytest.mark.parametrize(
    ("software", "doubted"),
    [
        ("v01.23.4920", False), ("10.00.07.02", False), ("eMotion 2.4.12", False),
        ("Microsoft Windows Photo Viewer 10.0.10240.16384", True), ("Adobe Photoshop CC 2019", True),
    ],
)  # fmt: skip
def test_a_picture_saved_by_an_editor_is_doubted(software: str, doubted: bool) -> None:
    assert bool(interpret({"Image.Software": software}, {}).doubts) is doubted


@pytest.mark.skipif(not FLIGHTS.is_dir(), reason="needs the real flights in ../shared/flights")
def test_the_real_flights_say_what_their_makers_wrote() -> None:
    photos = sorted((FLIGHTS / "brighton_beach" / "images").glob("*.JPG"))
    metadata = {path.stem: read_metadata(path) for path in photos}
    doubted = {name for name, one in metadata.items() if one.doubts}
    assert doubted == {f"DJI_00{number}" for number in range(24, 30)}, "exactly the pictures that were turned"
    assert all(one.attitude is not None and one.relative_altitude_m is not None for one in metadata.values())
    canon = read_metadata(FLIGHTS / "caliterra" / "images" / "IMG_9354.jpg")
    assert (canon.attitude, canon.relative_altitude_m, canon.camera) == (
        None,
        None,
        "Canon PowerShot SX260 HS",
    )
    sequoia = read_metadata(FLIGHTS / "garfield_sequoia" / "images" / "IMG_161122_163234_0000_RGB.JPG")
    assert (sequoia.horizontal_error_m, sequoia.perspective_focal_mm) == (2.301, 4.812073)
