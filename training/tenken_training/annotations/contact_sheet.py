"""One picture that shows what was imported: labels over their photos, the suspicious first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image, ImageDraw, ImageFont
from shapely import Polygon

from tenken_training.annotations.findings import Finding
from tenken_training.annotations.photo import AnnotatedPhoto, Label

COLUMNS, SIDE_PX, CAPTION_PX, GAP_PX = 6, 260, 34, 8
MOST_SUSPICIOUS, MOST_OF_A_KIND = 36, 12
LEAST_SHOWN_PX = 96
SURROUNDINGS = 1.5
"""Side of what is shown, by the label's longer side."""
MOST_OF_A_LABEL = 8.0
"""Of a label so many times as large as the place that a check means, only that place is shown."""
FEW_OF_A_CHECK = 9
"""One sort of fault must not fill the sheet."""
AREA_RGB, LINE_RGB, IGNORED_RGB, FRAME_RGB = (0, 150, 255), (255, 140, 0), (150, 150, 150), (220, 0, 60)

Loader = Callable[[AnnotatedPhoto], npt.NDArray[np.uint8]]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Cell:
    photo: AnnotatedPhoto
    box: Box
    caption: str
    finding: Finding | None


def write_contact_sheet(
    path: Path, photos: Sequence[AnnotatedPhoto], findings: Sequence[Finding], load: Loader
) -> dict[Finding, int]:
    """Draw the suspicious labels, then some of each kind; nothing where there is nothing to show.

    Outlines are blue, centre lines orange, what does not count grey; the place that a check means is framed in red.

    Parameters
    ----------
    path
        JPEG to write.
    photos
        With their labels.
    findings
        The most suspicious first.
    load
        Gives a photo's pixels, (h, w, 3) uint8 RGB.

    Returns
    -------
    Number of the picture of each finding that is shown, from 1.
    """
    by_name = {photo.name: photo for photo in photos}
    cells = _suspicious(by_name, findings) + _usual(photos)
    if not cells:
        return {}
    rows = -(-len(cells) // COLUMNS)
    step_x, step_y = SIDE_PX + GAP_PX, SIDE_PX + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (COLUMNS * step_x + GAP_PX, rows * step_y + GAP_PX), (245, 245, 245))
    pencil, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    last: tuple[str, npt.NDArray[np.uint8]] | None = None
    shown = {}
    # Cells of one photo together, so that each is decoded once.
    for number in sorted(range(len(cells)), key=lambda number: (cells[number].photo.name, number)):
        cell = cells[number]
        if last is None or last[0] != cell.photo.name:
            last = cell.photo.name, load(cell.photo)
        x, y = GAP_PX + number % COLUMNS * step_x, GAP_PX + number // COLUMNS * step_y
        sheet.paste(_picture(cell, last[1]), (x, y))
        for line, text in enumerate((f"{number + 1}  {cell.caption}", cell.photo.name)):
            pencil.text((x, y + SIDE_PX + 2 + 15 * line), _fitted(text, font), fill=(20, 20, 20), font=font)
        if cell.finding is not None:
            shown[cell.finding] = number + 1
    sheet.save(path, "JPEG", quality=88, subsampling=0)
    return shown


def _suspicious(by_name: dict[str, AnnotatedPhoto], findings: Sequence[Finding]) -> list[_Cell]:
    cells: list[_Cell] = []
    counts: dict[str, int] = {}
    for one in findings:
        counts[one.check] = counts.get(one.check, 0) + 1
        if one.photo in by_name and counts[one.check] <= FEW_OF_A_CHECK and len(cells) < MOST_SUSPICIOUS:
            photo = by_name[one.photo]
            box = (0.0, 0.0, float(photo.width_px), float(photo.height_px))
            if one.xyxy_px is not None:
                box = _with_labels(one.xyxy_px, photo, one.kind)
            cells.append(
                _Cell(
                    photo, box, f"{one.check}: {one.detail}" if one.detail else f"{one.kind} {one.check}".strip(), one
                )
            )
    return cells


