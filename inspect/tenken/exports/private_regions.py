"""Boxes of faces and number plates as a detector of the user's proposes them. Tenken ships no such detector."""

from tenken.detection.detect import Detector
from tenken.detection.tiles import tile_windows
from tenken.exports.public_review import Box
from tenken.imagery.picture import RgbArray

TILE_PX = 640
OVERLAP = 0.2


def proposed_boxes(image: RgbArray, detector: Detector) -> tuple[Box, ...]:
    """Run a detector over a photo's tiles; boxes of neighbouring tiles may repeat, which blurs no less."""
    height_px, width_px = image.shape[:2]
    boxes = set()
    for left, top, right, bottom in tile_windows(width_px, height_px, tile_px=TILE_PX, overlap=OVERLAP).tolist():
        for x0, y0, x1, y1 in detector(image[top:bottom, left:right]).xyxy_px.tolist():
            boxes.add((int(left + x0), int(top + y0), max(1, round(x1 - x0)), max(1, round(y1 - y0))))
    return tuple(sorted(boxes))
