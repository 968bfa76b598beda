"""The worst misses and false alarms as small pictures: in a white frame; labelled in blue, found in orange."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from shapely import MultiPolygon
from skimage.measure import find_contours

from tenken_training.evaluation.blunders import Blunder
from tenken_training.evaluation.labels import LabelledSet
from tenken_training.evaluation.photo_score import PhotoScore
from tenken_training.evaluation.truth import BoolArray

PICTURES = 12
"""Of each sort and kind."""

PER_PHOTO = 2
"""One bad photo must not fill the page."""

SIDE_PX, MARGIN_PX, LEAST_PX = 320, 24, 160
"""Side of a picture; surroundings shown around a blunder; least part of a photo shown."""

LABELLED_RGB, FOUND_RGB, FRAME_RGB = (0, 150, 255), (255, 140, 0), (255, 255, 255)


@dataclass(frozen=True, slots=True)
class BlunderPicture:
    """A picture of a blunder, ready for the page."""

    photo: str
    blunder: Blunder
    data_uri: str


def worst_pictures(
    labelled: LabelledSet, scores: Sequence[PhotoScore], kind: str, *, count: int = PICTURES
) -> tuple[list[BlunderPicture], list[BlunderPicture]]:
    """Draw the largest misses, and the false alarms the detector was surest of."""
    by_name = {photo.name: photo for photo in labelled.photos}
    all_of_kind = [(score, blunder) for score in scores for blunder in score.kinds[kind].blunders]
    misses = sorted((pair for pair in all_of_kind if pair[1].score is None), key=lambda pair: -pair[1].size)
    alarms = sorted((pair for pair in all_of_kind if pair[1].score is not None), key=lambda pair: -_score(pair[1]))
    drawn: tuple[list[BlunderPicture], list[BlunderPicture]] = ([], [])
    for pictures, chosen in zip(drawn, (_spread(misses, count), _spread(alarms, count)), strict=True):
        for score, blunder in chosen:
            image, truth = labelled.load(by_name[score.photo])
            outlines = [defect.outline_px for defect in score.defects if defect.kind == kind]
            picture = draw_blunder(image, truth.region(kind), outlines, blunder)
            pictures.append(BlunderPicture(score.photo, blunder, as_data_uri(picture)))
    return drawn


def draw_blunder(
    image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    region: BoolArray,
    outlines: Sequence[MultiPolygon],
    blunder: Blunder,
) -> Image.Image:
    """Cut the blunder's surroundings out of a photo and draw the labelled region and the found outlines."""
    left, top, right, bottom = _window(blunder, image.shape[1], image.shape[0])
    zoom = SIDE_PX / max(right - left, bottom - top)
    size = max(1, round((right - left) * zoom)), max(1, round((bottom - top) * zoom))
    picture = Image.fromarray(image[top:bottom, left:right]).resize(size, Image.Resampling.BICUBIC)
    pencil = ImageDraw.Draw(picture)
    for contour in find_contours(np.pad(region[top:bottom, left:right], 1).astype(np.float32), 0.5):
        # Contours run through pixel centres of the padded mask.
        xy = (contour[:, ::-1] - 0.5) * zoom
        pencil.line([(float(x), float(y)) for x, y in xy], fill=LABELLED_RGB, width=1)
    for outline in outlines:
        for polygon in outline.geoms:
            for ring in (polygon.exterior, *polygon.interiors):
                xy = (np.asarray(ring.coords)[:, :2] - [left, top]) * zoom
                pencil.line([(float(x), float(y)) for x, y in xy], fill=FOUND_RGB, width=2)
    frame = (np.asarray(blunder.xyxy_px) - [left, top, left, top]) * zoom + [-4, -4, 4, 4]
    pencil.rectangle([float(edge) for edge in frame], outline=FRAME_RGB)
    return picture


def as_data_uri(picture: Image.Image) -> str:
    """Put a picture into an address that needs no file."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _spread(pairs: Sequence[tuple[PhotoScore, Blunder]], count: int) -> Iterator[tuple[PhotoScore, Blunder]]:
    shown: dict[str, int] = {}
    for score, blunder in pairs:
        shown[score.photo] = shown.get(score.photo, 0) + 1
        if shown[score.photo] <= PER_PHOTO:
            yield score, blunder
            count -= 1
        if not count:
            return


def _window(blunder: Blunder, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """Square around the blunder, moved into the photo."""
    left, top, right, bottom = blunder.xyxy_px
    side = int(max(right - left, bottom - top, LEAST_PX - 2 * MARGIN_PX)) + 2 * MARGIN_PX
    x0 = min(max(0, round((left + right - side) / 2)), max(0, width_px - side))
    y0 = min(max(0, round((top + bottom - side) / 2)), max(0, height_px - side))
    return x0, y0, min(width_px, x0 + side), min(height_px, y0 + side)


def _score(blunder: Blunder) -> float:
    return -1.0 if blunder.score is None else blunder.score
