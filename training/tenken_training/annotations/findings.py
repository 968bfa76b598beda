"""What an import noticed: labels and photos that a person should look at."""

from dataclasses import dataclass

CHECKS: dict[str, str] = {
    "outside": "lies outside the picture; what is inside was kept",
    "empty": "has no area; left out",
    "self-crossing": "its outline crosses itself; mended",
    "wider-than-crack": "is much wider than the dark line in it",
    "width-assumed": "drawn as a line whose width could not be measured",
    "box": "a box is no outline: it counts neither as defect nor as sound",
    "duplicate": "drawn twice; left out",
    "unlabelled": "the weights see a defect here that nobody labelled",
    "added": "drawn on the map: see whether it lies on the defect in this photo",
    "same-photo": "a photo that is there already",
    "near-duplicate": "nearly the same photo as another",
    "tiny": "smaller than 4 pixels: a slip of the pen?",
}
"""What a finding says, the most suspicious first."""

ORDER = (
    "unlabelled", "wider-than-crack", "outside", "self-crossing", "added", "duplicate", "empty", "tiny",
    "width-assumed", "near-duplicate", "same-photo", "box",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at.

    Parameters
    ----------
    check
        A key of `CHECKS`.
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
