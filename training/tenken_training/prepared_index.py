"""What a prepared folder holds: its index, and what was made of which recipe."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tenken.detection.weights_card import Sha256
from tenken.errors import SettingsError
from tenken_training.recipe import Recipe

PhotoKind = Literal["crack", "corrosion", "flight", "surface", "texture"]
Split = Literal["train", "val"]


class PreparedPhoto(BaseModel):
    """One picture that crops are cut from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: PhotoKind
    split: Split
    image: str
    """Path below the data folder (cracks, corrosion) or the prepared folder (flights, surfaces)."""
    labels: str = ""
    """PNG below the prepared folder: numbers of the cracks, or condition states 1 fair, 2 poor, 3 severe."""
    ignore: str = ""
    """PNG below the prepared folder: bit 0 where cracks, bit 1 where corrosion is left out of the loss."""
    surface: int = -1
    """Number of the rendered surface."""
    category: str = ""
    """What a texture shows."""


class PreparedIndex(BaseModel):
    """What a prepared folder holds and what it was made from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: dict[str, object]
    """The parts of the recipe that decide what is prepared."""
    inputs: dict[str, Sha256]
    """SHA-256 of each photo and label file by its path below the data folder, of the weights that looked at them, and
    of where those fired on what shows no defect (``mined.json``)."""
    photos: tuple[PreparedPhoto, ...]


def deciding_parts(recipe: Recipe) -> dict[str, object]:
    """Give what of a recipe decides what is prepared."""
    parts = recipe.model_dump(mode="json", include={"seed", "sources", "cleaning", "rendering", "mining"})
    # Folders that were prepared before there was any mining stay good.
    return {name: part for name, part in parts.items() if part is not None}


def read_index(recipe: Recipe, prepared_dir: Path) -> PreparedIndex:
    """Read what a prepared folder holds.

    Raises
    ------
    SettingsError
        When it cannot be read, or was prepared by another recipe.
    """
    path = prepared_dir / "index.json"
    try:
        index = PreparedIndex.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"{path} cannot be read ({reason}); delete {prepared_dir} to prepare again") from error
    if index.recipe != deciding_parts(recipe):
        raise SettingsError(f"{path} was prepared by another recipe; choose another --work or delete {prepared_dir}")
    return index


def check_pictures(index: PreparedIndex, data_dir: Path, prepared_dir: Path) -> None:
    """Look whether all pictures that crops are cut from are there, before hours are spent.

    Raises
    ------
    SettingsError
        When one is missing.
    """
    for photo in index.photos:
        if photo.kind in ("crack", "corrosion"):
            path, remedy = data_dir / photo.image, "give the folder that this training began with as --data"
        else:
            path, remedy = prepared_dir / photo.image, f"delete {prepared_dir} to prepare again"
        if not path.is_file():
            raise SettingsError(f"{path} is missing; {remedy}")
