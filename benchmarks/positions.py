"""How far photos land from a reference orthophoto, by image matching.

Each photo is warped onto the map by Tenken's placement: as its own statements place it, and as a run does, after the
poses of all photos were adjusted to their tie points. Patches of the warp are then searched in the
reference by normalised cross-correlation. The reference is used for nothing but this measurement. Only shifts
are searched, up to ``--search`` metres: a photo that lies farther off, or is turned, matches nowhere or here
and there by accident, and its low share of matched patches says so. Photos that a viewer saved, and perhaps
turned, are marked with ``?``.

    python benchmarks/positions.py --flight ../shared/flights/brighton_beach
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import rasterio
from PIL import Image, ImageOps
from pyproj import CRS
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.feature import match_template

from tenken.adjustment.flight import adjust_flight
from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.placement import PhotoPlacement, Unplaced, place_photo
from tenken.georeferencing.raster_surface import RasterSurface
from tenken.georeferencing.surface import parse_surface
from tenken.imagery.flight import Flight, read_flight
from tenken.outputs.geopackage import start_geopackage
from tenken.running.progress import Silence
from tenken.running.ties import tie_flight

FloatArray = npt.NDArray[np.float64]

PATCH_M = 6.0
STEP_M = 4.0
LEAST_CORRELATION = 0.55
LEAST_LEAD = 0.08
"""How much the best place must correlate better than the best one farther than half a patch from it."""
LEAST_CONTRAST = 8.0
"""Standard deviation of a patch's grey values, below which asphalt alone would match everywhere."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The orthophoto, grey, on its own north-up grid."""

    grey: FloatArray
    left_m: float
    top_m: float
    cell_m: float
    crs: CRS


@dataclass(frozen=True, slots=True)
class Shifts:
    """Where patches of one photo were found: (n, 2) metres east and north, of so many that could be tried."""

    east_north_m: FloatArray
    tried: int

    @property
    def distance_m(self) -> FloatArray:
        """(n,) lengths of the shifts."""
        lengths: FloatArray = np.linalg.norm(self.east_north_m, axis=1)
        return lengths


def read_reference(path: Path, margin_m: float) -> Reference:
    """Read the orthophoto; cells without colour, and a margin around it, become NaN."""
    with rasterio.open(path) as dataset:
        rgb = dataset.read([1, 2, 3]).astype(np.float64)
        empty = (dataset.dataset_mask() == 0) | (rgb.sum(axis=0) == 0.0)
        grey = np.where(empty, np.nan, rgb.mean(axis=0))
        transform = dataset.transform
        crs = CRS.from_wkt(dataset.crs.to_wkt())
    cell = transform.a
    margin = round(margin_m / cell)
    grey = np.pad(grey, margin, constant_values=np.nan)
    return Reference(grey, transform.c - margin * cell, transform.f + margin * cell, cell, crs)


def warp(path: Path, placement: PhotoPlacement, reference: Reference) -> FloatArray:
    """Draw a photo onto the reference's grid by its placement; NaN outside the photo."""
    with Image.open(path) as opened:
        picture = np.asarray(ImageOps.exif_transpose(opened).convert("L"), dtype=np.float64)
    height, width = picture.shape
    spread = np.array([[x, y] for x in (0.2, 0.5, 0.8) for y in (0.2, 0.5, 0.8)]) * [width, height]
    ground_m = float(np.nanmedian(placement.ground_resolution_mm(spread)[0])) / 1000.0
    # Smoothed to the grid's cell, or the finer picture would alias.
    picture = gaussian_filter(picture, max(0.0, 0.4 * reference.cell_m / ground_m))
    rows, columns = reference.grey.shape
    column, row = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    easting = reference.left_m + column * reference.cell_m
    northing = reference.top_m - row * reference.cell_m
    xy_m = np.column_stack([easting.ravel(), northing.ravel()])
    surface = placement.surface
    if isinstance(surface, RasterSurface):
        heights = surface.height_at(xy_m)
    else:
        heights = np.full(len(xy_m), placement.to_world(spread)[0, 2])
    points = np.column_stack([xy_m, heights])
    xy_px = placement.to_photo(points)
    outside = ~((xy_px >= 0.0) & (xy_px <= [width, height])).all(axis=1)
    sampled = map_coordinates(picture, [xy_px[:, 1] - 0.5, xy_px[:, 0] - 0.5], order=1, mode="nearest")
    sampled[outside] = np.nan
    warped: FloatArray = sampled.reshape(rows, columns)
    return warped


