"""What the fit itself needs to know, whatever decides it: a recipe, or a data set and the machine."""

from typing import Any, Protocol

from tenken_training.recipe import Crops, Mining, Optimiser


class FitSettings(Protocol):
    """Settings of a fit; a recipe has more."""

    @property
    def name(self) -> str:
        """Stands above the curves."""
        ...

    @property
    def seed(self) -> int:
        """Decides all random numbers."""
        ...

    @property
    def crops(self) -> Crops:
        """What an epoch consists of."""
        ...

    @property
    def mining(self) -> Mining | None:
        """None where there are no places at which weights fired."""
        ...

    @property
    def optimiser(self) -> Optimiser:
        """How the network is fitted."""
        ...

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        ...

    def model_dump_json(self, *, indent: int | None = None) -> Any:
        """Give what is kept beside the fit."""
        ...
