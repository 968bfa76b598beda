"""From defects to the repair list: assets, segments, coverage, grades and rank in one call."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from tenken.assessment.crack_grid import crack_ratio_pct
from tenken.assessment.grade import DefectGrade, Finding, grade_defect
from tenken.assessment.parts import parts_by_segment
from tenken.assessment.priority import rank
from tenken.assessment.quantities import quantities_of
from tenken.assessment.standard_file import load_standard
from tenken.assessment.standards import Standard
from tenken.georeferencing.face import Face
from tenken.identity.identify import Defect
from tenken.settings import Lang
from tenken.structure.assets import Asset, near_assets, read_assets
from tenken.structure.coverage import LEAST_SEEN, View, area_of, cover, seen_areas, seen_fraction
from tenken.structure.segments import CoveragePatch, Segment, assign, make_segments

DEFAULT_STANDARD = "japan-bridge-2019"


def assess(
    defects: Sequence[Defect],
    assets_path: Path | None,
    views: Sequence[View],
    crs: CRS | None,
    standard: Standard | str | Path = DEFAULT_STANDARD,
    *,
    lang: Lang = "ja",
    segment_length_m: float = 10.0,
    max_resolution_mm: float | None = None,
    rejected: Collection[str] = (),
    faces: Mapping[str, Face] | None = None,
) -> tuple[dict[str, DefectGrade], tuple[Finding, ...]]:
    """Grade every defect and rank every segment.

    Parameters
    ----------
    defects
        One record per physical defect; one without a place stands in no segment.
    assets_path
        Assets file; None cuts what the photos show into cells.
    views
        What each photo shows, in the flight's CRS, unusable photos too.
    crs
        The flight's metric CRS; None when no photo has a position: then there are no segments.
    standard
        A standard, the id of a shipped one, or a TOML file.
    lang
        Language of all reasons.
    segment_length_m
        Length of a station, and side of a cell.
    max_resolution_mm
        Coarsest effective resolution that counts as seen, mm per pixel (`tenken.structure.coverage.cover`).
    rejected
        Ids of defects that a person said are none: they are graded, but count in no segment.
    faces
        The structure's faces as photos and defects have them; those of the assets file where none are given.

    Returns
    -------
    Grades by defect id in the order of `defects`, each of the whole defect in the segment that holds most of it; and
    the findings, ranked ones first, each graded by what lies in the segment.

    Raises
    ------
    AssetsError
        When the assets file cannot be used or lies elsewhere.
    SettingsError
        When the standard or the segment length cannot be used.
    """
    if not isinstance(standard, Standard):
        standard = load_standard(standard)
    if crs is None:
        alone = [grade_defect(d, None, standard, spacing_m=None, corrosion_pct=None, lang=lang) for d in defects]
        return {grade.defect_id: grade for grade in alone}, ()
    segments = _segments(assets_path, views, crs, segment_length_m, lang, faces or {})
    by_id = {segment.segment_id: segment for segment in segments}
    coverage: dict[str, tuple[CoveragePatch, ...]] = {}
    places: dict[str, str | None] = {}
    inside: dict[str, list[Defect]] = {}
    # Each face has a chart of its own: what lies on one is never laid over what lies on another.
    charts = {segment.face for segment in segments} | {defect.face for defect in defects}
    for face in sorted(charts, key=lambda one: one or ""):
        own = [segment for segment in segments if segment.face == face]
        there = [defect for defect in defects if defect.face == face]
        coverage |= cover(own, [view for view in views if view.face == face], max_resolution_mm=max_resolution_mm)
        places |= zip([one.id for one in there], assign([_place(defect) for defect in there], own), strict=True)
        counted = [defect for defect in there if defect.id not in rejected]
        inside |= parts_by_segment(counted, [places[defect.id] for defect in counted], own)
    quantities = {i: quantities_of(by_id[i], inside.get(i, ()), coverage[i]) for i in by_id}
    ratios = _crack_ratios(segments, inside, coverage, standard)

    def graded(defect: Defect, segment_id: str | None) -> DefectGrade:
        here = quantities[segment_id] if segment_id else None
        return grade_defect(
            defect,
            by_id[segment_id] if segment_id else None,
            standard,
            spacing_m=here.spacing_m if here else None,
            corrosion_pct=here.corrosion_pct if here else None,
            crack_ratio_pct=ratios.get(segment_id),
            lang=lang,
        )

    grades = {defect.id: graded(defect, places[defect.id]) for defect in defects}
    parts = {
        segment_id: [(part, graded(part, segment_id)) for part in sorted(found, key=lambda one: one.id)]
        for segment_id, found in inside.items()
    }
    return grades, rank(segments, parts, quantities, coverage, standard, lang)


def _segments(
    assets_path: Path | None,
    views: Sequence[View],
    crs: CRS,
    segment_length_m: float,
    lang: Lang,
    faces: Mapping[str, Face],
) -> tuple[Segment, ...]:
    """Cut the assets, or else what the photos show of the ground."""
    placed_area = area_of([view for view in views if view.face is None])
    assets: tuple[Asset, ...] = ()
    if assets_path is not None:
        assets = tuple(replace(one, face=faces.get(one.asset_id, one.face)) for one in read_assets(assets_path, crs))
        seen = {view.face for view in views}
        shown = [placed_area, *(one.geometry for one in assets if one.face is not None and one.face.name in seen)]
        if not (shown_area := shapely.union_all(shown)).is_empty:
            assets = near_assets(assets, shown_area, assets_path)
    return make_segments(assets, placed_area, segment_length_m=segment_length_m, lang=lang)


def _crack_ratios(
    segments: Sequence[Segment],
    inside: Mapping[str, Sequence[Defect]],
    coverage: Mapping[str, Sequence[CoveragePatch]],
    standard: Standard,
) -> dict[str | None, tuple[float, float]]:
    """Cracked share of the grid by segment id, where the standard asks for it and enough was seen."""
    if standard.grid is None:
        return {}
    seen = seen_areas(coverage)
    ratios: dict[str | None, tuple[float, float]] = {}
    for segment in segments:
        here = segment.segment_id
        cracks = [defect.centreline_m for defect in inside.get(here, ()) if defect.centreline_m is not None]
        if not cracks or seen_fraction(segment, coverage[here]) < LEAST_SEEN:
            continue
        if (ratio_pct := crack_ratio_pct(cracks, seen[here], segment.geometry, standard.grid)) is not None:
            ratios[here] = ratio_pct
    return ratios


def _place(defect: Defect) -> BaseGeometry | None:
    """Centre line of a crack, outline of everything else."""
    return defect.centreline_m if defect.centreline_m is not None else defect.outline_m
