"""Crack widths against the truth of drawn cracks: whether 90 % intervals hold it, bias, and what is refused.

Each crack is drawn as a camera sees it (blur, noise, sharpening, JPEG, tilt up to 60 degrees, brightness, texture,
ragged flanks, all at random), detected by a mask that is wider than the crack, measured as `inspect run` does, and
compared in millimetres on the surface. Figures to stand by are those of seeds from 1000 on; below is for looking.

Run: python benchmarks/widths.py [--cracks 1000] [--seed 1000] [--workers 2]
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from tenken import Detections, find_defects
from tenken.measurement.measure import sight
from tenken.measurement.surface_widths import LARGEST_OVER_MM
from tenken_demo.close_up import NO_CRACKS, CloseUp, Conditions, draw_close_up, draw_no_crack

BINS_PX = ((0.3, 0.7), (0.7, 1.3), (1.3, 2.0), (2.0, 3.0), (3.0, 5.0), (5.0, 10.0), (10.0, 20.0))
NO_CRACK_PX = (3.0, 20.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One drawn crack, measured; figures in photo pixels so that cracks at all scales can be put together."""

    true_px: float
    status: str
    median: tuple[float | None, float, float] | None
    p95: tuple[float | None, float, float] | None
    largest: tuple[float | None, float, float] | None
    true_p95_px: float = 0.0
    true_largest_px: float = 0.0


def measure(drawn: CloseUp) -> Outcome:
    """Find the crack with the detector that drew its mask, and measure it on the surface."""
    rows, columns = np.nonzero(drawn.detected)

    def detector(_: npt.NDArray[np.uint8]) -> Detections:
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        box = np.array([[left, top, right, bottom]], dtype=np.float64)
        return Detections(box, np.ones(1), np.array(["crack"]), [drawn.detected[top:bottom, left:right]])

    found = find_defects(drawn.image, detector, tile_px=drawn.image.shape[0])
    longest = max(found, key=lambda one: one.length_px or 0.0)
    seen = sight(longest, "drawn", "0" * 64, drawn.placement)
    scale = drawn.true_width_mm / drawn.true_width_px
    if seen.width_low_mm is None or seen.width_high_mm is None or seen.width_p95 is None or seen.width_largest is None:
        return Outcome(drawn.true_width_px, seen.width_status or "", None, None, None)

    def in_px(value: float | None, low: float, high: float) -> tuple[float | None, float, float]:
        return None if value is None else value / scale, low / scale, high / scale

    return Outcome(
        drawn.true_width_px,
        seen.width_status or "",
        in_px(seen.width_mm, seen.width_low_mm, seen.width_high_mm),
        in_px(seen.width_p95.width_mm, seen.width_p95.low_mm, seen.width_p95.high_mm),
        in_px(seen.width_largest.width_mm, seen.width_largest.low_mm, seen.width_largest.high_mm),
        drawn.p95_width_mm / scale,
        drawn.largest_width_mm(LARGEST_OVER_MM) / scale,
    )


def one_crack(seed: int, limits_px: tuple[float, float], number: int) -> Outcome:
    rng = np.random.default_rng([seed, round(100 * limits_px[0]), number])
    return measure(draw_close_up(rng, Conditions.draw(rng, limits_px)))


def one_no_crack(seed: int, what: str, number: int) -> Outcome:
    rng = np.random.default_rng([seed, 7, NO_CRACKS.index(what), number])
    return measure(draw_no_crack(rng, Conditions.draw(rng, NO_CRACK_PX), what))


def crack_rows(cracks: Sequence[Outcome]) -> Iterator[str]:
    """Give a bin's figures, cell by cell."""
    read = [one for one in cracks if one.median is not None]
    yield f"{len(cracks)}"
    yield f"{len(read) / len(cracks):.0%}"
    numbers = [one for one in read if one.median and one.median[0] is not None]
    yield f"{len(numbers) / len(cracks):.1%}"
    if not read:
        return
    off = np.array([np.mean(one.median[1:]) - one.true_px for one in read if one.median])
    yield f"{np.median(off):+.2f}"
    stated = np.array([one.median[0] - one.true_px for one in numbers if one.median and one.median[0] is not None])
    yield f"{np.median(stated):+.2f}" if len(stated) else "-"
    yield f"{np.quantile(np.abs(stated), 0.9):.2f}" if len(stated) else "-"
    for name, truth in (("median", "true_px"), ("p95", "true_p95_px"), ("largest", "true_largest_px")):
        intervals = np.array([getattr(one, name)[1:] for one in read])
        true = np.array([getattr(one, truth) for one in read])
        held = (intervals[:, 0] <= true) & (true <= intervals[:, 1])
        yield f"{held.mean():.1%}"
        yield f"{np.median(intervals[:, 1] - intervals[:, 0]):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cracks", type=int, default=1000, help="in each bin")
    parser.add_argument("--from-px", type=float, default=0.0, help="leave out the bins below")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    heads = ("true width", "n", "read", "number", "bias", "of number", "90 % off")
    held = ("in median", "long", "in p95", "long", "in largest", "long")
    print("".join(head.rjust(11) for head in (*heads, *held)), "[px]")
    with ProcessPoolExecutor(arguments.workers) as pool:
        for limits in (one for one in BINS_PX if one[0] >= arguments.from_px):
            cracks = list(pool.map(partial(one_crack, arguments.seed, limits), range(arguments.cracks), chunksize=8))
            print("".join(cell.rjust(11) for cell in (f"{limits[0]:g}-{limits[1]:g}", *crack_rows(cracks))), flush=True)
        print("\nno cracks, taken for cracks by a detector: no width may be stated")
        for what in NO_CRACKS:
            count = max(1, arguments.cracks // 5)
            others = list(pool.map(partial(one_no_crack, arguments.seed, what), range(count), chunksize=8))
            stated = sum(one.median is not None and one.median[0] is not None for one in others)
            refused = sum(one.median is None for one in others)
            print(f"{what:>16}: {refused / count:.0%} refused, a number for {stated / count:.1%} of {count}")


if __name__ == "__main__":
    main()
