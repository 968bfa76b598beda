"""The demo flight's truth against an inspection of it: first with a perfect detector, then with the shipped weights.

Run: python benchmarks/demo_truth.py [--width 4000] [--seed 1]
"""

import argparse
import tempfile
from pathlib import Path

from tenken import Settings, inspect_flight
from tenken.detection.detect import Detector
from tenken_demo import make_demo_flight
from tenken_demo.oracle import OracleDetector
from tenken_demo.scoring import DemoScore, rows, score_demo
from tenken_demo.truth import DemoTruth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--width", type=int, default=4000, help="photo width in pixels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weights", default="default", help="name or file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        flight = Path(folder) / "flight"
        truth = make_demo_flight(
            flight, seed=arguments.seed, width_px=arguments.width, height_px=arguments.width * 3 // 4
        )
        for title, detector in (
            ("perfect detector", OracleDetector(truth, flight / "images")),
            (f"weights {arguments.weights}", None),
        ):
            print(f"\n{title}, photos {arguments.width} px wide, seed {arguments.seed}")
            print_score(inspect_demo(flight, Path(folder) / title.split()[0], truth, detector, arguments.weights))


def inspect_demo(flight: Path, out: Path, truth: DemoTruth, detector: Detector | None, weights: str) -> DemoScore:
    settings = Settings(weights=weights, assets=flight / "assets.geojson", surface=str(flight / "surface.tif"))
    inspection = inspect_flight(flight / "images", out, settings, detector=detector)
    return score_demo(truth, inspection.defects)


def print_score(score: DemoScore) -> None:
    table = list(rows(score))
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    for kind in ("crack", "corrosion"):
        demanded = [one for one in score.defects if one.required and one.defect.kind == kind]
        hits = [one for one in demanded if one.records]
        print(
            f"{kind}: {len(hits)} of {len(demanded)} large enough found, "
            f"{sum(one.in_place for one in demanded)} in place, "
            f"{sum(len(one.records) > 1 for one in score.defects if one.defect.kind == kind)} found twice, "
            f"{sum(alarm.kind == kind for alarm in score.false_alarms)} false alarms"
        )


if __name__ == "__main__":
    main()
