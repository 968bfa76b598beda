"""Which photos show which segment: what joins the two in a map."""

import numpy as np
import shapely
from shapely import STRtree

from tenken.inspection import Inspection

LEAST_SHARE = 1e-4
"""Below this share of a segment an overlap comes from rounding; coverage draws the same line."""


def segment_photos(inspection: Inspection) -> list[tuple[str, str, float]]:
    """Find the photos, usable or not, whose footprint shows a part of a segment.

    Returns
    -------
    (segment id, photo, share of the segment's area 0..1), by segment, then the largest share first.
    """
    segments = [finding.segment for finding in inspection.findings]
    links = []
    for face in sorted({segment.face for segment in segments}, key=lambda one: one or ""):
        own = [segment for segment in segments if segment.face == face]
        shown = [(photo.photo, shape) for photo in inspection.photos if (shape := photo.shows_of(face)) is not None]
        if not shown:
            continue
        areas = np.array([segment.geometry for segment in own], dtype=object)
        # A footprint that reaches the horizon can cross itself.
        footprints = shapely.make_valid(np.array([shape for _, shape in shown], dtype=object))
        which, where = STRtree(footprints).query(areas, predicate="intersects")
        shares = shapely.area(shapely.intersection(areas[which], footprints[where])) / shapely.area(areas[which])
        links += [
            (own[i].segment_id, shown[j][0], min(1.0, float(share)))
            for i, j, share in zip(which.tolist(), where.tolist(), shares.tolist(), strict=True)
            if share > LEAST_SHARE
        ]
    return sorted(links, key=lambda link: (link[0], -link[2], link[1]))
