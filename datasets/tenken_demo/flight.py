"""The demo flight, from seed to files."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from tenken.errors import SettingsError
from tenken_demo.frame import AXIS_AZIMUTH_DEG, BridgeFrame
from tenken_demo.layout import make_marks
from tenken_demo.metadata import write_metadata
from tenken_demo.render import Exposure, paint_scene, render
from tenken_demo.sightings import tell_truth
from tenken_demo.site import write_assets, write_surface
from tenken_demo.station import fly
from tenken_demo.truth import DemoTruth, read_truth, write_truth

JPEG_QUALITY = 92
MOST_WORKERS = 2
"""A photo of 12 megapixels takes about half a gigabyte while it is drawn."""

FLIGHT_YAW_OFF_DEG = 23.7
"""The aircraft's nose stands off the camera's heading: a reader that takes the flight's yaw goes wrong."""


def make_demo_flight(
    folder: Path,
    *,
    seed: int = 1,
    photos: int = 6,
    width_px: int = 4000,
    height_px: int = 3000,
    progress: Callable[[str, int, int], None] | None = None,
) -> DemoTruth:
    """Draw a flight over a bridge with known defects: photos, assets, surface model, truth.

    Equal arguments give equal bytes. The bridge, its defects and the camera's view do not depend on the size
    of the photos; fewer pixels mean a coarser ground resolution (0.535 mm at 4000 px).

    Parameters
    ----------
    folder
        Where to write; made when missing. Gets ``images/DJI_0001.JPG`` …, ``assets.geojson``, ``surface.tif``
        and ``truth.json``.
    seed
        Shapes, textures and noise; the defects' places and sizes stay about the same.
    photos
        Six make one pass along the bridge; further ones make further passes, a little to the side.
    width_px, height_px
        Size of the photos.
    progress
        Called with the stage ("scene", "photos"), steps done and steps in all, from this thread.

    Returns
    -------
    DemoTruth
        As `read_truth` reads it back.

    Raises
    ------
    SettingsError
        When there is nothing to draw.
    """
    if photos < 1 or min(width_px, height_px) < 100:
        raise SettingsError(
            f"a demo flight needs at least 1 photo of 100 x 100 px, got {photos} of {width_px} x {height_px}"
        )
    tell = progress if progress is not None else _silent
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    frame = BridgeFrame()
    tell("scene", 0, 1)
    marks = make_marks(seed)
    scene = paint_scene(seed, marks, width_px)
    tell("scene", 1, 1)
    names = [f"DJI_{index + 1:04d}.JPG" for index in range(photos)]
    flown = [fly(frame, seed, index, width_px, height_px) for index in range(photos)]
    exposures = [Exposure.draw(seed, index) for index in range(photos)]

    def take(index: int) -> None:
        picture = render(scene, flown[index][0], exposures[index], index)
        Image.fromarray(picture).save(images / names[index], quality=JPEG_QUALITY, subsampling="4:2:0")

    with ThreadPoolExecutor(min(photos, os.cpu_count() or 1, MOST_WORKERS)) as pool:
        tell("photos", 0, photos)
        for index, _ in enumerate(pool.map(take, range(photos))):
            camera, pose = flown[index]
            flight_yaw_deg = AXIS_AZIMUTH_DEG + FLIGHT_YAW_OFF_DEG + 0.1 * index
            write_metadata(
                images / names[index],
                pose,
                camera,
                exposures[index],
                index=index,
                flight_yaw_deg=flight_yaw_deg,
            )
            tell("photos", index + 1, photos)
    cameras = {name: camera for name, (camera, _) in zip(names, flown, strict=True)}
    write_truth(folder, tell_truth(frame, seed, marks, cameras))
    write_assets(folder, frame)
    write_surface(folder, frame)
    return read_truth(folder)


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""
