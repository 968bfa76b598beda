"""The report as a PDF for the archive: the same content as the page, without a browser."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tenken.inspection import Inspection
from tenken.journal import replace_file
from tenken.outputs.figures import UNKNOWN, resolution_text
from tenken.outputs.grades import GRADE_COLOURS
from tenken.outputs.japanese_font import FontFace
from tenken.outputs.pdf_map import draw_pdf_map
from tenken.outputs.pdf_page import ACCENT, INK, MARGIN_MM, RULE, SOFT, ArchivePage, Colour
from tenken.outputs.report_cards import Card
from tenken.outputs.report_content import ReportContent, report_content
from tenken.outputs.report_sections import Section
from tenken.outputs.reviews import Review

PICTURE_MM = (66.0, 50.0)
"""Room for a defect's picture beside its figures."""
GAP_MM = 4.0
MAP_MM = 72.0
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
        page.heading(text("report.map"), keep_mm=MAP_MM + 18)
        draw_pdf_map(page, content, MAP_MM)
    _lists(page, content, links)
    for section in content.detailed:
        _segment(page, section, content, path.parent, links[section.anchor])
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
        worst = section.cards[0]
        page.need(36)
        top, left = float(page.y), MARGIN_MM + 46
        bottom = _picture(page, worst, content, folder, (44, 32))
        page.set_y(top)
        title = f"{section.rank}. {section.name}"
        page.text_block(title, 11, left_mm=left, link=links[section.anchor], flows=False)
        _chip(page, section.grade, section.level, left)
        for sentence in (section.lead, worst.lead, worst.grade_reason):
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
        (text("column.corrosion_short"), 2.6), (text("column.defects"), 1.5), (text("column.seen_fraction"), 1.7),
        (text("column.priority"), 1.5),
    ]  # fmt: skip
    rows = [
        (
            str(s.rank or UNKNOWN), s.name, s.grade, " ".join(part for part in (s.lead, s.cards[0].lead) if part),
            s.crack_length, s.max_width, s.corrosion, str(len(s.cards)), s.seen, s.priority,
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
        page.text_block("　".join(f"{s.name} {s.seen}" for s in content.clean), 7, SOFT)
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


def _segment(page: ArchivePage, section: Section, content: ReportContent, folder: Path, link: int) -> None:
    text = content.text
    page.add_page()
    page.set_link(link, page=page.page_no())
    rank = "" if section.rank is None else f"{section.rank}. "
    page.heading(f"{rank}{section.name}")
    _chip(page, section.grade if section.assessed else text("segment.not_assessed"), section.level, MARGIN_MM)
    figures = [
        (text("column.asset_id"), section.asset), (text("column.crack_length_m_short"), section.crack_length),
        (text("column.max_width_mm_short"), section.max_width), (text("column.corrosion_short"), section.corrosion),
        (text("column.priority"), section.priority), (text("figure.rank_range"), section.rank_range),
        *section.figures, (text("column.seen_fraction"), section.seen),
        *((word, share) for status, word, share in section.coverage if status != "seen"),
    ]  # fmt: skip
    page.figures([(name, value) for name, value in figures if value], 5)
    for number, reason in enumerate(section.reasons, start=1):
        page.text_block(f"{number}. {reason}", 8, left_mm=MARGIN_MM + 2)
    page.text_block(text("segment.rest_unseen"), 7.5, SOFT)
    page.set_y(page.y + 2)
    _cards(page, section.cards, content, folder)


def _cards(page: ArchivePage, cards: Sequence[Card], content: ReportContent, folder: Path) -> None:
    for one in cards:
        _card(page, one, content, folder)


def _card(page: ArchivePage, card: Card, content: ReportContent, folder: Path) -> None:
    text = content.text
    page.need(PICTURE_MM[1] + 6)
    top, started = float(page.y), page.page_no()
    page.set_draw_color(*RULE)
    page.line(MARGIN_MM, top, page.w - MARGIN_MM, top)
    page.set_y(top + 1.5)
    bottom = _picture(page, card, content, folder, PICTURE_MM)
    page.set_y(top + 1)
    left = MARGIN_MM + PICTURE_MM[0] + GAP_MM
    page.text_block(f"{card.kind_word} {card.id}", 10, left_mm=left)
    _chip(page, card.grade, card.level, left)
    page.figures(card.figures, 3, left)
    status = f"{text('figure.width_status')} {card.width_status}" if card.width_status else ""
    review = " ".join(part for part in (card.review, card.review_note) if part)
    for sentence in (status, card.grade_reason, review):
        if sentence:
            page.text_block(sentence, 8, left_mm=left)
    page.text_block(text("card.seen_in", count=card.photos), 8, left_mm=left)
    for seen in card.sightings:
        page.text_block(f"{seen.photo} {seen.figures}", 7, SOFT, left_mm=left)
    if card.unseen_in:
        names = " · ".join(card.unseen_in)
        page.text_block(f"{text('card.unseen_in', count=len(card.unseen_in))} {names}", 7, SOFT, left_mm=left)
    below = float(page.y) if page.page_no() != started else max(float(page.y), bottom)
    page.set_y(below + 3)


def _picture(
    page: ArchivePage, card: Card, content: ReportContent, folder: Path, room_mm: tuple[float, float]
) -> float:
    """Set a defect's picture at the left margin, and give where it ends."""
    top = float(page.y)
    file = folder / card.picture_file if card.picture_file else None
    if file is None or not file.is_file():
        return top
    alt = content.text("card.alt", kind=card.kind_word, id=card.id, photo=card.photo)
    page.image(file, MARGIN_MM, top, *room_mm, keep_aspect_ratio=True, alt_text=alt)
    return top + room_mm[1]


def _homeless(page: ArchivePage, content: ReportContent, folder: Path) -> None:
    text = content.text
    if content.placed:
        page.add_page()
        page.heading(text("details.outside"))
        _cards(page, content.placed, content, folder)
    if content.unplaced:
        page.add_page()
        page.heading(text("details.unlocated"))
        page.text_block(text("details.unlocated_note"), 8)
        for photo, cards in content.unplaced:
            page.heading(photo, 10, level=1)
            _cards(page, cards, content, folder)


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


def _chip(page: ArchivePage, grade: str, level: str, left_mm: float) -> None:
    """Write a grade beside a patch of its colour."""
    colour = grade_rgb(level)
    if colour is not None:
        page.set_fill_color(*colour)
        page.set_draw_color(*RULE)
        page.rect(left_mm, float(page.y) + 0.9, 3.4, 3.4, style="DF")
    page.text_block(grade, 10, left_mm=left_mm + (4.6 if colour is not None else 0), flows=False)


def grade_rgb(level: str) -> Colour | None:
    """Give the colour of a level of severity; None for no grade."""
    if level == "none":
        return None
    code = GRADE_COLOURS[int(level)]
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)
