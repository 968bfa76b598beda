"""The report as a PDF for the archive: the same content as the page, without a browser."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tenken.inspection import Inspection
from tenken.journal import replace_file
from tenken.outputs.figures import UNKNOWN, resolution_text
from tenken.outputs.japanese_font import FontFace
from tenken.outputs.pdf_map import draw_pdf_elevations, draw_pdf_map
from tenken.outputs.pdf_page import ACCENT, INK, MARGIN_MM, SOFT, ArchivePage, Colour
from tenken.outputs.report_content import ReportContent, report_content
from tenken.outputs.report_pdf_segments import grade_rgb, set_picture, write_cards, write_chip, write_segment
from tenken.outputs.reviews import Review

MAP_MM, LEAST_MAP_MM = 112.0, 75.0
"""Height of the map: as much as the page has left, if that is at least the second, else the first on a new page."""
MAP_FRAME_MM = 24.0
"""The map's heading and legend."""
ELEVATION_MM = 50.0
"""Height of a face's drawing, at the most."""
BAD: Colour = (143, 42, 29)
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands in the file where no photo says when it was taken."""


def write_pdf(
    path: Path,
    inspection: Inspection,
    crops: Mapping[str, str],
    lang: str,
    reviews: Mapping[str, Review] | None,
    font: FontFace,
) -> None:
    """Write the report as a PDF; see `tenken.outputs.write_report` for the parameters."""
    content = report_content(inspection, crops, path.parent, lang, reviews)
    text = content.text
    title = f"{text('report.title')} – {inspection.flight}"
    page = ArchivePage(font, content.statement, title, lang, _dated(inspection))
    page.add_page()
    _opening(page, content)
    links = {one.anchor: page.add_link() for one in content.detailed}
    _first(page, content, path.parent, links)
    if content.map is not None:
        left_mm = page.room_mm - MAP_FRAME_MM
        height_mm = min(MAP_MM, left_mm) if left_mm >= LEAST_MAP_MM else MAP_MM
        page.heading(text("report.map"), keep_mm=height_mm + MAP_FRAME_MM - 1)
        draw_pdf_map(page, content, height_mm)
    if content.elevations:
        page.heading(text("report.elevations"), keep_mm=ELEVATION_MM)
        draw_pdf_elevations(page, content, ELEVATION_MM)
    _lists(page, content, links)
    for section in content.detailed:
        write_segment(page, section, content, path.parent, links[section.anchor])
    _homeless(page, content, path.parent)
    _photos(page, content)
    _provenance(page, content)
    new = path.with_name(f"new-{path.name}")
    page.output(str(new))
    replace_file(new, path)


def _dated(inspection: Inspection) -> datetime:
    """Give the time of the last photo: the time of writing would make each file differ."""
    times = sorted(photo.taken_at for photo in inspection.photos if photo.taken_at)
    try:
        return datetime.fromisoformat(times[-1][:10].replace(":", "-") + times[-1][10:19]).replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return NO_DATE


def _opening(page: ArchivePage, content: ReportContent) -> None:
    text, inspection = content.text, content.inspection
    page.text_block(text("report.title"), 10, ACCENT)
    page.text_block(inspection.flight, 20)
    doubt = "" if inspection.standard_verified else f" ({text('report.unverified')})"
    facts = [
        f"{text('report.flown')} {content.flown}" if content.flown else "",
        f"{text('report.standard')} {inspection.standard}{doubt}",
        f"{text('report.weights')} {inspection.weights_name}",
    ]
    page.text_block(" · ".join(part for part in facts if part), 8, SOFT)
    for line in content.statement:
        page.text_block(line, 10)
    page.set_y(page.y + 2)
    top, below, wide = float(page.y), float(page.y), page.width_mm / len(content.headlines)
    for index, one in enumerate(content.headlines):
        page.set_y(top)
        left = MARGIN_MM + index * wide
        for line, size, colour in ((one.label, 7, SOFT), (one.value, 13, INK), (one.detail, 7, SOFT)):
            page.text_block(line, size, colour, left_mm=left, width_mm=wide - 3, flows=False)
        below = max(below, float(page.y))
    page.set_y(below + 3)


def _first(page: ArchivePage, content: ReportContent, folder: Path, links: Mapping[str, int]) -> None:
    text = content.text
    page.heading(text("report.first"))
    if not content.first:
        page.text_block(text("list.none") if content.cards else text("details.none"))
    for section in content.first:
        worst = section.worst
        if worst is None:
            continue
        page.need(31)
        top, left = float(page.y), MARGIN_MM + 46
        bottom = set_picture(page, worst, content, folder, (44, 27))
        page.set_y(top)
        title = f"{section.rank}. {section.name}"
        page.text_block(title, 11, left_mm=left, link=links[section.anchor], flows=False)
        write_chip(page, section.grade, section.level, left)
        reason = "" if worst.grade_reason in section.lead else worst.grade_reason
        for sentence in (section.lead, worst.lead, reason):
            if sentence:
                page.text_block(sentence, 8, left_mm=left, flows=False)
        page.set_y(max(float(page.y), bottom) + 2)


def _lists(page: ArchivePage, content: ReportContent, links: Mapping[str, int]) -> None:
    text = content.text
    page.set_y(page.y + 3)
    page.heading(f"{text('report.list')} ({len(content.found)})")
    columns = [
        (text("column.rank"), 1.0), (text("column.name"), 4), (text("column.grade_candidates"), 2),
        (text("list.worst"), 5), (text("column.crack_length_m_short"), 2), (text("column.max_width_mm_short"), 2),
        (text("column.corrosion_short"), 2.6), (text("column.defects"), 2), (text("column.seen_fraction"), 1.7),
        (text("column.priority"), 1.5),
    ]  # fmt: skip
    rows = [
        (
            str(s.rank or UNKNOWN), s.name, s.grade,
            " ".join(part for part in (s.lead, s.worst.lead if s.worst else "") if part),
            s.crack_length, s.max_width, s.corrosion, str(s.counted), s.seen, s.priority,
        )
        for s in content.found
    ]  # fmt: skip
    if rows:
        page.ruled_table(
            columns, rows, 7, [links[s.anchor] for s in content.found], lambda row: grade_rgb(content.found[row].level)
        )
        page.text_block(text("list.note"), 7.5, SOFT)
    else:
        page.text_block(text("list.none"))
    if content.clean:
        page.set_y(page.y + 3)
        page.heading(f"{text('report.clean')} ({len(content.clean)})", 11, level=1)
        page.text_block(text("clean.note"), 8)
        page.text_block(
            "　".join(
                " ".join([s.name, s.seen, *([text("clean.crossed"), *s.crossed_by] if s.crossed_by else [])])
                for s in content.clean
            ),
            7,
            SOFT,
        )
    page.set_y(page.y + 3)
    page.heading(f"{text('report.not_assessed')} ({len(content.not_assessed)})")
    if content.not_assessed:
        page.text_block(text("not_assessed.note"), 8)
        parts = [(s, " · ".join(f"{word} {share}" for _, word, share in s.coverage)) for s in content.not_assessed]
        page.ruled_table(
            [(text("column.name"), 3), (text("column.reasons"), 6), (text("layer.coverage"), 4)],
            [(s.name, " ".join(s.reasons) or text("segment.not_assessed"), seen) for s, seen in parts],
        )
    else:
        page.text_block(text("not_assessed.none" if content.found or content.clean else "not_assessed.all"))


def _homeless(page: ArchivePage, content: ReportContent, folder: Path) -> None:
    text = content.text
    if content.placed:
        page.add_page()
        page.heading(text("details.outside"))
        write_cards(page, content.placed, content, folder)
    if content.unplaced:
        page.add_page()
        page.heading(text("details.unlocated"))
        page.text_block(text("details.unlocated_note"), 8)
        for photo, cards in content.unplaced:
            page.heading(photo, 10, level=1)
            write_cards(page, cards, content, folder)


def _photos(page: ArchivePage, content: ReportContent) -> None:
    text = content.text
    page.add_page()
    page.heading(f"{text('report.photos')} ({len(content.photos)})")
    columns = [
        (text("column.photo"), 4.0), (text("column.camera"), 2.4), (text("figure.resolution"), 2),
        (text("column.smallest_crack_mm"), 1.8), (text("column.pose_source"), 3), (text("column.detections"), 1.3),
        (text("column.usable"), 5),
    ]  # fmt: skip
    rows = [
        (
            p.photo, p.camera or UNKNOWN, resolution_text(p.gsd_mm),
            UNKNOWN if p.smallest_crack_mm is None else f"{p.smallest_crack_mm:.2f} mm",
            " + ".join(text.coded("pose", part) for part in p.pose_source.split("+")), str(p.detections),
            (text("photo.yes") if p.usable else text("photo.no")) + (f" – {p.reason}" if p.reason else ""),
        )
        for p in content.photos
    ]  # fmt: skip
    page.ruled_table(columns, rows, 7, colours=lambda row: None if content.photos[row].usable else BAD)
    page.set_y(page.y + 3)
    page.heading(f"{text('report.skipped')} ({len(content.skipped)})", 11, level=1)
    if content.skipped:
        page.ruled_table(
            [(text("column.file"), 1), (text("column.reason"), 2)], [(one.path, one.reason) for one in content.skipped]
        )
    else:
        page.text_block(text("skipped.none"))
    page.set_y(page.y + 3)
    page.heading(text("report.limits"))
    for limit in content.limits:
        page.text_block(f"・{limit}", 8)


def _provenance(page: ArchivePage, content: ReportContent) -> None:
    text, inspection = content.text, content.inspection
    page.set_y(page.y + 3)
    page.heading(text("report.provenance"))
    verified = text("report.verified") if inspection.standard_verified else text("report.unverified_long")
    crs = inspection.crs
    rows = [
        (text("report.weights"), f"{inspection.weights_name} sha256 {inspection.weights_sha256}"),
        (text("report.standard"), f"{inspection.standard} – {verified}"),
        (text("report.crs"), f"{crs.to_string()} {crs.name}" if crs is not None else text("figure.no_position")),
        (text("report.versions"), ", ".join(f"{name} {version}" for name, version in content.versions)),
        *content.settings,
        *((photo.photo, f"sha256 {photo.sha256}") for photo in content.photos),
    ]
    page.ruled_table([(text("column.key"), 1), (text("column.value"), 3)], rows)
