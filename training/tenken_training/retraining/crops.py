"""Crops of the new photos among crops of what was known before."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tenken_demo.noise import stream
from tenken_training.crops import CropMaker
from tenken_training.prepared_index import PreparedIndex, PreparedPhoto
from tenken_training.recipe import CropKind
from tenken_training.retraining.settings import Retraining
from tenken_training.retraining.sources import Sources
from tenken_training.view import Labelled

SITE_SHARES: dict[CropKind, float] = {
    "crack_photo": 0.5,
    "crack_mosaic": 0.05,
    "pasted_crack": 0.1,
    "crack_among_lookalikes": 0.05,
    "corrosion_photo": 0.5,
    "corrosion_mosaic": 0.05,
    "pasted_rust": 0.05,
    "flight_negative": 0.15,
    "mined_negative": 0.15,
}
"""Of the new photos; kinds of crops for which there is nothing are left out."""
REPLAY_SHARES: dict[CropKind, float] = {
    "cracked_wall": 0.5,
    "rusted_steel": 0.2,
    "rendered_negative": 0.1,
    "drawn_crack": 0.1,
    "crack_among_lookalikes": 0.1,
    "crack_photo": 0.15,
    "corrosion_photo": 0.15,
}
EARLIER_FACTOR = 2.0
"""Photos of earlier sets count for so much more than rendered ones, where there are any. With 4, a site of white cracks
cost 0.03 of the line F1 on rendered concrete."""


def site_shares(sources: Sources) -> dict[CropKind, float]:
    """Parts of the new photos' crops, by what the photos show."""
    train = [photo for photo in sources.site if photo.split == "train"]
    has = {kind: any(photo.kind == kind for photo in train) for kind in ("crack", "corrosion", "flight")}
    needs: dict[CropKind, bool] = {
        "crack_photo": has["crack"],
        "crack_mosaic": has["crack"],
        "pasted_crack": has["crack"],
        "crack_among_lookalikes": has["crack"],
        "corrosion_photo": has["corrosion"],
        "corrosion_mosaic": has["corrosion"],
        "pasted_rust": has["corrosion"] and has["crack"],
        "flight_negative": has["flight"],
        "mined_negative": sources.absent > 0,
    }
    return {kind: share for kind, share in SITE_SHARES.items() if needs[kind]}


def replay_shares(sources: Sources) -> dict[CropKind, float]:
    """Parts of the replayed crops."""
    earlier = [photo for photo in sources.replay if not photo.image.startswith("rendered/")]
    shares = dict(REPLAY_SHARES)
    for kind in ("crack", "corrosion"):
        if any(photo.kind == kind for photo in earlier):
            name: CropKind = "crack_photo" if kind == "crack" else "corrosion_photo"
            shares[name] *= EARLIER_FACTOR
    return shares


def index_of(photos: tuple[PreparedPhoto, ...], inputs: dict[str, str]) -> PreparedIndex:
    """Give photos as `tenken_training.crops.CropMaker` takes them."""
    return PreparedIndex(recipe={}, inputs=inputs, photos=photos)


class MixedCrops:
    """Makes the crops of a retraining; the same numbers give the same crop.

    Of crops of what was known the network is held to what it said before, and so it is everywhere of a kind that the
    new photos do not show: what they teach of one kind should not change the other.

    Parameters
    ----------
    settings
        Shares, sizes and seed.
    sources
        What was prepared.
    folder
        Where it lies.
    """

    def __init__(self, settings: Retraining, sources: Sources, folder: Path) -> None:
        self._settings = settings
        replayed = settings.model_copy(update={"crops": settings.replay_crops, "mining": None})
        earlier = tuple(photo for photo in sources.replay if not photo.image.startswith("rendered/"))
        rendered = tuple(photo for photo in sources.replay if photo.image.startswith("rendered/"))
        # Rendered defects stand in for a kind that no earlier photo shows; beside real ones they are drawn anew.
        shown = {photo.kind for photo in earlier if photo.split == "train"}
        kept = tuple(photo for photo in rendered if photo.kind not in shown)
        self._site = CropMaker(settings, index_of((*sources.site, *sources.surfaces), {}), folder, folder)
        self._replay = CropMaker(replayed, index_of((*earlier, *kept, *sources.surfaces), {}), folder, folder)
        taught = {photo.kind for photo in sources.site if photo.split == "train"}
        # A site that shows neither teaches what is none.
        self._taught = ("crack" in taught or "corrosion" not in taught, "corrosion" in taught or "crack" not in taught)

    def crop(self, epoch: int, number: int) -> Labelled:
        """Make one crop of an epoch."""
        rng: np.random.Generator = stream(self._settings.seed, f"which {epoch}", number)
        known = bool(rng.random() < self._settings.replay_share)
        made = (self._replay if known else self._site).crop(epoch, number)
        cracks, corrosion = self._taught
        if not cracks:
            made = replace(made, crack_numbers=np.zeros_like(made.crack_numbers))
        if not corrosion:
            made = replace(made, state=np.zeros_like(made.state))
        # Where a kind is not taught, its labels are left out of the loss.
        untaught = ~np.array(self._taught)[:, None, None]
        return replace(made, ignore=made.ignore | untaught, held=(known or not cracks, known or not corrosion))
