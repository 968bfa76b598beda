"""Sizes of camera sensors, for pictures that state a focal length in millimetres only."""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, TypeAdapter


class Sensor(BaseModel):
    """A camera's sensor: the size of its largest picture in millimetres and pixels, and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    make: str
    model: str
    width_mm: PositiveFloat
    height_mm: PositiveFloat
    width_px: PositiveInt
    height_px: PositiveInt
    source: str


@cache
def known_sensors() -> dict[tuple[str, str], Sensor]:
    """Every sensor of ``sensors.json``, by make and model in lower case."""
    text = Path(__file__).with_name("sensors.json").read_text(encoding="utf-8")
    return {_key(sensor.make, sensor.model): sensor for sensor in TypeAdapter(list[Sensor]).validate_json(text)}


def find_sensor(make: str | None, model: str | None) -> Sensor | None:
    """Return the sensor of a camera by its EXIF make and model; None when it is not known."""
    return known_sensors().get(_key(make or "", model or ""))


def _key(make: str, model: str) -> tuple[str, str]:
    make, model = make.strip().lower(), model.strip().lower()
    return make, model.removeprefix(make).strip()
