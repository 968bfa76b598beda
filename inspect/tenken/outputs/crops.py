"""A picture of each defect from its best sighting: the surface as it is beside what was found on it."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from shapely import LineString, MultiLineString, MultiPolygon, Polygon, line_interpolate_point
from shapely.ops import substring

from tenken.identity.identify import Defect
from tenken.inspection import Inspection, PhotoRecord
from tenken.measurement.measure import Sighting
from tenken.outputs.figures import (
    UNKNOWN,
    area_text,
    length_text,
    pixel_size_text,
    resolution_text,
    width_text,
)
from tenken.thread_pool import thread_pool

LoadWindow = Callable[[str, int, int, int, int], npt.NDArray[np.uint8]]
"""(photo, x0, y0, x1, y1) to the pixels of that window, (y1 - y0, x1 - x0, 3) uint8 RGB, as displayed."""

LARGEST_PX = 800
GAP_PX = 6
FOOTER_PX = 24
LARGEST_WINDOW_PX = 6000
"""A longer defect (an orthomosaic's) is shown around its middle."""
SMALLEST_WINDOW_PX = 120
LARGEST_ZOOM = 4.0
DETAIL_BELOW_ZOOM = 0.6
"""Where the whole must be shrunk further, a thin crack fades: a detail at full resolution is shown."""
DASH_PX = 4.0
TICK_SPACING_PX, LEAST_TICK_PX = 22.0, 11.0
"""Ticks show where a crack's width was read, as long as it is wide there, if that can be seen."""
JPEG_QUALITY = 82

_OUTLINE = (0, 229, 255)
_CENTRE_LINE = (255, 235, 59)
_INFERRED = (255, 160, 0)
_WIDTH_TICK = (255, 64, 200)
_DETAIL_FRAME = (255, 255, 255)
_PAPER = (250, 250, 248)
_INK = (24, 28, 32)

_PLAIN = str.maketrans({"–": "-", "≤": "<=", "²": "2", "×": "x"})
"""Signs that the font that comes with Pillow lacks; a font of the machine would make different pictures."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Panel:
    """A window of the photo and how large it is drawn."""

    window: Box
    zoom: float

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height as drawn."""
        x0, y0, x1, y1 = self.window
        return max(1, round((x1 - x0) * self.zoom)), max(1, round((y1 - y0) * self.zoom))


@dataclass(frozen=True, slots=True)
class CropsUnderWay:
    """Pictures that are being drawn: how each will be called, and the work that is not done yet."""

    paths: dict[str, str]
    """Path of each picture relative to the folder's parent, with forward slashes, by defect id."""
    parts: tuple[Future[None], ...]

    def wait(self) -> None:
        """Come back when all are drawn; what went wrong in one is raised here."""
        for part in self.parts:
            part.result()


def write_crops(folder: Path, inspection: Inspection, load_window: LoadWindow, threads: int = 1) -> dict[str, str]:
    """Write ``<defect id>.jpg`` for each defect that has a sighting, ready for report and map tips.

    Parameters
    ----------
    folder
        Where the pictures go; made if absent.
    inspection
        The result.
    load_window
        Gives a photo's pixels; each thread calls it photo by photo, so that a cache of one photo a thread is enough.
    threads
        Photos at the same time. Has no influence on the pictures.

    Returns
    -------
    dict
        Path of each picture relative to the folder's parent, with forward slashes, by defect id.
    """
    with thread_pool(threads) as pool:
        crops = start_crops(folder, inspection.photos, inspection.defects, load_window, pool, threads)
        crops.wait()
    return crops.paths


def start_crops(
    folder: Path,
    photos: Sequence[PhotoRecord],
    defects: Sequence[Defect],
    load_window: LoadWindow,
    pool: Executor,
    threads: int,
) -> CropsUnderWay:
    """Begin what `write_crops` does, in the ``threads`` of a pool, while the caller goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes_px = {photo.photo: (photo.width_px, photo.height_px) for photo in photos}
    shown = [defect for defect in defects if defect.sightings and defect.sightings[0].photo in sizes_px]

    def write(part: Sequence[Defect]) -> None:
        for defect in part:
            best = defect.sightings[0]
            picture = draw_crop(defect, sizes_px[best.photo], load_window)
            # A derived picture names its parent and carries the parent's hash.
            parent = f"{best.photo}\nsha256 {best.photo_sha256}\n{defect.id}"
            path = folder / f"{defect.id}.jpg"
            # Thin coloured lines need all of their colour.
            picture.save(path, quality=JPEG_QUALITY, subsampling=0, comment=parent.encode("utf-8"))

    return CropsUnderWay(
        {identity: f"{folder.name}/{identity}.jpg" for identity in sorted(defect.id for defect in shown)},
        tuple(pool.submit(write, part) for part in _by_photo(shown, threads)),
    )


def _by_photo(defects: Sequence[Defect], threads: int) -> list[list[Defect]]:
    """Put together what a thread draws at a time: the defects of one photo, or of an orthomosaic a share."""
    groups: dict[str, list[Defect]] = {}
    for defect in sorted(defects, key=lambda one: (one.sightings[0].photo, one.id)):
        groups.setdefault(defect.sightings[0].photo, []).append(defect)
    if len(groups) == 1:
        [whole] = groups.values()
        return [share for first in range(threads) if (share := whole[first::threads])]
    return list(groups.values())


def draw_crop(defect: Defect, photo_size_px: tuple[int, int], load_window: LoadWindow) -> Image.Image:
    """Draw a defect's best sighting, untouched and annotated, with scale bars and a caption of its figures.

    The caption holds numbers and units only, so that one picture serves every language.
    """
    best = defect.sightings[0]
    window = _window(best, photo_size_px)
    side_by_side, zoom = _layout(window)
    annotated = Panel(window, zoom)
    untouched = annotated
    if zoom < DETAIL_BELOW_ZOOM:
        untouched = Panel(_detail_window(best, annotated), 1.0)
    pixels = load_window(best.photo, *window)
    pictures = [_render(pixels, window, panel) for panel in (untouched, annotated)]
    _annotate(ImageDraw.Draw(pictures[1]), best, annotated)
    if untouched is not annotated:
        frame = [(value - origin) * zoom for value, origin in zip(untouched.window, window[:2] * 2, strict=True)]
        ImageDraw.Draw(pictures[1]).rectangle(frame, outline=_DETAIL_FRAME)
    tiles = [
        _with_scale_bar(picture, panel, best.gsd_mm)
        for picture, panel in zip(pictures, (untouched, annotated), strict=True)
    ]
    return _sheet(tiles, side_by_side, caption(defect))


def scale_bar(mm_per_px: float, room_px: float) -> tuple[float, str]:
    """Give the longest round length (1, 2 or 5 times a power of ten) that fits.

    Returns
    -------
    float
        Its length in pixels.
    str
        Its label in mm, cm or m.
    """
    room_mm = mm_per_px * room_px
    power = 10.0 ** math.floor(math.log10(room_mm))
    length_mm = max(step * power for step in (1, 2, 5) if step * power <= room_mm * (1 + 1e-9))
    return length_mm / mm_per_px, _length_label(length_mm)


def _length_label(length_mm: float) -> str:
    if length_mm >= 1000:
        return f"{length_mm / 1000:g} m"
    return f"{length_mm / 10:g} cm" if length_mm >= 10 else f"{length_mm:g} mm"


def _window(sighting: Sighting, photo_size_px: tuple[int, int]) -> Box:
    """Give the part of the photo around a sighting, with a margin, never beyond the photo."""
    left, top, right, bottom = sighting.outline_px.bounds
    margin = max(24.0, 0.15 * max(right - left, bottom - top))
    middle = sighting.outline_px.representative_point()
    spans = []
    for low, high, centre, size in (
        (left, right, middle.x, photo_size_px[0]),
        (top, bottom, middle.y, photo_size_px[1]),
    ):
        start, stop = low - margin, high + margin
        if stop - start > LARGEST_WINDOW_PX:
            start, stop = centre - LARGEST_WINDOW_PX / 2, centre + LARGEST_WINDOW_PX / 2
        short = max(0.0, SMALLEST_WINDOW_PX - (stop - start)) / 2
        first = min(max(0, math.floor(start - short)), max(0, size - 1))
        last = max(min(size, math.ceil(stop + short)), first + 1)
        spans.append((first, last))
    return spans[0][0], spans[1][0], spans[0][1], spans[1][1]


def _layout(window: Box) -> tuple[bool, float]:
    """Choose side by side or one above the other, whichever shows the defect larger."""
    width, height = window[2] - window[0], window[3] - window[1]
    half = (LARGEST_PX - GAP_PX) / 2
    upright = LARGEST_PX - 2 * FOOTER_PX
    beside = min(half / width, upright / height)
    stacked = min(LARGEST_PX / width, (half - 1.5 * FOOTER_PX) / height)
    return beside >= stacked, min(max(beside, stacked), LARGEST_ZOOM)


def _detail_window(sighting: Sighting, whole: Panel) -> Box:
    """Give a window at full resolution, of the whole panel's drawn size, on the middle of the defect."""
    lines = _lines(sighting.centreline_px)
    longest = max(lines, key=lambda line: float(line.length), default=None)
    middle = (
        sighting.outline_px.representative_point()
        if longest is None
        else line_interpolate_point(longest, 0.5, normalized=True)
    )
    x0, y0, x1, y1 = whole.window
    width, height = whole.size_px
    left = round(min(max(middle.x - width / 2, x0), x1 - width))
    top = round(min(max(middle.y - height / 2, y0), y1 - height))
    return left, top, left + width, top + height


def _render(pixels: npt.NDArray[np.uint8], window: Box, panel: Panel) -> Image.Image:
    x0, y0, x1, y1 = panel.window
    part = pixels[y0 - window[1] : y1 - window[1], x0 - window[0] : x1 - window[0]]
    resample = Image.Resampling.LANCZOS if panel.zoom < 1 else Image.Resampling.BICUBIC
    return Image.fromarray(np.ascontiguousarray(part)).resize(panel.size_px, resample)


def _annotate(draw: ImageDraw.ImageDraw, sighting: Sighting, panel: Panel) -> None:
    """Draw the outline, the centre line, dashed where it was inferred, and where the width was read, a pixel thin."""

    def drawn(line: LineString) -> list[tuple[float, float]]:
        return [((x - panel.window[0]) * panel.zoom, (y - panel.window[1]) * panel.zoom) for x, y in line.coords]

    for polygon in _polygons(sighting.outline_px):
        for ring in (polygon.exterior, *polygon.interiors):
            draw.line(drawn(ring), fill=_OUTLINE, width=1)
    inferred = {line.wkb for line in _lines(sighting.inferred_px)}
    for line in _lines(sighting.centreline_px):
        if line.wkb not in inferred:
            draw.line(drawn(line), fill=_CENTRE_LINE, width=1)
            continue
        dash = DASH_PX / panel.zoom
        for start in np.arange(0.0, line.length, 2 * dash):
            part = substring(line, start, start + dash)
            if isinstance(part, LineString):
                draw.line(drawn(part), fill=_INFERRED, width=1)
    for tick in _ticks(sighting.chords_px, panel.zoom):
        draw.line(drawn(tick), fill=_WIDTH_TICK, width=1)


def _ticks(chords: MultiLineString | None, zoom: float) -> list[LineString]:
    """Choose chords that are far enough apart to be told from each other, and make them long enough to be seen."""
    ticks: list[LineString] = []
    last: npt.NDArray[np.float64] | None = None
    for chord in _lines(chords):
        ends = np.asarray(chord.coords)
        middle = ends.mean(axis=0)
        if last is not None and np.hypot(*(middle - last)) * zoom < TICK_SPACING_PX:
            continue
        last = middle
        grown = max(1.0, LEAST_TICK_PX / zoom / max(float(chord.length), 1e-6))
        ticks.append(LineString(middle + (ends - middle) * grown))
    return ticks


def _polygons(shape: MultiPolygon) -> list[Polygon]:
    return [part for part in shape.geoms if not part.is_empty]


def _lines(shape: MultiLineString | None) -> list[LineString]:
    return [] if shape is None else [part for part in shape.geoms if not part.is_empty]


def _with_scale_bar(picture: Image.Image, panel: Panel, gsd_mm: float | None) -> Image.Image:
    """Put a strip with a scale bar below a picture, in pixels where there is no scale."""
    width = max(picture.width, SMALLEST_WINDOW_PX)
    tile = Image.new("RGB", (width, picture.height + FOOTER_PX), _PAPER)
    tile.paste(picture, ((width - picture.width) // 2, 0))
    if gsd_mm is None:
        length, label = scale_bar(1 / panel.zoom, width * 0.4)
        label = f"{round(length / panel.zoom)} px"
    else:
        length, label = scale_bar(gsd_mm / panel.zoom, width * 0.4)
    draw = ImageDraw.Draw(tile)
    y = picture.height + 12
    draw.line([(6, y), (6 + length, y)], fill=_INK, width=3)
    for x in (6.0, 6 + length):
        draw.line([(x, y - 4), (x, y + 4)], fill=_INK, width=1)
    draw.text((6 + length + 8, y), label, fill=_INK, font=ImageFont.load_default(13), anchor="lm")
    return tile


def caption(defect: Defect) -> str:
    """Give a picture's caption: its id, numbers and units, in signs that every machine draws alike."""
    best = defect.sightings[0]
    if defect.length_m is None and defect.area_m2 is None:
        figures = [pixel_size_text(defect)]
    elif best.centreline_px is not None or defect.width_status is not None:
        figures = [length_text(defect.length_m), width_text(defect)]
    else:
        figures = [area_text(defect.area_m2)]
    known = [part for part in (defect.id, *figures, resolution_text(best.gsd_mm)) if part != UNKNOWN]
    return "   ".join(known).translate(_PLAIN)


def _sheet(tiles: list[Image.Image], side_by_side: bool, text: str) -> Image.Image:
    font = ImageFont.load_default(13)
    if side_by_side:
        width, height = sum(tile.width for tile in tiles) + GAP_PX, max(tile.height for tile in tiles)
    else:
        width, height = max(tile.width for tile in tiles), sum(tile.height for tile in tiles) + GAP_PX
    width = max(width, math.ceil(font.getlength(text)) + 12)
    sheet = Image.new("RGB", (width, height + FOOTER_PX), _PAPER)
    offset = 0
    for tile in tiles:
        sheet.paste(tile, (offset, 0) if side_by_side else (0, offset))
        offset += (tile.width if side_by_side else tile.height) + GAP_PX
    ImageDraw.Draw(sheet).text((6, height + FOOTER_PX / 2), text, fill=_INK, font=font, anchor="lm")
    return sheet
