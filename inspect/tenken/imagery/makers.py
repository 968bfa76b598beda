"""Where each drone maker writes pose into a picture's XMP: one row a maker, best first.

Keys are ``prefix.Name`` in lower case, because makers change the case of names between firmwares.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MakerTags:
    """A maker's names for the same things; the first name that is there counts.

    ``yaw_pitch_roll`` are the camera's angles (never the aircraft's, where the two differ) in ``frame`` (see
    `tenken.imagery.attitude`). ``relative_altitude`` is above the take-off ground, ``absolute_altitude`` above the
    datum that the maker's GPS altitude uses.
    """

    name: str
    yaw_pitch_roll: tuple[str, str, str]
    frame: Literal["gimbal", "body"]
    latitude: tuple[str, ...] = ()
    longitude: tuple[str, ...] = ()
    absolute_altitude: tuple[str, ...] = ()
    relative_altitude: tuple[str, ...] = ()
    speed: tuple[str, str, str] | None = None


def _dji_like(name: str, prefix: str) -> MakerTags:
    return MakerTags(
        name=name,
        yaw_pitch_roll=(
            f"{prefix}.gimbalyawdegree",
            f"{prefix}.gimbalpitchdegree",
            f"{prefix}.gimbalrolldegree",
        ),
        frame="gimbal",
        latitude=(f"{prefix}.gpslatitude", f"{prefix}.latitude"),
        # Firmwares up to 2020 wrote "Longtitude".
        longitude=(f"{prefix}.gpslongitude", f"{prefix}.gpslongtitude", f"{prefix}.longitude"),
        absolute_altitude=(f"{prefix}.absolutealtitude",),
        relative_altitude=(f"{prefix}.relativealtitude",),
        speed=(f"{prefix}.flightxspeed", f"{prefix}.flightyspeed", f"{prefix}.flightzspeed"),
    )


MAKERS: tuple[MakerTags, ...] = (
    # NED axes, order ZYX: DJI, Mavic 3M Image Processing Guide v1.0.
    _dji_like("dji", "drone-dji"),
    # Newer Autel firmwares write DJI's names under the prefix "drone".
    _dji_like("autel", "drone"),
    # Parrot, GroundSDK tools documentation, embedded photo metadata: camera angles in NED, pitch -90 is down.
    MakerTags(
        name="parrot",
        yaw_pitch_roll=(
            "drone-parrot.camerayawdegree",
            "drone-parrot.camerapitchdegree",
            "drone-parrot.camerarolldegree",
        ),
        frame="gimbal",
    ),
    # Skydio, camera and metadata overview: CameraOrientationNED is the camera's own orientation.
    MakerTags(
        name="skydio",
        yaw_pitch_roll=(
            "drone-skydio.cameraorientationned/drone-skydio:yaw",
            "drone-skydio.cameraorientationned/drone-skydio:pitch",
            "drone-skydio.cameraorientationned/drone-skydio:roll",
        ),
        frame="gimbal",
        latitude=("drone-skydio.latitude",),
        longitude=("drone-skydio.longitude",),
        absolute_altitude=("drone-skydio.absolutealtitude",),
        relative_altitude=("drone-skydio.relativealtitude",),
    ),
    # Fixed wing, camera fixed in the hull: the aircraft's angles are the camera's. AltitudeWGS84 is what EXIF
    # says.
    MakerTags(
        name="sensefly",
        yaw_pitch_roll=("sensefly.heading", "sensefly.pitchangle", "sensefly.rollangle"),
        frame="body",
        latitude=("sensefly.latitude",),
        longitude=("sensefly.longitude",),
        absolute_altitude=("sensefly.altitudewgs84",),
        relative_altitude=("sensefly.height",),
    ),
    # Pix4D's camera tags (Parrot Sequoia, older Autel, senseFly S.O.D.A.): pitch 0 is nadir.
    MakerTags(
        name="pix4d",
        yaw_pitch_roll=("camera.yaw", "camera.pitch", "camera.roll"),
        frame="body",
    ),
)
