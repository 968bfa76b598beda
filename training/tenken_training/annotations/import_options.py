"""What a user can choose about an import, checked once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tenken.errors import SettingsError
from tenken_training.annotations.classes import Target

ORIENTATIONS = ("auto", "shown", "stored")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a source becomes a data set.

    Parameters
    ----------
    format
        ``auto``, or the name of a reader.
    photos
        Folder of the photos, where they do not lie with the labels.
    classes
        What class names mean, beside the usual ones.
    site
        Structure or flight that all photos show; by default what ``sites.csv`` or the photo's folder says.
    kinds
        Kinds that were looked for in every photo; by default those that were labelled somewhere.
    val, test
        Shares of the photos.
    keep_splits
        Take the splits that the source states.
    tile_px
        Largest side of the tiles that large photos are cut into; 0 to keep them whole.
    empty_share
        Share of the tiles without a label that is kept.
    boxes_as_masks
        A box is taken as the defect's area.
    orientation
        ``auto``, or whether labels lie on photos as ``shown`` or as ``stored``.
    skip_missing
        Leave photos out that are not there, instead of refusing all.
    skip_unlabelled
        Leave photos without a label out: nobody looked at them.
    append
        Add to a data set that is there.
    seed
        Draws the sites.

    Raises
    ------
    SettingsError
        When a value is out of range.
    """

    format: str = "auto"
    photos: Path | None = None
    classes: Mapping[str, Target] = field(default_factory=dict)
    site: str | None = None
    kinds: tuple[str, ...] = ()
    val: float = 0.15
    test: float = 0.15
    keep_splits: bool = False
    tile_px: int = 1280
    empty_share: float = 0.2
    boxes_as_masks: bool = False
    orientation: str = "auto"
    skip_missing: bool = False
    skip_unlabelled: bool = False
    append: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.val < 1 and 0 <= self.test < 1 and self.val + self.test < 1):
            raise SettingsError(f"--val {self.val} --test {self.test}: give shares that leave something to train with")
        if self.tile_px and self.tile_px < 256:
            raise SettingsError(f"--tile {self.tile_px}: give at least 256 pixels, or 0 to keep photos whole")
        if not 0 <= self.empty_share <= 1:
            raise SettingsError(f"--empty-tiles {self.empty_share}: give a share from 0 to 1")
        if self.orientation not in ORIENTATIONS:
            raise SettingsError(f"--orientation {self.orientation}: give one of {', '.join(ORIENTATIONS)}")
        if self.photos is not None and not self.photos.is_dir():
            raise SettingsError(f"--photos {self.photos}: is no folder; give the folder of the photos")
