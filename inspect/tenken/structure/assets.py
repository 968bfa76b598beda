"""The assets file: structures and their parts as polygons or centre lines, with material and importance."""

import logging
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import CRS
from shapely import MultiLineString, MultiPolygon
from shapely.geometry.base import BaseGeometry

from tenken.errors import AssetsError
from tenken.georeferencing.face import Face, plan_area
from tenken.structure.assets_faces import FACES, SIDES, FaceRow, build_face, number_in, word_in
from tenken.structure.assets_file import RawAssets, read_raw, read_with_heights
from tenken.structure.assets_geometry import Project, plan_geometry, projection

_log = logging.getLogger(__name__)

FAR_M = 1000.0
"""No camera position is wrong by so much: what lies farther from every photo has another flight or CRS."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "asset_id": (
        "asset_id",
        "資産番号",
        "資産ID",
        "施設番号",
        "施設ID",
        "橋梁番号",
        "橋梁ID",
        "管理番号",
        "shisetsu_id",
        "id",
    ),
    "name": ("name", "名称", "橋梁名", "橋名", "施設名"),
    "material": ("material", "材料", "材質", "使用材料"),
    "element": ("element", "kind", "structure", "部材", "部材種別", "部材名"),
    "exposure": ("exposure", "exposure_class", "露出クラス", "暴露クラス"),
    "width_m": ("width_m", "幅員", "全幅員", "width"),
    "face": ("face", "面", "面の種類", "対象面"),
    "bottom_m": ("bottom_m", "下端高", "下端標高"),
    "top_m": ("top_m", "上端高", "上端標高"),
    "height_m": ("height_m", "面高", "標高"),
    "radius_m": ("radius_m", "半径"),
    "diameter_m": ("diameter_m", "直径", "管径", "外径"),
    "side": ("side", "見る側"),
    "路下条件": ("路下条件", "under", "under_condition"),
    "代替路の有無": ("代替路の有無", "代替路", "迂回路", "detour"),
    "自専道/一般道": ("自専道/一般道", "自専道・一般道", "道路種別", "road_class"),
    "緊急輸送道路": ("緊急輸送道路", "emergency_route"),
    "占用物件": ("占用物件", "utilities"),
}
"""Column names that are understood, by what they give; the first one that the file has counts."""

IMPORTANCE_INPUTS = ("路下条件", "代替路の有無", "自専道/一般道", "緊急輸送道路", "占用物件")
"""What the national inspection form asks about a bridge's importance."""

MATERIALS: dict[str, tuple[str, ...]] = {
    "RC": ("RC", "RC橋", "鉄筋コンクリート", "reinforced concrete"),
    "PC": ("PC", "PC橋", "プレストレストコンクリート", "prestressed concrete", "PSC"),
    "steel": ("steel", "鋼", "鋼橋", "鋼材", "鋼製"),
    "weathering_steel": ("weathering_steel", "weathering steel", "耐候性鋼", "耐候性鋼材"),
    "asphalt": ("asphalt", "アスファルト", "アスファルト舗装", "As舗装"),
    "": ("", "unknown", "不明", "concrete", "コンクリート", "-"),
}
"""Materials that standards know; "" is unknown, and plain concrete does not say whether RC or PC."""

ELEMENTS: dict[str, tuple[str, ...]] = {
    "deck": ("deck", "slab", "床版"),
    "girder": ("girder", "beam", "main girder", "主桁", "桁", "横桁", "縦桁"),
    "pier": ("pier", "橋脚"),
    "abutment": ("abutment", "橋台"),
    "bearing": ("bearing", "支承"),
    "pavement": ("pavement", "carriageway", "舗装", "車道", "路面"),
}

PLAN_WORDS = ("", "plan", "top", "ground", "平面", "上面", "-")
"""Words of the column ``face`` for what is seen from above, as everything is that says nothing of it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A structure, or a part of one, as its administrator has it on file. Geometry in the flight's CRS."""

    asset_id: str
    name: str
    material: str | None
    """RC, PC, steel, weathering_steel or asphalt; the file's own word where it names another; None when unknown."""
    element: str | None
    """deck, girder, pier, pavement, …; the file's own word where it names another; None when not given."""
    geometry: MultiPolygon | MultiLineString
    width_m: float | None
    """Of lines: the structure's full width."""
    importance: dict[str, str]
    """Values as the file gives them, by `IMPORTANCE_INPUTS`."""
    exposure: str | None = None
    """Exposure class as in EN 206 (``XC4``, ``XC4/XD1``), as the file gives it; None when not given."""
    face: Face | None = None
    """The face of the structure that it is; None for what is seen in plan. ``geometry`` is then the face in plan."""


