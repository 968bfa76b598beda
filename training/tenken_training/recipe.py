"""A recipe: everything that decides what a training gives, in one file that is kept with the weights."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tenken.detection.weights_card import Score, Sha256
from tenken.errors import SettingsError
from tenken.hashing import file_sha256

CropKind = Literal[
    "crack_photo",
    "crack_mosaic",
    "corrosion_photo",
    "corrosion_mosaic",
    "drawn_crack",
    "pasted_crack",
    "pasted_rust",
    "drawn_rust",
    "flight_negative",
    "rendered_negative",
    "texture_negative",
    "crack_among_lookalikes",
    "lookalikes_on_ground",
    "cracked_wall",
    "rusted_steel",
    "mined_negative",
]
"""What a training crop is made of; `tenken_training.crops` has one function for each."""

PUBLISHED = Path(__file__).resolve().parents[1]
"""Folder ``training`` of a checkout, which keeps the checkpoints that weights were published from."""

CROP_KINDS: tuple[CropKind, ...] = get_args(CropKind)


SourceKind = Literal["crack", "corrosion", "flight"]
"""Sources of real photos."""


class _RecipePart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(_RecipePart):
    """The checkpoint that training begins with."""

    checkpoint: str
    """Path below the data folder or, for one that was published, below the folder ``training`` of a checkout."""
    sha256: Sha256
    """A checkpoint is a pickle and can run code: no other bytes are opened."""


class Textures(_RecipePart):
    """Which of the pictures that `tenken_training.fetch_textures` fetches are trained on."""

    packages: tuple[str, ...]
    """Trained on wholly."""
    halved: tuple[str, ...] = ()
    """One half trained on, one kept out."""
    licences_left_out: tuple[str, ...] = ()


class Sources(_RecipePart):
    """Where the photos lie, as paths below the data folder."""

    cracks: str
    """Folder with train, val and test, each with images (JPEG) and labels (YOLO polygons)."""
    corrosion: str
    """Folder with train and test, each with images (JPEG) and masks (0 none, 1 fair, 2 poor, 3 severe)."""
    corrosion_val_from: Annotated[int, Field(ge=0)]
    """Train photos with this number or a higher one are the validation split."""
    flights: tuple[str, ...]
    """Photos that show no rust, and no cracks but in the boxes below."""
    flight_cracks_px: dict[str, tuple[tuple[int, int, int, int], ...]] = {}
    """Boxes (left, top, right, bottom) by photo in which cracks are left out of the loss."""
    textures: Textures | None = None
    """Pictures of other things; None for none."""


class Cleaning(_RecipePart):
    """What is left out of the loss because it may be a defect that nobody labelled."""

    teacher: str
    """Name of the weights whose detections are left out."""
    other_class_score: Score
    """Lowest score for the class that a data set does not label."""
    own_class_score: dict[str, Score]
    """Lowest score, by class, for the class that it does label, away from its labels; the labels of a class that
    is not named are complete."""


class Rendering(_RecipePart):
    """The rendered surfaces: concrete, paint, asphalt and others with what only looks like a defect."""

    surfaces: Annotated[int, Field(ge=2)]
    surface_px: Annotated[int, Field(ge=64)]


class Mining(_RecipePart):
    """Looking for where weights fire on what is trained on and shows no defect: hard negatives."""

    weights: str
    """Name of the weights that are run."""
    min_score: Score
    """Lowest score that counts as firing."""
    scales: tuple[Annotated[float, Field(gt=0, le=2)], ...] = (1.0,)
    """Enlargements at which pictures are shown."""
    most_per_picture: Annotated[int, Field(gt=0)] = 6
    """Places kept of a picture at a scale, the surest of each kind."""


class Crops(_RecipePart):
    """The crops that an epoch consists of."""

    size_px: Annotated[int, Field(gt=0, multiple_of=32)]
    per_epoch: Annotated[int, Field(gt=0)]
    scale: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    """Lowest and highest enlargement of a photo."""
    shares: dict[CropKind, Annotated[float, Field(ge=0)]]
    """Parts of an epoch by kind; need not add up to 1."""
    photos_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Part of the labelled train photos that is used, to see what more photos would give; a larger part holds every
    photo of a smaller one."""

    @model_validator(mode="after")
    def _something_to_draw(self) -> "Crops":
        if not sum(self.shares.values()) > 0:
            raise ValueError("shares are all 0")
        if self.scale[0] > self.scale[1]:
            raise ValueError("scale must be (lowest, highest)")
        return self


class Optimiser(_RecipePart):
    """How the network is fitted: AdamW, linear warm-up, linear decay, running average of the weights."""

    epochs: Annotated[int, Field(gt=0)]
    batch: Annotated[int, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0)]
    final_learning_rate: Annotated[float, Field(gt=0)]
    warmup_steps: Annotated[int, Field(ge=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    ema_decay: Annotated[float, Field(ge=0, lt=1)]
    echoes: Annotated[int, Field(gt=0)] = 1
    """Steps for each batch of crops that is made, for a GPU that waits for the processors that make them; see
    `tenken_training.echoes`."""
    thin_cracks: bool = False
    """Cracks thinner than an output pixel count as whole pixels, and Dice of cracks is that of each crop, so that a
    hairline counts as much as a wide crack."""


class Described(_RecipePart):
    """What the card says of a source that was trained on."""

    name: str
    licence: str
    note: str = ""


class Recipe(_RecipePart):
    """One recipe file."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: Annotated[int, Field(ge=0)]
    start: Start
    sources: Sources
    cleaning: Cleaning
    rendering: Rendering
    mining: Mining | None = None
    """None for none; needed for crops of the kind ``mined_negative``."""
    crops: Crops
    optimiser: Optimiser
    described: dict[SourceKind, Described] = {}
    """For the card only: has no influence on the weights."""

    @model_validator(mode="after")
    def _mined_what_is_drawn(self) -> "Recipe":
        if self.crops.shares.get("mined_negative", 0) > 0 and self.mining is None:
            raise ValueError("crops.shares names mined_negative, but there is no part mining")
        return self

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last one is filled up."""
        return -(-self.crops.per_epoch // self.optimiser.batch)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    SettingsError
        When it cannot be read or says what no recipe says.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(f"{path}: {where}: {first['msg']}; see docs/training.md") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as a recipe ({error})") from error


def start_checkpoint(recipe: Recipe, data_dir: Path) -> Path:
    """Path of the checkpoint that training begins with, after its bytes were compared.

    Raises
    ------
    SettingsError
        When it is missing, or is not the file that the recipe names.
    """
    path = data_dir / recipe.start.checkpoint
    published = PUBLISHED / recipe.start.checkpoint
    if not path.is_file() and published.is_file():
        path = published
    if not path.is_file():
        raise SettingsError(f"{path} is missing; give the folder that holds it with --data")
    if (found := file_sha256(path)) != recipe.start.sha256:
        raise SettingsError(f"{path} has sha256 {found}, the recipe names {recipe.start.sha256}; get that file")
    return path
