"""What a retraining learns from: the new photos, earlier sets, and rendered surfaces, prepared in one folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tenken.detection.detect import KINDS
from tenken.errors import SettingsError
from tenken.notes import Note
from tenken_training.evaluation import LabelledSet, read_labelled_set
from tenken_training.mining import MINED, Mined, MinedPlace
from tenken_training.prepared_index import PreparedPhoto
from tenken_training.rasters import write_bytes
from tenken_training.recipe import Mining
from tenken_training.retraining.pictures import prepare_photos
from tenken_training.retraining.rendered import rendered_defects, rendered_surfaces

SURFACES = 60
SURFACE_PX = 768
MOST_REPLAYED = 300
"""Photos of an earlier set that are replayed; more would hardly be seen in a short fit."""
MOST_REPLAYED_VAL = 100
HELD_OUT = 5
"""Where a set has no validation photos, one of so many of its training photos is used for that."""

Part = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class Given:
    """A set of photos for training and for choosing."""

    name: str
    train: LabelledSet
    val: LabelledSet
    note: str = ""


class Sources(BaseModel):
    """``sources.json``: what was prepared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: tuple[PreparedPhoto, ...]
    replay: tuple[PreparedPhoto, ...]
    surfaces: tuple[PreparedPhoto, ...]
    inputs: dict[str, str]
    """SHA-256 of each file that was read."""
    widths_px: tuple[float, ...]
    """Mean width of the labelled cracks of each new photo that shows any."""
    absent: int
    """Places of the new photos that only look like a defect."""


def given_set(folder: Path) -> Given:
    """Look at a data set that is to be learned from.

    Raises
    ------
    SettingsError
        When it has no training photos, or labels nothing that is trained.
    """
    train = read_labelled_set(folder, "train")
    if not set(train.kinds) & set(KINDS):
        raise SettingsError(f"{folder} labels {', '.join(train.kinds) or 'nothing'}; trained are {', '.join(KINDS)}")
    val = _split_of(folder, "val", train)
    if val is not None:
        return Given(folder.resolve().name, train, val)
    if len(train.photos) < HELD_OUT:
        raise SettingsError(
            f"{folder} has no validation photos and only {len(train.photos)} for training; annotate {HELD_OUT} or more"
        )
    held_out = _only(train, lambda number: number % HELD_OUT == HELD_OUT - 1)
    rest = _only(train, lambda number: number % HELD_OUT != HELD_OUT - 1)
    note = Note.of("train.no_validation", folder=folder, count=len(held_out.photos))
    return Given(folder.resolve().name, rest, held_out, note)


def photos_to_judge(folder: Path, train: LabelledSet) -> LabelledSet | None:
    """Give a set's test photos; None where it has none."""
    return _split_of(folder, "test", train)


def _split_of(folder: Path, split: str, train: LabelledSet) -> LabelledSet | None:
    """Give a split; None where there is none, or where a folder without splits would give the training photos again.

    Raises
    ------
    SettingsError
        When it is there and its labels cannot be used.
    """
    try:
        labelled = read_labelled_set(folder, split)
    except SettingsError:
        if (folder / split / "images").is_dir():
            raise
        return None
    return None if labelled.photos[0].path == train.photos[0].path else labelled


def _only(labelled: LabelledSet, wanted: Callable[[int], bool]) -> LabelledSet:
    photos = tuple(photo for number, photo in enumerate(labelled.photos) if wanted(number))
    annotated = {photo.name: labelled.annotated[photo.name] for photo in photos if photo.name in labelled.annotated}
    return replace(labelled, photos=photos, annotated=annotated)


def prepare_sources(site: Given, replay: Sequence[Given], seed: int, folder: Path, start_sha256: str) -> Sources:
    """Prepare a folder, or read it when that was done before.

    Raises
    ------
    SettingsError
        When photos or labels cannot be used.
    """
    path = folder / "sources.json"
    if path.is_file():
        return Sources.model_validate_json(path.read_bytes())
    fresh = {part: prepare_photos(of, part, "site", folder) for part, of in _parts(site).items()}
    earlier: list[PreparedPhoto] = []
    inputs: dict[str, str] = {}
    for number, one in enumerate(replay):
        for part, of in _parts(one).items():
            most = MOST_REPLAYED if part == "train" else MOST_REPLAYED_VAL
            made = prepare_photos(of, part, f"replay{number}", folder, most)
            earlier += made.photos
            inputs |= made.inputs
    for made in fresh.values():
        inputs |= made.inputs
    absent = [place for made in fresh.values() for place in made.absent if "-train-" in place.image]
    if absent:
        write_mined(folder, absent, start_sha256)
    sources = Sources(
        site=tuple(photo for made in fresh.values() for photo in made.photos),
        replay=(*earlier, *rendered_defects(seed, folder)),
        surfaces=tuple(rendered_surfaces(seed, SURFACES, SURFACE_PX, folder)),
        inputs=inputs,
        widths_px=fresh["train"].widths_px,
        absent=len(absent),
    )
    write_bytes(path, sources.model_dump_json(indent=1).encode("utf-8"))
    return sources


def write_mined(folder: Path, places: Sequence[MinedPlace], start_sha256: str) -> None:
    """Write the places that a person named where `tenken_training.crops` looks for mined ones."""
    mined = Mined(
        weights_sha256=start_sha256,
        mining=absences_as_mining(),
        pictures=len({place.image for place in places}),
        pictures_sha256=start_sha256,
        places=tuple(places),
    )
    write_bytes(folder / MINED, mined.model_dump_json(indent=1).encode("utf-8"))


def absences_as_mining() -> Mining:
    """Give the mining that stands for places which a person named."""
    return Mining(weights="person", min_score=0.0)


def _parts(given: Given) -> Mapping[Part, LabelledSet]:
    return {"train": given.train, "val": given.val}