def match(warped: FloatArray, reference: Reference, search_m: float) -> Shifts:
    """Search each patch of a warped photo in the reference around its place."""
    cells = {name: round(size / reference.cell_m) for name, size in (("patch", PATCH_M), ("step", STEP_M))}
    search, patch = round(search_m / reference.cell_m), cells["patch"]
    found, tried = [], 0
    rows, columns = warped.shape
    for top in range(search, rows - patch - search, cells["step"]):
        for left in range(search, columns - patch - search, cells["step"]):
            piece = warped[top : top + patch, left : left + patch]
            around = reference.grey[top - search : top + patch + search, left - search : left + patch + search]
            place = around[search:-search, search:-search]
            if np.isnan(piece).any() or np.isnan(place).any() or piece.std() < LEAST_CONTRAST:
                continue
            tried += 1
            around = np.where(np.isnan(around), np.nanmean(around), around)
            correlation: FloatArray = match_template(around, piece)
            shift = _best_shift(correlation, patch // 2, search)
            if shift is not None:
                found.append(shift)
    # Found to the right of its place in the reference: the photo landed too far to the left, west.
    cells_right_down = np.array(found, dtype=np.float64).reshape(-1, 2)
    return Shifts(-cells_right_down * [reference.cell_m, -reference.cell_m], tried)


def _best_shift(correlation: FloatArray, apart: int, search: int) -> tuple[int, int] | None:
    """Columns and rows to the best place; None when it is weak, has a rival, or lies on the search's rim."""
    row, column = (int(index) for index in np.unravel_index(np.argmax(correlation), correlation.shape))
    best = float(correlation[row, column])
    rivals = correlation.copy()
    rivals[max(0, row - apart) : row + apart + 1, max(0, column - apart) : column + apart + 1] = -1.0
    on_rim = min(row, column) == 0 or max(row, column) == 2 * search
    if best < LEAST_CORRELATION or best - float(rivals.max()) < LEAST_LEAD or on_rim:
        return None
    return column - search, row - search


def measure(path: Path, placement: PhotoPlacement, reference: Reference, search_m: float) -> tuple[Shifts, float]:
    """Warp and match one photo; also the error that the placement states half-way to its corner."""
    stated = placement.position_error_m(np.array([[placement.camera.width_px, placement.camera.height_px]]) / 4.0)
    return match(warp(path, placement, reference), reference, search_m), float(stated[0])


def adjusted(
    flight: Flight, placements: dict[str, PhotoPlacement]
) -> tuple[dict[str, PhotoPlacement], list[TiePoints]]:
    """Adjust the poses as a run does."""
    with TemporaryDirectory() as folder:
        start_geopackage(Path(folder) / "inspection.gpkg")
        ties = list(tie_flight(flight, placements, Path(folder), 2, Silence()).ties)
    return adjust_flight(placements, ties), ties


def disagreement_m(placements: dict[str, PhotoPlacement], ties: list[TiePoints]) -> str:
    """Say how far apart photos put one tie point."""
    apart = [
        placements[tie.first].to_world(tie.first_px) - placements[tie.second].to_world(tie.second_px) for tie in ties
    ]
    distance = np.linalg.norm(np.concatenate(apart)[:, :2], axis=1)
    return f"median {np.nanmedian(distance):.2f} m, 90 % {np.nanpercentile(distance, 90):.2f} m"


def line(name: str, shifts: Shifts, stated_m: float | None) -> str:
    """One row of the table."""
    if len(shifts.east_north_m) < 3:
        return f"{name:<24}{shifts.tried:>7}{len(shifts.east_north_m):>9}   no position found"
    distance = shifts.distance_m
    east, north = np.median(shifts.east_north_m, axis=0)
    return (
        f"{name:<24}{shifts.tried:>7}{len(distance):>9}{100 * len(distance) / shifts.tried:>8.0f} %"
        f"{np.median(distance):>9.2f}{np.percentile(distance, 90):>9.2f}{east:>9.2f}{north:>9.2f}"
        + (f"{stated_m:>9.2f}" if stated_m is not None else "")
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flight", type=Path, default=Path("../shared/flights/brighton_beach"))
    parser.add_argument("--reference", type=Path, help="default: reference/ortho_10cm.tif of the flight")
    parser.add_argument("--surface", default="plane", help="plane, plane:HEIGHT or a surface model")
    parser.add_argument("--without-angles", action="store_true", help="as if the photos stated no angles")
    parser.add_argument("--search", type=float, default=10.0, help="how far to search, metres")
    arguments = parser.parse_args()
    reference = read_reference(
        arguments.reference or arguments.flight / "reference" / "ortho_10cm.tif", arguments.search
    )
    surface = parse_surface(arguments.surface)
    flight = read_flight(arguments.flight / "images")
    stated = {}
    for photo in flight.photos:
        stated_of = replace(photo.metadata, attitude=None) if arguments.without_angles else photo.metadata
        placed = place_photo(stated_of, photo.width_px, photo.height_px, reference.crs, surface)
        if isinstance(placed, Unplaced):
            print(f"{photo.name}: not placed: {placed.reason}")
        else:
            stated[photo.name] = placed
    moved, ties = adjusted(flight, stated)
    header = ("photo", "tried", "matched", "share", "median m", "90 % m", "east m", "north m", "stated m")
    print("{:<24}{:>7}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}".format(*header))
    groups: dict[str, list[Shifts]] = {}
    for label, placements in (("stated", stated), ("adjusted", moved)):
        for photo in flight.photos:
            if photo.name not in placements:
                continue
            shifts, error_m = measure(photo.path, placements[photo.name], reference, arguments.search)
            doubtful = label == "stated" and stated[photo.name].maybe_turned
            groups.setdefault(f"{label}, doubtful" if doubtful else label, []).append(shifts)
            print(line(f"{label} {Path(photo.name).stem}{' ?' if doubtful else ''}", shifts, error_m), flush=True)
    for group, several in groups.items():
        together = np.concatenate([one.east_north_m for one in several])
        print(line(f"all {group}", Shifts(together, sum(one.tried for one in several)), None))
    print(f"\n{len(ties)} pairs of photos tied; one tie point lies in two photos apart by")
    sure = [tie for tie in ties if not stated[tie.first].maybe_turned and not stated[tie.second].maybe_turned]
    print(f"  stated, {len(sure)} pairs without doubt: {disagreement_m(stated, sure)}")
    print(f"  adjusted, all pairs: {disagreement_m(moved, ties)}")


if __name__ == "__main__":
    main()
