"""Paper for the archive: A4 pages that break lines the Japanese way, with the sentence and a number on each."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from fpdf import FPDF
from fpdf.enums import DocumentCompliance
from fpdf.fonts import CoreFont, TTFFont

from tenken.outputs.japanese_font import FontFace

MARGIN_MM, BOTTOM_MM = 14.0, 20.0
INK, SOFT, RULE, ACCENT = (27, 33, 38), (85, 96, 106), (200, 204, 206), (11, 88, 124)
LEADING = 1.45
"""Line height by font size."""
POINT_MM = 25.4 / 72

_PIECES = re.compile(r"\n|\s+|[!-~\u00a0-\u2fff]+|.")
"""Latin words and numbers stay whole; Japanese may break after each character."""
_NEVER_FIRST = "、。，．・：；！？）］｝」』】〉》ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々％"
_NEVER_LAST = "（［｛「『【〈《"
_UNKNOWN_SIGN = "〓"
"""What Japanese printers set where a type is missing."""

Colour = tuple[int, int, int]


class ArchivePage(FPDF):
    """Pages of a PDF/A-2u file: its text can be searched, its font and colours are inside.

    Parameters
    ----------
    face
        Font for everything.
    statement
        Lines at the foot of every page.
    title, lang, dated
        For the file's metadata; ``dated`` stands in for the time of writing, so that equal input gives equal bytes.
    """

    def __init__(self, face: FontFace, statement: Sequence[str], title: str, lang: str, dated: datetime) -> None:
        super().__init__(format="A4", enforce_compliance=DocumentCompliance.PDFA_2U)
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(False)
        self.set_title(title)
        self.set_lang(lang)
        self.set_creation_date(dated)
        self.set_xmp_metadata(_metadata(title, lang, dated))
        self.add_font("body", fname=face.path, collection_font_number=face.number)
        _hold_in_memory(self.fonts["body"])
        self.set_font("body", size=9)
        self.alias_nb_pages("{nb}")
        self._statement = tuple(statement)
        self._known = set(self.fonts["body"].cmap)  # type: ignore[union-attr]
        self._advance: dict[str, float] = {}

    @property
    def room_mm(self) -> float:
        """What is left of this page."""
        return self.h - BOTTOM_MM - float(self.y)

    @property
    def width_mm(self) -> float:
        """Between the margins."""
        return self.w - 2 * MARGIN_MM

    def footer(self) -> None:
        """Write who diagnoses, and the page's number."""
        self.set_draw_color(*RULE)
        top = self.h - BOTTOM_MM + 4
        self.line(MARGIN_MM, top, self.w - MARGIN_MM, top)
        for index, line in enumerate(self._statement):
            self.write_line(line, MARGIN_MM, top + 1 + 3.4 * index, 7, SOFT)
        self._set(7, SOFT)
        self.set_xy(self.w - MARGIN_MM - 30, top + 1)
        self.cell(30, 3.4, f"{self.page_no()} / {{nb}}", align="R")

    def need(self, height_mm: float) -> bool:
        """Begin a new page if less than this is left; tells whether it did."""
        if self.room_mm >= height_mm or self.room_mm > self.h - BOTTOM_MM - MARGIN_MM - 1:
            return False
        self.add_page()
        return True

    def wrapped(self, text: str, size_pt: float, width_mm: float) -> list[str]:
        """Break text into lines: between words, and between Japanese characters where the rules allow."""
        lines, line, used = [], "", 0.0
        for piece in self._pieces(text, size_pt, width_mm):
            wide = self._wide(piece, size_pt)
            if piece == "\n" or (line and used + wide > width_mm and not piece.isspace()):
                lines.append(line.rstrip())
                line, used = "", 0.0
                if piece == "\n":
                    continue
            if line or not piece.isspace():
                line, used = line + piece, used + wide
        return [*lines, line.rstrip()]

    def text_block(
        self,
        text: str,
        size_pt: float = 9,
        colour: Colour = INK,
        *,
        left_mm: float = MARGIN_MM,
        width_mm: float | None = None,
        link: int | None = None,
        flows: bool = True,
    ) -> None:
        """Write a paragraph below the last one; ``flows`` over to the next page where there is no room."""
        height = size_pt * POINT_MM * LEADING
        for line in self.wrapped(text, size_pt, width_mm or self.w - MARGIN_MM - left_mm):
            if flows:
                self.need(height)
            self.write_line(line, left_mm, float(self.y), size_pt, colour, link)
            self.set_y(self.y + height)

    def write_line(
        self, line: str, x_mm: float, y_mm: float, size_pt: float, colour: Colour = INK, link: int | None = None
    ) -> None:
        """Write one line at a place."""
        wide = self._wide(line, size_pt)
        self._set(size_pt, colour)
        self.set_xy(x_mm, y_mm)
        self.cell(wide + 0.5, size_pt * POINT_MM * LEADING, self._writable(line), link=link or "")

    def heading(self, text: str, size_pt: float = 13, *, level: int | None = 0, keep_mm: float = 25.0) -> None:
        """Write a heading with a rule, and its bookmark, never alone at the end of a page."""
        self.need(keep_mm)
        if level is not None:
            # The bookmark alone: the visible heading is our own.
            self.start_section(self._writable(text), level)
        self.text_block(text, size_pt)
        self.set_draw_color(*INK)
        self.line(MARGIN_MM, self.y + 0.4, self.w - MARGIN_MM, self.y + 0.4)
        self.set_y(self.y + 2)

    def figures(self, named: Sequence[tuple[str, str]], columns: int, left_mm: float = MARGIN_MM) -> None:
        """Write figures below their names, side by side."""
        wide = (self.w - MARGIN_MM - left_mm) / columns
        for first in range(0, len(named), columns):
            self.need(9)
            top, below = float(self.y), float(self.y)
            for index, (name, value) in enumerate(named[first : first + columns]):
                self.set_y(top)
                at = left_mm + index * wide
                self.text_block(name, 6.5, SOFT, left_mm=at, width_mm=wide - 2, flows=False)
                self.text_block(value, 8, left_mm=at, width_mm=wide - 2, flows=False)
                below = max(below, float(self.y))
            self.set_y(below + 0.6)

    def ruled_table(
        self,
        columns: Sequence[tuple[str, float]],
        rows: Sequence[Sequence[str]],
        size_pt: float = 7.5,
        links: Sequence[int | None] | None = None,
        colours: Callable[[int], Colour | None] | None = None,
    ) -> None:
        """Write a table; its head is repeated on every page.

        ``columns`` are titles with their share of the width; ``links`` lead from the rows, ``colours`` mark them.
        """
        whole = sum(share for _, share in columns)
        widths = [self.width_mm * share / whole for _, share in columns]
        head = [title for title, _ in columns]
        self.need(20)
        self._row(head, widths, size_pt, SOFT)
        for index, row in enumerate(rows):
            cells = [self.wrapped(cell, size_pt, wide - 2) for cell, wide in zip(row, widths, strict=True)]
            if self.need(max(map(len, cells)) * size_pt * POINT_MM * LEADING + 2):
                self._row(head, widths, size_pt, SOFT)
            colour = colours(index) if colours is not None else None
            self._row(row, widths, size_pt, INK, links[index] if links else None, colour)

    def _row(
        self,
        row: Sequence[str],
        widths_mm: Sequence[float],
        size_pt: float,
        colour: Colour,
        link: int | None = None,
        mark: Colour | None = None,
    ) -> None:
        top, left, height = float(self.y), MARGIN_MM, 0.0
        for cell, wide in zip(row, widths_mm, strict=True):
            self.set_y(top + 0.7)
            self.text_block(cell, size_pt, colour, left_mm=left + 1, width_mm=wide - 2, link=link, flows=False)
            height = max(height, float(self.y) - top)
            left += wide
        if mark is not None:
            self.set_fill_color(*mark)
            self.rect(MARGIN_MM - 2, top + 0.6, 1.4, height - 0.6, style="F")
        self.set_draw_color(*RULE)
        self.line(MARGIN_MM, top + height + 0.5, self.w - MARGIN_MM, top + height + 0.5)
        self.set_y(top + height + 0.6)

    def _set(self, size_pt: float, colour: Colour) -> None:
        self.set_font("body", size=size_pt)
        self.set_text_color(*colour)

    def _writable(self, text: str) -> str:
        sign = _UNKNOWN_SIGN if ord(_UNKNOWN_SIGN) in self._known else "?"
        return "".join(one if ord(one) in self._known else _SIMILAR.get(one, sign) for one in text)

    def _wide(self, text: str, size_pt: float) -> float:
        total = 0.0
        for one in self._writable(text):
            if one not in self._advance:
                self.set_font("body", size=100)
                self._advance[one] = self.get_string_width(one) / 100
            total += self._advance[one]
        return total * size_pt

    def _pieces(self, text: str, size_pt: float, width_mm: float) -> Iterator[str]:
        """Give pieces that may stand alone; what is wider than a line, such as a hash, by character."""
        held = ""
        found = _PIECES.findall(text)
        for index, piece in enumerate(found):
            held += piece
            following = found[index + 1][0] if index + 1 < len(found) else ""
            if piece[-1] in _NEVER_LAST or (following and following in _NEVER_FIRST and not piece.isspace()):
                continue
            if self._wide(held, size_pt) > width_mm:
                yield from held
            else:
                yield held
            held = ""
        if held:
            yield held


def _hold_in_memory(font: CoreFont | TTFFont) -> None:
    """Close the font's file: fpdf2 would hold it open as long as the document lives."""
    if isinstance(font, TTFFont) and (reader := font.ttfont.reader) is not None:
        with reader.file as stream:
            stream.seek(0)
            reader.file = io.BytesIO(stream.read())


_SIMILAR = {"≤": "≦", "–": "-", "²": "2", "±": "+-", "·": "・", "σ": "s", "↑": "^", "\t": " "}
"""Instead of signs that some Japanese fonts lack."""


def _metadata(title: str, lang: str, dated: datetime) -> str:
    """Give the XMP of a PDF/A-2u file (ISO 19005-2, 6.6)."""
    time = dated.isoformat(timespec="seconds")
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>
<xmp:CreateDate>{time}</xmp:CreateDate><xmp:ModifyDate>{time}</xmp:ModifyDate>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>{lang}</rdf:li></rdf:Bag></dc:language>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
