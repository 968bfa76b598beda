"""Gaps that a detector leaves in a crack: how many are bridged, and are neighbours ever joined.

Run: python benchmarks/gaps.py [--repeats 40] [--photos 100 --cracks ../shared/data/cracks]

Drawn cracks have ragged masks. Wandering ones turn by 20° of standard deviation, and have forgotten their direction
after 60 px: rather more than most real ones. No bridge between cracks side by side is right.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, affinity

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from shapely.ops import substring

from drawn_cracks import draw_mask, parallel_cracks, ragged, traced_cracks, wandering_crack, with_gaps
from tenken.measurement.bridging import Bridge, find_bridges
from tenken.measurement.crack_ends import TracedCrack
from tenken_training.evaluation import read_labelled_set

GAPS_PX = (2, 5, 10, 15, 20, 30, 40, 50, 70, 100)
WIDTHS_PX = (3, 5, 8)
SPACING_PX = 30


def lone_crack(rng: np.random.Generator, *, wander: bool, length_px: float = 400) -> LineString:
    """Draw one crack at any angle, 20 px from the picture's left and top."""
    angle = rng.uniform(0, 360)
    straight = affinity.rotate(LineString([(0, 0), (length_px, 0)]), angle, origin=(0, 0))
    line = wandering_crack(rng, (0, 0), angle, length_px) if wander else straight
    left, top, _, _ = line.bounds
    return affinity.translate(line, 20 - left, 20 - top)


def share_bridged(rng: np.random.Generator, width_px: float, gap_px: float, repeats: int, *, wander: bool) -> float:
    """Share of the gaps that are bridged, two in a crack."""
    bridged = gaps = 0
    for _ in range(repeats):
        line = lone_crack(rng, wander=wander, length_px=400 + 3 * gap_px)
        seen, taken = with_gaps(rng, line, gap_px, 2, 50)
        size = (int(line.bounds[2]) + 20, int(line.bounds[3]) + 20)
        cracks = traced_cracks(ragged(rng, draw_mask(seen, width_px, size)))
        gaps += len(taken)
        # Ragged masks close the smallest gaps by themselves.
        bridged += len(taken) - (len(cracks) - 1) + len(find_bridges(cracks))
    return bridged / gaps


def print_bridged(repeats: int) -> None:
    print("share of gaps bridged; in brackets the gap in crack widths")
    print(f"{'gap px':>8}  " + "  ".join(f"{name:>9} {width:2} px" for name in NAMES for width in WIDTHS_PX))
    rng = np.random.default_rng(1)
    for gap in GAPS_PX:
        cells = [
            f"{100 * share_bridged(rng, width, gap, repeats, wander=wander):6.0f} % ({gap / width:4.1f})"
            for wander in (False, True)
            for width in WIDTHS_PX
        ]
        print(f"{gap:8}  " + "  ".join(cells), flush=True)


NAMES = ("straight", "wandering")


def parallel_pieces(rng: np.random.Generator, *, wander: bool) -> tuple[list[LineString], list[LineString]]:
    """Draw three cracks side by side; give them, and what is seen: gaps in all, and often whole pieces left out."""
    lines = [affinity.translate(line, 350, 350) for line in parallel_cracks(rng, 3, SPACING_PX, 450, wander=wander)]
    seen: list[LineString] = []
    for line in lines:
        seen += with_gaps(rng, line, rng.uniform(2, 100), int(rng.integers(1, 4)), 40)[0]
    if rng.random() < 0.7:
        seen = [line for line in seen if rng.random() < 0.6] or seen[:1]
    return lines, seen


def joins_neighbours(bridge: Bridge, cracks: Sequence[TracedCrack], lines: Sequence[LineString]) -> bool:
    """Tell whether a bridge leads from one of the lines to another."""
    first, second = (
        int(
            np.argmin(
                [np.mean(shapely.distance(shapely.points(shapely.get_coordinates(crack)), line)) for line in lines]
            )
        )
        for crack in (cracks[bridge.first].lines, cracks[bridge.second].lines)
    )
    return first != second


def print_neighbours(repeats: int) -> None:
    rng = np.random.default_rng(2)
    print(f"\nthree cracks {SPACING_PX} px apart with gaps, pieces left out: bridges, and those between neighbours")
    for wander in (False, True):
        for width in WIDTHS_PX:
            bridges = wrong = 0
            for _ in range(repeats):
                lines, seen = parallel_pieces(rng, wander=wander)
                cracks = traced_cracks(ragged(rng, draw_mask(seen, width, (700, 700))))
                found = find_bridges(cracks)
                bridges += len(found)
                wrong += sum(joins_neighbours(bridge, cracks, lines) for bridge in found)
            print(
                f"{NAMES[wander]:>10} {width:2} px wide, {repeats} sets: {bridges:5} bridges, {wrong} false", flush=True
            )


def erased(
    rng: np.random.Generator, mask: npt.NDArray[np.bool_], cracks: Sequence[TracedCrack], gap_px: float
) -> tuple[npt.NDArray[np.bool_], LineString | None]:
    """Take a stretch out of one of a photo's cracks, at least two gaps or 40 px from its ends."""
    margin = max(40, 2 * gap_px)
    long = [
        (line, crack.width_px) for crack in cracks for line in crack.lines.geoms if line.length > 2 * margin + gap_px
    ]
    if not long:
        return mask, None
    line, width = long[int(rng.integers(len(long)))]
    at = rng.uniform(margin, line.length - margin - gap_px)
    gap = LineString(substring(line, at, at + gap_px).coords)
    return mask & ~draw_mask([gap], 3 * width, (mask.shape[1], mask.shape[0])), gap


def print_photos(count: int, folder: Path) -> None:
    """Erase stretches of labelled cracks. Where that does not tear the label (a loop) there is nothing to bridge."""
    print(f"\nlabelled cracks of {count} photos, enlarged twice, a stretch of one of them erased")
    print(f"{'gap px':>8}  erased  torn by it  torn after bridging")
    labelled = read_labelled_set(folder)
    masks = [
        labelled.load(photo)[1].region("crack").repeat(2, axis=0).repeat(2, axis=1) for photo in labelled.photos[:count]
    ]
    whole = [traced_cracks(mask) for mask in masks]
    own = [find_bridges(cracks) for cracks in whole]
    for gap_px in (5, 10, 20, 40, 70):
        rng = np.random.default_rng(gap_px)
        gaps = torn = still = 0
        for mask, cracks, before in zip(masks, whole, own, strict=True):
            cut, gap = erased(rng, mask, cracks, gap_px)
            if gap is None:
                continue
            left = traced_cracks(cut)
            gaps += 1
            torn += len(left) > len(cracks)
            still += len(left) - len(find_bridges(left)) > len(cracks) - len(before)
        print(f"{gap_px:8}  {gaps:6}  {torn:10}  {still:19}", flush=True)
    print(f"without erasing: {sum(map(len, own))} bridges in {sum(map(len, whole))} traced cracks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=40, help="cracks for each gap; tenfold sets side by side")
    parser.add_argument("--photos", type=int, default=100, help="photos with labelled cracks; 0 for none")
    parser.add_argument("--cracks", type=Path, default=Path("../shared/data/cracks"), help="their folder")
    arguments = parser.parse_args()
    print_bridged(arguments.repeats)
    print_neighbours(10 * arguments.repeats)
    if arguments.photos:
        print_photos(arguments.photos, arguments.cracks)


if __name__ == "__main__":
    main()
