"""Drawings of the structure's faces, each in its own chart: what a plan shows as a line is drawn as it is seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from shapely.affinity import scale
from shapely.geometry.base import BaseGeometry

from tenken.georeferencing.face import Face
from tenken.inspection import Inspection
from tenken.outputs.layers import ranked
from tenken.outputs.report_map import Contents, ReportMap, draw, drawn_shape
from tenken.wording import Words


@dataclass(frozen=True, slots=True)
class Elevation:
    """The drawing of a face, as one sees it who stands before it."""

    name: str
    title: str
    told: str
    """How the drawing lies: what runs from left to right, and from bottom to top."""
    drawing: ReportMap


def draw_elevations(inspection: Inspection, order: Sequence[str], text: Words) -> tuple[Elevation, ...]:
    """Draw every face that has a segment, in the order of their best ranks.

    ``order`` gives the ids of the defects in the order of the report, for the keyboard.
    """
    names = dict.fromkeys(one.segment.face for one in ranked(inspection.findings) if one.segment.face is not None)
    drawn = []
    for name in names:
        face = inspection.faces[name]
        drawing = draw(_contents(inspection, face, order))
        if drawing is not None:
            stations = [one.segment.name for one in inspection.findings if one.segment.face == name]
            # Several stations share a name but for their chainage.
            title = stations[0] if len(stations) == 1 else stations[0].rsplit(" No.", 1)[0]
            drawn.append(Elevation(name, title, _told(face, text), drawing))
    return tuple(drawn)


def _contents(inspection: Inspection, face: Face, order: Sequence[str]) -> Contents:
    findings = [one for one in ranked(inspection.findings) if one.segment.face == face.name]
    on_it = {one.id: one for one in inspection.defects if one.face == face.name and one.outline_m is not None}

    def turned(shape: BaseGeometry) -> BaseGeometry:
        return scale(shape, xfact=-1.0, origin=(0.0, 0.0)) if face.mirrored else shape

    return Contents(
        footprints=[],
        segments=[(one, turned(one.segment.geometry)) for one in findings],
        coverage=[(patch, turned(patch.geometry)) for one in findings for patch in one.coverage],
        defects=[
            (one, turned(one.outline_m), turned(drawn_shape(one.outline_m, one.centreline_m)))
            for one in (on_it[identity] for identity in order if identity in on_it)
            if one.outline_m is not None
        ],
    )


def _told(face: Face, text: Words) -> str:
    west, south, east, north = face.outline.bounds
    return text(
        f"elevation.{face.kind}{'_mirrored' if face.mirrored else ''}",
        length=f"{east - west:.1f}",
        bottom=f"{south:.1f}",
        top=f"{north:.1f}",
        around=f"{north - south:.2f}",
    )
