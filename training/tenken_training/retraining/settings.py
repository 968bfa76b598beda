"""What decides a retraining; kept as ``recipe.json`` in its folder of work, so that it can go on."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tenken.detection.weights_card import Sha256
from tenken_training.recipe import Crops, Mining, Optimiser, Rendering


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StartWeights(_Part):
    """The weights that are trained on."""

    name: str
    sha256: Sha256


class Photos(_Part):
    """A data set that is learned from."""

    folder: str
    """As it was given; for people."""
    sha256: Sha256
    """Of its photos and labels."""
    photos: int


class Retraining(_Part):
    """Settings of a retraining, chosen by `tenken_training.retraining.defaults` from the data and the machine."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: Annotated[int, Field(ge=0)]
    start: StartWeights
    site: Photos
    """The new photos."""
    replay: tuple[Photos, ...] = ()
    """Earlier data sets, replayed so that they are not forgotten."""
    replay_share: Annotated[float, Field(ge=0, lt=1)]
    """Part of the crops that do not come from the new photos."""
    crops: Crops
    """Crops of the new photos."""
    replay_crops: Crops
    """Crops of what is replayed."""
    rendering: Rendering
    mining: Mining | None = None
    """Not None where the data set names places that only look like a defect."""
    optimiser: Optimiser
    minutes: float
    """Time that the fit was planned for."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last one is filled up."""
        return -(-self.crops.per_epoch // self.optimiser.batch)
