"""Segments and defects in the PDF for the archive."""

from collections.abc import Sequence
from pathlib import Path

from tenken.outputs.grades import GRADE_COLOURS
from tenken.outputs.pdf_page import MARGIN_MM, RULE, SOFT, ArchivePage, Colour
from tenken.outputs.report_cards import Card
from tenken.outputs.report_content import ReportContent
from tenken.outputs.report_sections import Section

PICTURE_MM = (66.0, 50.0)
"""Room for a defect's picture beside its figures."""
GAP_MM = 4.0


def write_segment(page: ArchivePage, section: Section, content: ReportContent, folder: Path, link: int) -> None:
    """Write a segment on a page of its own; ``link`` is what leads to it from the repair list."""
    text = content.text
    page.add_page()
    page.set_link(link, page=page.page_no())
    rank = "" if section.rank is None else f"{section.rank}. "
    page.heading(f"{rank}{section.name}")
    write_chip(page, section.grade if section.assessed else text("segment.not_assessed"), section.level, MARGIN_MM)
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
    if section.shared:
        told = " · ".join(f"{one.lead} ({one.id})" for one in section.shared)
        page.text_block(f"{text('segment.shared')} {told}", 8)
    write_cards(page, section.cards, content, folder)


def write_cards(page: ArchivePage, cards: Sequence[Card], content: ReportContent, folder: Path) -> None:
    """Write defects one below the other, each with its picture."""
    for one in cards:
        _card(page, one, content, folder)


def _card(page: ArchivePage, card: Card, content: ReportContent, folder: Path) -> None:
    text = content.text
    page.need(PICTURE_MM[1] + 6)
    top, started = float(page.y), page.page_no()
    page.set_draw_color(*RULE)
    page.line(MARGIN_MM, top, page.w - MARGIN_MM, top)
    page.set_y(top + 1.5)
    bottom = set_picture(page, card, content, folder, PICTURE_MM)
    page.set_y(top + 1)
    left = MARGIN_MM + PICTURE_MM[0] + GAP_MM
    page.text_block(f"{card.kind_word} {card.id}", 10, left_mm=left)
    write_chip(page, card.grade, card.level, left)
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


def set_picture(
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


def write_chip(page: ArchivePage, grade: str, level: str, left_mm: float) -> None:
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