def _usual(photos: Sequence[AnnotatedPhoto]) -> list[_Cell]:
    of_kind: dict[str, list[_Cell]] = {}
    for photo in photos:
        for label in photo.labels:
            left, top, right, bottom = label.area.bounds
            cell = _Cell(photo, (left, top, right, bottom), _named(label), None)
            of_kind.setdefault(label.kind, []).append(cell)
    cells = []
    for kind in sorted(of_kind):
        places = np.linspace(0, len(of_kind[kind]) - 1, min(MOST_OF_A_KIND, len(of_kind[kind]))).round().astype(int)
        cells += [of_kind[kind][place] for place in np.unique(places)]
    return cells


def _picture(cell: _Cell, image: npt.NDArray[np.uint8]) -> Image.Image:
    left, top, right, bottom = _window(cell.box, image.shape[1], image.shape[0])
    zoom = SIDE_PX / max(right - left, bottom - top)
    size = max(1, round((right - left) * zoom)), max(1, round((bottom - top) * zoom))
    picture = Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    picture = picture.resize(size, Image.Resampling.BICUBIC if zoom > 1 else Image.Resampling.BOX)
    pencil = ImageDraw.Draw(picture)

    def placed(coords: npt.ArrayLike) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in (np.asarray(coords)[:, :2] - [left, top]) * zoom]

    for label in cell.photo.labels:
        colour = IGNORED_RGB if label.ignore else AREA_RGB
        for part in shapely.get_parts(label.area):
            if isinstance(part, Polygon):
                for ring in (part.exterior, *part.interiors):
                    pencil.line(placed(ring.coords), fill=colour, width=1)
        if label.line is not None:
            pencil.line(placed(label.line.coords), fill=LINE_RGB, width=1)
    if cell.finding is not None and cell.finding.xyxy_px is not None:
        x0, y0, x1, y1 = cell.finding.xyxy_px
        (ax, ay), (bx, by) = placed([(x0, y0), (x1, y1)])
        frame = np.array([ax - 3, ay - 3, max(bx, ax) + 3, max(by, ay) + 3])
        pencil.rectangle(frame.clip(0, [size[0] - 1, size[1] - 1] * 2).tolist(), outline=FRAME_RGB, width=2)
    return picture


def _window(box: Box, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """Square around a box, moved into the photo."""
    left, top, right, bottom = box
    side = int(max(SURROUNDINGS * (right - left), SURROUNDINGS * (bottom - top), LEAST_SHOWN_PX))
    x0 = int(np.clip((left + right - side) / 2, 0, max(0, width_px - side)))
    y0 = int(np.clip((top + bottom - side) / 2, 0, max(0, height_px - side)))
    return x0, y0, min(width_px, x0 + side), min(height_px, y0 + side)


def _with_labels(box: Box, photo: AnnotatedPhoto, kind: str) -> Box:
    """Extend a place by the labels it lies on, unless it would be hard to see among them."""
    place = shapely.box(*box)
    bounds = np.array([
        label.area.bounds for label in photo.labels if label.kind == kind and label.area.intersects(place)
    ]).reshape(-1, 4)  # fmt: skip
    left, top = np.vstack([bounds, box])[:, :2].min(axis=0)
    right, bottom = np.vstack([bounds, box])[:, 2:].max(axis=0)
    most = MOST_OF_A_LABEL * max(box[2] - box[0], box[3] - box[1], LEAST_SHOWN_PX / SURROUNDINGS)
    return (float(left), float(top), float(right), float(bottom)) if max(right - left, bottom - top) <= most else box


def _named(label: Label) -> str:
    parts = [label.kind, label.state or "", label.drawn if label.drawn != "area" else ""]
    return " ".join(part for part in (*parts, "ignored" if label.ignore else "") if part)


def _fitted(text: str, font: Font) -> str:
    """Take letters out of the middle until a text has the room there is; Pillow's own font has no Japanese."""
    plain = "".join(character if character.isascii() else "?" for character in text)
    if font.getlength(plain) <= SIDE_PX:
        return plain
    for kept in range(len(plain) - 1, 1, -1):
        short = f"{plain[: kept - kept // 2]}…{plain[len(plain) - kept // 2 :]}"
        if font.getlength(short) <= SIDE_PX:
            return short
    return ""
