"""What a user is told before a run about names that the standard does not grade as they read."""

from pathlib import Path

import pytest
from shapely import MultiPolygon, box

from tenken.assessment.hints import hints
from tenken.assessment.standard_file import load_standard
from tenken.notes import said
from tenken.structure.assets import Asset

FILE = Path("橋.geojson")
BRIDGE, ROAD = load_standard("japan-bridge-2019"), load_standard("japan-pavement-2016")


def asset(name: str, material: str | None = "RC", element: str | None = None) -> Asset:
    return Asset(name, name, material, element, MultiPolygon([box(0, 0, 1, 1)]), None, {})


@pytest.mark.parametrize("name", ["第1径間 床版", "Deck panel 3", "ＤＥＣＫ　2"])
def test_a_deck_by_name_alone_is_told_with_the_rule_that_it_misses(name: str) -> None:
    (hint,) = hints("flight", FILE, [asset("橋脚 P1"), asset(name)], BRIDGE)
    assert hint.startswith(f"橋.geojson: 1 asset(s) named like a deck (first: {name}) state no element: write deck")
    assert "⑪" in hint
    assert "床版ひびわれ" in said(hint, "ja")


def test_a_stated_element_and_a_standard_without_deck_rules_need_no_hint() -> None:
    assert hints("flight", FILE, [asset("床版 1", element="deck"), asset("床版付近", element="girder")], BRIDGE) == []
    assert hints("flight", FILE, [asset("床版 1")], load_standard("aashto-element-cracks")) == []


@pytest.mark.parametrize(
    ("flight", "assets"),
    [
        ("flight_042", [asset("市道 24 号", material="asphalt")]),
        ("flight_042", [asset("市道 24 号", element="pavement")]),
        ("flight_042", [asset("市道 24 号 舗装", material=None)]),
        ("asphalt_2025", []),
        ("路面調査", []),
    ],
)
def test_a_road_graded_as_a_bridge_is_told(flight: str, assets: list[Asset]) -> None:
    (hint,) = hints(flight, FILE if assets else None, assets, BRIDGE)
    assert "--standard japan-pavement-2016" in hint
    assert not any("--standard" in one for one in hints(flight, FILE if assets else None, assets, ROAD))


def test_a_bridge_is_no_road() -> None:
    assert hints("asphalt_2025", FILE, [asset("千葉橋 橋脚")], BRIDGE) == []
