"""Whole cracks out of tiles: a detector that is right in every tile shows whether seams are left.

Run: python benchmarks/seams.py [--networks 200] [--photos 100 --cracks ../shared/data/cracks]

Counts are right when every crack is one object. Lengths are compared with the drawn line (straight and wandering
cracks), and with what the same picture gives when it is one tile (networks and photos, whose truth is a mask).
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, affinity

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from drawn import CONCRETE, DARK, draw_cracks, perfect_detector
from drawn_cracks import parallel_cracks, separate_networks, wandering_crack
from tenken.detection.tiles import tile_windows
from tenken.imagery.picture import ArrayPicture
from tenken.measurement.assemble import Pieces, concatenate, whole_masks
from tenken.measurement.mask_runs import MaskRuns
from tenken.measurement.tiled_detection import detect_tiles
from tenken.measurement.whole_defects import WholeDefect, bridge_gaps, trace_whole
from tenken_training.evaluation import read_labelled_set

SIZE = (4000, 3000)
WIDTH_PX = 5
WANDERING = LineString([(80 + 64 * n, 1500 + 700 * np.sin(n / 8) + 40 * np.sin(n * 1.7)) for n in range(61)])
CASES = {
    "horizontal": ([LineString([(50, 1500.3), (3950, 1500.3)])], 1),
    "diagonal": ([LineString([(50, 50), (3950, 2950)])], 1),
    "wandering": ([WANDERING], 1),
    "branched": ([LineString([(50, 1500), (3950, 1500)]), LineString([(2000, 1500), (3500, 300)])], 1),
    "2 parallel, 60 px": ([LineString([(50, 1400), (3950, 1400)]), LineString([(50, 1460), (3950, 1460)])], 2),
}
SHEET_PX = 6_000
SHEET_CRACKS = 100
"""Side of the square whose pieces are repeated to make many, and cracks on it."""
ENLARGED = 3
"""Photos are enlarged by so much before they are cut: their longer cracks then cross several tiles."""


def cracks_of(
    image: npt.NDArray[np.uint8], tile_px: int, origin_px: tuple[int, int] = (0, 0), overlap: float = 0.2
) -> list[WholeDefect]:
    """Find the cracks of a picture with the perfect detector, without their widths."""
    height, width = image.shape[:2]
    windows = tile_windows(width, height, tile_px=tile_px, overlap=overlap, origin_px=origin_px)
    pieces = detect_tiles(ArrayPicture(image), windows, perfect_detector)
    return bridge_gaps(trace_whole(whole, linear=True) for whole in whole_masks(pieces))


def length_of(cracks: Sequence[WholeDefect]) -> float:
    return sum(crack.centreline_px.length for crack in cracks)


def origins(count: int, seed: int = 0) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    return [(0, 0), *((int(x), int(y)) for x, y in rng.integers(0, 640, (count - 1, 2)))]


def print_five(grids: int) -> None:
    print(f"4000 x 3000 px, tiles of 640 px, 20 % overlap, cracks {WIDTH_PX} px wide, {grids} grid origins")
    print(f"{'':20} truth  objects  worst length error")
    for name, (lines, truth) in CASES.items():
        image = draw_cracks(lines, WIDTH_PX, SIZE)
        drawn = sum(line.length for line in lines)
        found = [cracks_of(image, 640, origin) for origin in origins(grids)]
        counts = sorted({len(cracks) for cracks in found})
        error = max(abs(length_of(cracks) / drawn - 1) for cracks in found)
        print(f"{name:20} {truth:5}  {'/'.join(map(str, counts)):>7}  {100 * error:.2f} %", flush=True)


def print_networks(count: int) -> None:
    """Random nets: each connected drawing is one object, whatever the grid."""
    rng = np.random.default_rng(7)
    right, cracks, loops, errors = 0, 0, 0, []
    for _ in range(count):
        size = (1600, 1200)
        networks = separate_networks(rng, size, int(rng.integers(1, 7)), 600, apart_px=30)
        image = draw_cracks([line for network in networks for line in network.geoms], WIDTH_PX, size)
        origin = (int(rng.integers(0, 320)), int(rng.integers(0, 320)))
        found, uncut = cracks_of(image, 320, origin), cracks_of(image, max(size))
        right += len(found) == len(networks)
        cracks += len(networks)
        loops += sum(crack.topology.loops > 0 for crack in found)
        errors.append(abs(length_of(found) / length_of(uncut) - 1))
    print(f"{count} random pictures with {cracks} separate nets ({loops} with closed loops), tiles of 320 px:")
    print(
        f"  count right in {right} of {count}, worst length error against the uncut picture {100 * max(errors):.3f} %"
    )


def print_parallel(count: int) -> None:
    rng = np.random.default_rng(8)
    for wander in (False, True):
        joined = torn = 0
        for _ in range(count):
            lines = [affinity.translate(line, 500, 500) for line in parallel_cracks(rng, 4, 30, 700, wander=wander)]
            image = draw_cracks(lines, WIDTH_PX, (1000, 1000))
            found = len(cracks_of(image, 200, (int(rng.integers(0, 160)), int(rng.integers(0, 160)))))
            joined += found < len(lines)
            torn += found > len(lines)
        name = "wandering" if wander else "straight"
        print(f"4 {name} cracks 30 px apart, {count} angles: joined falsely in {joined}, torn in {torn}", flush=True)


def sheet() -> Pieces:
    """Pieces of separate wandering cracks of 300 to 3000 px, from tiles of 640 px."""
    rng = np.random.default_rng(9)
    lines: list[LineString] = []
    while len(lines) < SHEET_CRACKS:
        start, length = rng.uniform(0, SHEET_PX, 2), float(np.exp(rng.uniform(np.log(300), np.log(3000))))
        line = wandering_crack(rng, start, rng.uniform(0, 360), length)
        if not lines or shapely.distance(lines, line).min() > 20:
            lines.append(line)
    image = draw_cracks(lines, WIDTH_PX, (SHEET_PX, SHEET_PX))
    windows = tile_windows(SHEET_PX, SHEET_PX, tile_px=640, overlap=0.2)
    return detect_tiles(ArrayPicture(image), windows, perfect_detector)


def repeated(pieces: Pieces, count: int) -> Iterator[Pieces]:
    """Lay the sheet out again and again, side by side, until there are so many pieces."""
    left = count
    for number in range(-(-count // len(pieces))):
        few = slice(0, min(left, len(pieces)))
        left -= len(pieces)
        moved = np.array([number % 20, number // 20] * 2) * (SHEET_PX + 640)
        yield Pieces(
            pieces.kind[few],
            pieces.score[few],
            pieces.xyxy_px[few] + moved,
            MaskRuns.of(pieces.masks[few]),
            pieces.tile_xyxy_px[few] + moved,
            pieces.state_share[few],
        )


def peak_memory_mb() -> float:
    """Most memory that this process ever held; Linux only (``getrusage`` would give the parent's)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure_scaling(source: Pieces, count: int, answer: "multiprocessing.Queue[tuple[float, float, int, int]]") -> None:
    """Put pieces together in a process of its own: seconds of one core, growth of memory in MB, pieces and wholes."""
    before = peak_memory_mb()
    pieces = concatenate(repeated(source, count))
    start = time.process_time()
    wholes = sum(1 for _ in whole_masks(pieces))
    seconds = time.process_time() - start
    answer.put((seconds, peak_memory_mb() - before, len(pieces), wholes))


def print_scaling() -> None:
    source = sheet()
    crops = sum(mask.nbytes for mask in source.masks) / len(source)
    print(f"putting pieces together (crops of {crops / 1024:.0f} kB on average, kept as runs)")
    print(" pieces  wholes  seconds of one core  peak memory MB")
    context = multiprocessing.get_context("spawn")
    for count in (10_000, 30_000, 100_000):
        answer: multiprocessing.Queue[tuple[float, float, int, int]] = context.Queue()
        process = context.Process(target=measure_scaling, args=(source, count, answer))
        process.start()
        seconds, peak, pieces, wholes = answer.get()
        process.join()
        print(f"{pieces:7}  {wholes:6}  {seconds:19.1f}  {peak:14.0f}", flush=True)


def print_photos(count: int, cracks: Path) -> None:
    """Labelled cracks of real photos, enlarged and cut into small tiles, against the same picture as one tile."""
    same, objects = 0, 0
    errors: list[float] = []
    labelled = read_labelled_set(cracks)
    for photo in labelled.photos[:count]:
        _, truth = labelled.load(photo)
        mask = truth.region("crack").repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
        image = np.repeat(np.where(mask, DARK, CONCRETE).astype(np.uint8)[..., None], 3, axis=2)
        uncut = cracks_of(image, max(image.shape))
        rng = np.random.default_rng(len(errors))
        found = cracks_of(image, 160, (int(rng.integers(0, 128)), int(rng.integers(0, 128))))
        same += len(found) == len(uncut)
        objects += len(uncut)
        if uncut:
            errors.append(abs(length_of(found) / length_of(uncut) - 1))
    print(f"{len(errors)} photos with labelled cracks, enlarged {ENLARGED} times, tiles of 160 px, {objects} objects:")
    print(f"  count equal to the uncut mask's in {same}, worst length error {100 * max(errors):.3f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--grids", type=int, default=10, help="grid origins for each of the five cases")
    parser.add_argument("--networks", type=int, default=200, help="random networks; half as many parallel sets")
    parser.add_argument("--photos", type=int, default=100, help="photos with labelled cracks; 0 for none")
    parser.add_argument("--cracks", type=Path, default=Path("../shared/data/cracks"), help="their folder")
    parser.add_argument("--no-scaling", action="store_true")
    arguments = parser.parse_args()
    print_five(arguments.grids)
    print_networks(arguments.networks)
    print_parallel(arguments.networks // 2)
    if arguments.photos:
        print_photos(arguments.photos, arguments.cracks)
    if not arguments.no_scaling:
        print_scaling()


if __name__ == "__main__":
    main()
