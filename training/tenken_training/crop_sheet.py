"""A picture of a recipe's crops with their labels, to be looked at before hours are spent.

``python -m tenken_training.crop_sheet --recipe R.toml --work runs/x --out sheet.jpg`` after a preparation. Cracks are
outlined in blue, corrosion in orange, what the loss leaves out is hatched.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
import typer

from tenken.errors import SettingsError
from tenken_demo.noise import stream
from tenken_training.crops import CropMaker
from tenken_training.prepared_index import read_index
from tenken_training.rasters import write_jpeg
from tenken_training.recipe import CROP_KINDS, CropKind, read_recipe
from tenken_training.view import Labelled

BLUE, ORANGE, GREY = (40, 120, 255), (255, 140, 0), (128, 128, 128)
HATCH_PX = 8


def crop_sheet(maker: CropMaker, kinds: Sequence[CropKind], seed: int, count: int) -> npt.NDArray[np.uint8]:
    """Draw `count` crops of each kind, a row a kind and below it the same crops with labels, (h, w, 3)."""
    rows = []
    for kind in kinds:
        crops = [maker.crop_of(kind, stream(seed, f"sheet {kind}", number)) for number in range(count)]
        rows += [np.hstack([crop.image for crop in crops]), np.hstack([with_labels(crop) for crop in crops])]
    return np.asarray(np.vstack(rows), dtype=np.uint8)


def with_labels(crop: Labelled) -> npt.NDArray[np.uint8]:
    """Outline the labels of a crop and hatch what the loss leaves out, (s, s, 3)."""
    drawn = crop.image.copy()
    y, x = np.mgrid[: drawn.shape[0], : drawn.shape[1]]
    drawn[crop.ignore.any(axis=0) & ((x + y) % HATCH_PX == 0)] = GREY
    for mask, colour in ((crop.crack_numbers > 0, BLUE), (crop.rust, ORANGE)):
        outlines = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
        cv2.drawContours(drawn, outlines, -1, colour, 1)
    return drawn


def main(
    recipe: Annotated[Path, typer.Option(help="Recipe file.", exists=True, dir_okay=False)],
    work: Annotated[Path, typer.Option(help="Folder of the training, prepared.", file_okay=False)],
    out: Annotated[Path, typer.Option(help="JPEG to write.", dir_okay=False)],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's sources are below.", file_okay=False)] = Path(
        "../shared"
    ),
    kind: Annotated[
        list[str] | None, typer.Option(help="Kind of crop; again for more. All of the recipe if none.")
    ] = None,
    count: Annotated[int, typer.Option(help="Crops a kind.", min=1)] = 6,
) -> None:
    """Draw crops of a recipe."""
    chosen = read_recipe(recipe)
    wanted = kind or [name for name, share in chosen.crops.shares.items() if share > 0]
    if unknown := set(wanted) - set(CROP_KINDS):
        raise SettingsError(f"--kind {min(unknown)} is unknown; known are {', '.join(CROP_KINDS)}")
    prepared_dir = work / "prepared"
    maker = CropMaker(chosen, read_index(chosen, prepared_dir), data, prepared_dir)
    kinds = [known for known in CROP_KINDS if known in wanted]
    write_jpeg(out, crop_sheet(maker, kinds, chosen.seed, count))
    typer.echo(f"{out}: {count} crops each of {', '.join(kinds)}")


if __name__ == "__main__":
    typer.run(main)
