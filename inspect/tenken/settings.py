"""Settings of a run: what a user can choose, checked once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from tenken.errors import SettingsError

Lang = Literal["ja", "en"]
LANGUAGES: tuple[Lang, ...] = get_args(Lang)
Engine = Literal["auto", "openvino", "onnxruntime", "torch"]
Precision = Literal["auto", "f32", "bf16"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run does. Equal settings and photos give equal results.

    Parameters
    ----------
    weights
        Name of shipped or added weights, or a file.
    min_score
        Least confidence of a detection; the weights' own threshold for each class when None.
    tile_px, overlap
        The tile grid.
    surface
        ``plane``, ``plane:HEIGHT`` or a DSM file; see `tenken.georeferencing.surface.parse_surface`.
    assets
        GeoJSON, GeoPackage or Shapefile of the structure's parts; square cells when None.
    segment_length_m
        Length of stations that long assets are cut into.
    max_resolution_mm
        Coarsest effective ground resolution that counts as seen; any when None.
    standard
        Id of a grading standard, or a file.
    lang
        Language of report, styles and reasons.
    device
        ``auto``, ``cpu`` or ``cuda``.
    engine
        ``auto``, ``openvino``, ``onnxruntime`` or ``torch``.
    precision
        Of OpenVINO's arithmetic: ``auto``, ``f32`` or ``bf16``.

    Raises
    ------
    SettingsError
        When a value is out of range.
    """

    weights: str = "default"
    min_score: float | None = None
    tile_px: int = 640
    overlap: float = 0.2
    surface: str = "plane"
    assets: Path | None = None
    segment_length_m: float = 10.0
    max_resolution_mm: float | None = None
    standard: str = "japan-bridge-2019"
    lang: Lang = "en"
    device: str = "auto"
    engine: Engine = "auto"
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        language_of(self.lang)
        if self.device not in ("auto", "cpu", "cuda"):
            raise SettingsError(f"--device {self.device}: give auto, cpu or cuda")
        for option, value, known in (("engine", self.engine, Engine), ("precision", self.precision, Precision)):
            if value not in get_args(known):
                raise SettingsError(f"--{option} {value}: give one of {', '.join(get_args(known))}")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise SettingsError(f"--min-score {self.min_score}: give a number from 0 to 1")
        if self.tile_px < 64:
            raise SettingsError(f"--tile {self.tile_px}: give at least 64 pixels")
        if not 0 <= self.overlap < 0.9:
            raise SettingsError(f"--overlap {self.overlap}: give at least 0 and less than 0.9")
        if self.max_resolution_mm is not None and not self.max_resolution_mm > 0:
            raise SettingsError(f"--max-resolution {self.max_resolution_mm}: give millimetres per pixel above 0")
        if not self.segment_length_m > 0:
            raise SettingsError(f"--segment-length {self.segment_length_m}: give a length in metres above 0")

    def as_json(self) -> dict[str, Any]:
        """Return plain values for run.json; files by their whole path, for `inspect report` may start elsewhere."""
        assets = None if self.assets is None else self.assets.absolute().as_posix()
        on_plane = self.surface.split(":")[0] == "plane"
        surface = self.surface if on_plane else Path(self.surface).absolute().as_posix()
        return {**asdict(self), "assets": assets, "surface": surface}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Settings":
        """Read back what `as_json` gave; names of other versions are left out."""
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        assets = known.get("assets")
        return cls(**{**known, "assets": Path(assets) if assets else None})


def language_of(text: str) -> Lang:
    """Return the language that a text names.

    Raises
    ------
    SettingsError
        When it is none of `LANGUAGES`.
    """
    for lang in LANGUAGES:
        if text == lang:
            return lang
    raise SettingsError(f"--lang {text}: give ja or en")
