"""The project beside the package: whole, movable, the same bytes for the same input; written without QGIS."""

import dataclasses
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pyproj import CRS

from tenken.inspection import Inspection
from tenken.outputs.layers import all_layers
from tenken.outputs.qgis import write_project
from tenken.outputs.qgis.forms import FORMS, Group, Related
from tenken.outputs.qgis.project import GROUPS, THEMES, Orthomosaic, ProjectFiles, project_text
from tenken.outputs.qgis.relations import MANY_TO_MANY, RELATIONS
from tenken.wording import words

FILES = ProjectFiles("inspection.gpkg", "../flight 042")


def parsed(inspection: Inspection, lang: str = "ja", files: ProjectFiles = FILES) -> ET.Element:
    return ET.fromstring(project_text(inspection, lang, files).partition("\n")[2])  # noqa: S314


def test_equal_input_gives_equal_bytes_in_any_order_of_findings(tmp_path: Path, bridge: Inspection) -> None:
    turned = dataclasses.replace(
        bridge, defects=bridge.defects[::-1], photos=bridge.photos[::-1], findings=bridge.findings[::-1],
        skipped=bridge.skipped[::-1],
    )  # fmt: skip
    for name, inspection in (("a", bridge), ("b", turned)):
        (tmp_path / name).mkdir()
        write_project(tmp_path / name / "inspection.qgz", inspection, "ja", FILES)
    one, other = ((tmp_path / name / "inspection.qgz").read_bytes() for name in ("a", "b"))
    assert one == other


def test_the_archive_holds_one_project_of_its_own_name_and_no_date(tmp_path: Path, bridge: Inspection) -> None:
    write_project(tmp_path / "inspection.qgz", bridge, "en", FILES)
    with zipfile.ZipFile(tmp_path / "inspection.qgz") as archive:
        (entry,) = archive.infolist()
        assert archive.testzip() is None
    assert entry.filename == "inspection.qgs"
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)
    assert [one.name for one in tmp_path.iterdir()] == ["inspection.qgz"]


def test_nothing_in_a_project_points_outside_by_an_absolute_path(bridge: Inspection) -> None:
    root = parsed(bridge)
    sources = [one.text or "" for one in root.iter("datasource")]
    sources += [one.get("source", "") for one in root.iter("layer-tree-layer")]
    assert len(sources) == 2 * len(all_layers(bridge))
    assert all(one.startswith("./inspection.gpkg|layername=") for one in sources)
    assert root.findtext("properties/Paths/Absolute") == "false"
    text = ET.tostring(root, encoding="unicode")
    assert not re.search(r"(?<![\w./])/(home|root|work|tmp|Users)/|[A-Za-z]:\\\\", text)


def test_every_layer_stands_once_in_the_tree_and_the_shown_ones_in_themes(bridge: Inspection) -> None:
    names = [layer.name for layer in all_layers(bridge)]
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(names)
    assert {name for theme in THEMES.values() for name in theme} <= set(names)
    ids = [one.findtext("id") for one in parsed(bridge).iter("maplayer")]
    assert len(set(ids)) == len(ids) == len(names)


def columns_of(groups: tuple[Group, ...]) -> list[str]:
    columns: list[str] = []
    for group in groups:
        for item in group.items:
            if isinstance(item, Group):
                columns += columns_of((item,))
            elif isinstance(item, str):
                columns.append(item)
    return columns


def related_in(groups: tuple[Group, ...]) -> list[str]:
    return [item.relation for group in groups for item in group.items if isinstance(item, Related)]


def test_a_form_shows_each_column_once(bridge: Inspection) -> None:
    for layer in all_layers(bridge):
        assert sorted(columns_of(FORMS[layer.name])) == sorted(layer.fields)


def test_relations_join_columns_that_exist_and_forms_show_those_of_their_layer(bridge: Inspection) -> None:
    fields = {layer.name: set(layer.fields) for layer in all_layers(bridge)}
    for one in RELATIONS:
        assert one.parent_column in fields[one.parent]
        assert one.child_column in fields[one.child]
    by_id = {one.id: one for one in RELATIONS}
    for layer, groups in FORMS.items():
        assert all(by_id[one].parent == layer for one in related_in(groups))
    for through, beyond in MANY_TO_MANY.items():
        assert by_id[through].child == by_id[beyond].child


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_title_groups_and_statement_are_in_the_language(bridge: Inspection, lang: str) -> None:
    root, text = parsed(bridge, lang), words(lang)
    assert root.findtext("title") == text("qgis.project_title", flight="flight_042 千葉橋 <上り>")
    assert [one.get("name") for one in root.findall("layer-tree-group/layer-tree-group")] == [
        text(one) for one in GROUPS
    ]
    assert root.findtext("projectMetadata/abstract") == text("statement")


def test_a_flight_without_positions_has_a_project_without_a_place(bridge: Inspection) -> None:
    photos = tuple(dataclasses.replace(one, footprint=None) for one in bridge.photos)
    unplaced = tuple(one for one in bridge.defects if one.outline_m is None)
    bare = dataclasses.replace(bridge, crs=None, photos=photos, defects=unplaced, grades={}, findings=())
    root = parsed(bare)
    assert root.find("mapcanvas/extent") is None
    assert root.find("projectCrs/spatialrefsys/wkt") is None
    assert len([*root.iter("maplayer")]) == len(all_layers(bare))


def test_an_orthomosaic_lies_under_everything_in_its_own_coordinates(bridge: Inspection) -> None:
    ground = Orthomosaic("../街路 ortho.tif", CRS.from_epsg(3857))
    root = parsed(bridge, files=dataclasses.replace(FILES, orthomosaic=ground))
    assert root.findall("layer-tree-group/*")[-1].get("source") == "../街路 ortho.tif"
    layer = root.findall("projectlayers/maplayer")[-1]
    assert layer.get("type") == "raster"
    assert layer.findtext("srs/spatialrefsys/authid") == "EPSG:3857"
    assert all(theme.findall("layer")[-1].get("id") == layer.findtext("id") for theme in root.iter("visibility-preset"))
