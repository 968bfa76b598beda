"""The report's map on paper, from the same drawing as the page's."""

import io
import re
from collections.abc import Iterator

from fpdf.drawing import PaintedPath
from fpdf.drawing_primitives import color_from_hex_string

from tenken.outputs.grades import GRADE_COLOURS, KIND_COLOURS, OTHER_KIND_COLOUR
from tenken.outputs.pdf_page import INK, MARGIN_MM, SOFT, ArchivePage
from tenken.outputs.report_content import ReportContent
from tenken.outputs.report_map import MapShape, ReportMap

SEEN, UNSEEN, TOO_COARSE, FOOTPRINT, RIM = "#56a3c9", "#8d959c", "#b3a24a", "#5b6770", "#1b2126"

BELOW_MM = 9.0
"""Room below a face's drawing for its scale bar."""

_POINT = re.compile(r"([M ])(-?[\d.e+-]+),(-?[\d.e+-]+)(z?)")


def draw_pdf_map(page: ArchivePage, content: ReportContent, height_mm: float) -> None:
    """Draw the map and its legend below the last paragraph."""
    drawn = content.map
    if drawn is None:
        return
    scale = min(page.width_mm / drawn.width, height_mm / drawn.height)
    left, top = MARGIN_MM + (page.width_mm - drawn.width * scale) / 2, float(page.y)
    _draw(page, drawn, scale, left, top)
    _bar(page, drawn, scale, top + drawn.height * scale - 2)
    _north(page, top)
    page.set_y(top + drawn.height * scale + 2)
    _legend(page, content)


def draw_pdf_elevations(page: ArchivePage, content: ReportContent, height_mm: float) -> None:
    """Draw the faces of the structure one below the other, each as it is seen."""
    for one in content.elevations:
        left_m, top_m, wide, high = one.drawing.within
        scale = min(page.width_mm / wide, height_mm / high)
        page.need(high * scale + BELOW_MM + 6)
        page.text_block(f"{one.title}: {one.told}", 8)
        top = float(page.y) + 1
        _draw(page, one.drawing, scale, MARGIN_MM - left_m * scale, top - top_m * scale)
        _bar(page, one.drawing, scale, top + high * scale + BELOW_MM - 2)
        page.set_y(top + high * scale + BELOW_MM)


def _draw(page: ArchivePage, drawn: ReportMap, scale: float, left: float, top: float) -> None:
    """Draw at a scale in mm per metre, the drawing's own corner at ``left`` and ``top``."""

    def paint(
        shape: MapShape, *, fill: str | None = None, opacity: float = 1.0, line: str | None = None, width: float = 0.2
    ) -> PaintedPath:
        path = PaintedPath()
        for first, x, y, closes in _points(shape.path):
            (path.move_to if first else path.line_to)(left + x * scale, top + y * scale)
            if closes:
                path.close()
        path.style.auto_close = False
        path.style.intersection_rule = "evenodd"
        path.style.fill_color = None if fill is None else color_from_hex_string(fill)
        path.style.fill_opacity = opacity
        path.style.stroke_color = None if line is None else color_from_hex_string(line)
        path.style.stroke_width = width
        return path

    tint = 0.6
    if (below := drawn.background) is not None:
        tint = 0.3
        corner = left + below.x * scale, top + below.y * scale
        page.image(io.BytesIO(below.picture.jpeg), *corner, below.width * scale, below.height * scale)
    with page.drawing_context() as drawing:
        for shape in drawn.segments:
            level = shape.css_class.removeprefix("s-")
            if level.isdigit():
                drawing.add_item(paint(shape, fill=GRADE_COLOURS[int(level)], opacity=tint))
            elif level == "none":
                drawing.add_item(paint(shape, fill=SEEN, opacity=tint / 3))
        for shape in drawn.coverage:
            colour = UNSEEN if shape.css_class == "c-not_seen" else TOO_COARSE
            drawing.add_item(paint(shape, fill=colour, opacity=0.45))
        for shape in drawn.footprints:
            drawing.add_item(paint(shape, line=FOOTPRINT, width=0.1))
        for shape in drawn.segments:
            drawing.add_item(paint(shape, line=RIM, width=0.15))
        for shape in drawn.defects:
            kind = shape.css_class.removeprefix("k-")
            colour = KIND_COLOURS.get(kind, OTHER_KIND_COLOUR)
            drawing.add_item(paint(shape, line=colour, width=0.45, fill=None if kind == "crack" else colour))
    for shape in drawn.segments:
        if shape.label:
            x, y = left + shape.x * scale - 1.5, top + shape.y * scale - 1.5
            page.set_fill_color(255, 255, 255)
            page.rect(x - 0.3, y + 0.2, 0.8 + 1.7 * len(shape.label), 3.4, style="F")
            page.write_line(shape.label, x, y, 8)


def _bar(page: ArchivePage, drawn: ReportMap, scale: float, y: float) -> None:
    """Draw the scale bar at the left margin."""
    bar_mm = drawn.scale_m * scale
    page.set_draw_color(*INK)
    page.set_fill_color(*INK)
    page.line(MARGIN_MM, y, MARGIN_MM + bar_mm, y)
    for x in (MARGIN_MM, MARGIN_MM + bar_mm):
        page.line(x, y - 1.5, x, y)
    page.write_line(drawn.scale_label, MARGIN_MM + 1, y - 5, 8)


def _north(page: ArchivePage, top_mm: float) -> None:
    """Draw the north arrow at the right margin."""
    page.set_fill_color(*INK)
    x = page.w - MARGIN_MM - 4
    page.polygon([(x, top_mm), (x + 2, top_mm + 7), (x, top_mm + 5.5), (x - 2, top_mm + 7)], style="F")
    page.write_line("N", x - 1.2, top_mm + 7.5, 9)


def _legend(page: ArchivePage, content: ReportContent) -> None:
    text = content.text
    kinds = sorted({card.kind for card in content.cards})
    patches = [
        *((KIND_COLOURS.get(kind, OTHER_KIND_COLOUR), text.kind(kind)) for kind in kinds),
        *((GRADE_COLOURS[int(level)], grade) for grade, level in content.legend if level.isdigit()),
        (SEEN, text("legend.seen_ungraded")),
        (UNSEEN, text("coverage.not_seen")),
        (TOO_COARSE, f"{text('coverage.too_coarse')} / {text('coverage.unusable_photo')}"),
    ]  # fmt: skip
    x, y = MARGIN_MM, float(page.y)
    for colour, word in patches:
        page.set_fill_color(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
        page.rect(x, y + 0.8, 3, 2.2, style="F")
        page.write_line(word, x + 3.8, y, 7, SOFT)
        x = float(page.x) + 3
        if x > page.w - MARGIN_MM - 30:
            x, y = MARGIN_MM, y + 4
    page.set_y(y + 5)


def _points(path: str) -> Iterator[tuple[bool, float, float, bool]]:
    """Read the path data that `report_map` writes: absolute moves, points, closings."""
    for command, x, y, closes in _POINT.findall(path):
        yield command == "M", float(x), float(y), bool(closes)
