"""``inspect weights export``: weights for other programs, which look at orthomosaics only."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def export_command(
    file: Annotated[Path, typer.Argument(help="The .onnx file to write.")],
    name: Annotated[str, typer.Option("--weights", help="Name, or an .onnx file.")] = "default",
    like: Annotated[
        Path | None, typer.Option(help="Orthomosaic that it is for: its ground resolution is taken.")
    ] = None,
    resolution_mm: Annotated[
        float | None, typer.Option("--resolution", help="Ground resolution in mm per pixel, where there is no --like.")
    ] = None,
    tile: Annotated[int, typer.Option(help="Side of a tile in pixels.")] = 640,
    lang: options.ConsoleLanguage = None,
) -> None:
    """Write weights as a segmentor that GeoDeep and QGIS's plugin Deepness run on an orthomosaic."""
    from tenken.detection.weights import find_weights
    from tenken.errors import MissingExtraError, SettingsError
    from tenken.wording import words

    text = words(options.language(lang))
    if find_spec("onnx") is None:
        raise MissingExtraError('inspect weights export: onnx is not installed: pip install "tenken[train]"')
    if (like is None) == (resolution_mm is None):
        raise SettingsError("give either --like ORTHOMOSAIC.tif or --resolution in mm per pixel")
    if file.suffix.lower() != ".onnx":
        raise SettingsError(f"{file}: both programs ask for an .onnx file; name it so")
    if file.exists():
        raise SettingsError(f"{file} exists; name another file, or remove it")
    if not file.resolve().parent.is_dir():
        raise SettingsError(f"{file.resolve().parent} does not exist; make the folder first")
    from tenken_training.export_segmentor import export_segmentor

    if like is not None:
        resolution_mm = _resolution_mm(like)
    written = export_segmentor(find_weights(name), file, resolution_mm=resolution_mm or 0, tile_px=tile)
    typer.echo(text("weights.exported", path=written, resolution=f"{resolution_mm:.4g}"))
    typer.echo(text("weights.exported_use", path=written))


def _resolution_mm(path: Path) -> float:
    """Ground resolution in the middle of an orthomosaic, mm per pixel."""
    import numpy as np
    import rasterio
    from rasterio.errors import RasterioIOError

    from tenken.errors import FlightError
    from tenken.georeferencing.camera import Unplaced
    from tenken.georeferencing.orthomosaic import place_orthomosaic

    try:
        with rasterio.open(path) as dataset:
            placed = place_orthomosaic(dataset)
            middle = np.array([[dataset.width, dataset.height]]) / 2
    except RasterioIOError as error:
        raise FlightError(f"{path} cannot be read as an orthomosaic: {error}; give a GeoTIFF") from error
    if isinstance(placed, Unplaced):
        raise FlightError(f"{path}: {placed.reason}")
    fine_mm, coarse_mm = placed.ground_resolution_mm(middle)
    return float((fine_mm[0] + coarse_mm[0]) / 2)