def read_assets(path: Path, crs: CRS) -> tuple[Asset, ...]:
    """Read assets from GeoJSON, GeoPackage or Shapefile into the flight's CRS, in the file's order.

    Parameters
    ----------
    path
        The file; for a GeoPackage with several layers ``FILE.gpkg|layername=LAYER``, as QGIS writes it.
    crs
        The flight's metric CRS.

    Raises
    ------
    AssetsError
        When the file, its CRS, a geometry or an id cannot be used; the message names the file and the
        feature, counted from 1.
    """
    raw = read_raw(path)
    project = projection(raw, crs)
    faces = _faces(raw, path, crs, project)
    geometries = [
        plan_geometry(geometry, project, raw.path, number)
        if (face := faces.get(number)) is None
        else plan_area(face, face.outline)
        for number, geometry in enumerate(raw.geometries, 1)
    ]
    ids = _ids(raw)
    names = _texts(raw, "name")
    materials = _texts(raw, "material")
    elements = _texts(raw, "element")
    exposures = _texts(raw, "exposure")
    widths_m = _widths_m(raw)
    inputs = {name: _texts(raw, name) for name in IMPORTANCE_INPUTS}
    return tuple(
        Asset(
            asset_id=ids[i],
            name=names[i] or ids[i],
            material=_named(materials[i], MATERIALS),
            element=_named(elements[i], ELEMENTS),
            geometry=geometries[i],
            width_m=widths_m[i],
            importance={name: values[i] for name, values in inputs.items() if values[i]},
            exposure=exposures[i] or None,
            face=faces.get(i + 1),
        )
        for i in range(len(ids))
    )


def faces_of(path: Path | None, crs: CRS | None) -> tuple[Face, ...]:
    """Read the faces of an assets file; none without a file, or a CRS to put them in."""
    if path is None or crs is None:
        return ()
    return tuple(asset.face for asset in read_assets(path, crs) if asset.face is not None)


def near_assets(assets: tuple[Asset, ...], placed_area: BaseGeometry, path: Path) -> tuple[Asset, ...]:
    """Keep the assets within `FAR_M` of what the photos show.

    Raises
    ------
    AssetsError
        When none is: a wrong CRS, exchanged coordinates or the file of another place.
    """
    away_m = shapely.distance(np.array([asset.geometry for asset in assets], dtype=object), placed_area)
    if (nearest_m := float(away_m.min())) > FAR_M:
        raise AssetsError(
            f"{path}: the nearest asset lies {nearest_m / 1000:.0f} km away from the photos; "
            "check the file's CRS, the order of its coordinates and that it is this flight's structure"
        )
    near = tuple(asset for asset, metres in zip(assets, away_m, strict=True) if metres <= FAR_M)
    if len(near) < len(assets):
        _log.warning(
            "%s: %d of %d assets lie more than 1 km away from the photos and are left out",
            path, len(assets) - len(near), len(assets),
        )  # fmt: skip
    return near


def _ids(raw: RawAssets) -> list[str]:
    if raw.column(COLUMNS["asset_id"]) is None:
        return [f"asset-{number}" for number in range(1, len(raw.geometries) + 1)]
    ids = _texts(raw, "asset_id")
    first: dict[str, int] = {}
    for number, asset_id in enumerate(ids, 1):
        if not asset_id:
            raise AssetsError(f"{raw.path}: feature {number} has no id; fill its asset_id")
        if asset_id in first:
            raise AssetsError(
                f"{raw.path}: features {first[asset_id]} and {number} have the same id {asset_id!r}; make ids unique"
            )
        first[asset_id] = number
    return ids


def _faces(raw: RawAssets, path: Path, crs: CRS, project: Project) -> dict[int, Face]:
    """Give the faces of the structure by the number of their feature, from 1."""
    words = _texts(raw, "face")
    if not any(words):
        return {}
    ids = _ids(raw)
    cells = {name: _texts(raw, name) for name in ("bottom_m", "top_m", "height_m", "radius_m", "diameter_m", "side")}
    shapes = read_with_heights(path)
    faces = {}
    for i, word in enumerate(words):
        if _folded(word) in PLAN_WORDS:
            continue
        where = f"{raw.path}: feature {i + 1} ({ids[i]})"
        heights = [number_in(cells[name][i], name, where) for name in ("bottom_m", "top_m", "height_m")]
        radius_m = number_in(cells["radius_m"][i], "radius_m", where, positive=True)
        diameter_m = number_in(cells["diameter_m"][i], "diameter_m", where, positive=True)
        row = FaceRow(
            i + 1,
            ids[i],
            word_in(word, FACES, "face", where),
            word_in(cells["side"][i], SIDES, "side", where),
            radius_m if diameter_m is None or radius_m is not None else diameter_m / 2.0,
            *heights,
        )
        faces[i + 1] = build_face(row, project(shapes[i], i + 1), crs, raw.path)
    return faces


def _widths_m(raw: RawAssets) -> list[float | None]:
    widths_m: list[float | None] = []
    for number, text in enumerate(_texts(raw, "width_m"), 1):
        try:
            width_m = float(text) if text else None
        except ValueError:
            width_m = float("nan")
        if width_m is not None and not 0 < width_m < 1000:
            raise AssetsError(f"{raw.path}: feature {number} has width {text!r}; give metres, as in 8.5")
        widths_m.append(width_m)
    return widths_m


def _texts(raw: RawAssets, what: str) -> list[str]:
    values = raw.column(COLUMNS[what])
    return [""] * len(raw.geometries) if values is None else [_text(value) for value in values]


def _text(value: Any) -> str:
    """Text of a cell: none for null, no ".0" behind whole numbers, which come as floats beside nulls."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return str(value).strip()


def _named(text: str, table: dict[str, tuple[str, ...]]) -> str | None:
    """Key of a word in the table, whatever its width and case; the word itself where there is none."""
    for key, words in table.items():
        if _folded(text) in map(_folded, words):
            return key or None
    return text or None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
