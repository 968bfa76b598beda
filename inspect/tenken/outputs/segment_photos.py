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
    placed = [photo for photo in inspection.photos if photo.footprint is not None]
    if not segments or not placed:
        return []
    areas = np.array([segment.geometry for segment in segments], dtype=object)
    # A footprint that reaches the horizon can cross itself.
    footprints = shapely.make_valid(np.array([photo.footprint for photo in placed], dtype=object))
    which, where = STRtree(footprints).query(areas, predicate="intersects")
    shares = shapely.area(shapely.intersection(areas[which], footprints[where])) / shapely.area(areas[which])
    links = [
        (segments[i].segment_id, placed[j].photo, min(1.0, float(share)))
        for i, j, share in zip(which.tolist(), where.tolist(), shares.tolist(), strict=True)
        if share > LEAST_SHARE
    ]
    return sorted(links, key=lambda link: (link[0], -link[2], link[1]))
