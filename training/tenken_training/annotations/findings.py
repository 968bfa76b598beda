"""What an import noticed: labels and photos that a person should look at."""

from dataclasses import dataclass

ORDER = (
    "unlabelled", "wider-than-crack", "outside", "self-crossing", "added", "duplicate", "empty", "tiny",
    "width-assumed", "near-duplicate", "same-photo", "box",
)  # fmt: skip
"""Checks, the most suspicious first; what a finding says stands in the catalogue."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at.

    Parameters
    ----------
    check
        One of `ORDER`.
    photo
        Name in the data set, or of the source where nothing came of it.
    where
        File and place of the label, as far as known.
    kind
        Of the defect; empty for photos.
    detail
        Figures.
    xyxy_px
        Where in the photo; None for the photo as a whole.
    """

    check: str
    photo: str
    where: str
    kind: str = ""
    detail: str = ""
    xyxy_px: tuple[float, float, float, float] | None = None
