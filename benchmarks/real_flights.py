"""Run the command on the real flights and check what it leaves.

Run: python benchmarks/real_flights.py [--flights ../shared/flights]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio

FLIGHTS: dict[str, list[str]] = {
    "brighton_beach/images": [],
    "brighton_beach/reference/ortho_10cm.tif": [],
    "caliterra/images": [],
    "garfield_sequoia/images": [],
    "seneca_sensefly/images": [],
}
FILES = [
    *("inspection.gpkg", "defects.geojson", "segments.geojson", "defects.qml", "segments.qml", "segments.csv"),
    *("report.html", "run.json", "crops"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--flights", type=Path, default=Path("../shared/flights"))
    folder = parser.parse_args().flights
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no such folder: give the real flights with --flights")
    print(f"{'flight':<42} {'exit':>4} {'s':>6} {'photos':>6} {'placed':>6} {'defects':>7}  faults")
    for name, options in FLIGHTS.items():
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            command = [sys.executable, "-m", "tenken", "run", str(folder / name), "--out", out, "--quiet", *options]
            done = subprocess.run(command, check=False)
            seconds = time.perf_counter() - start
            counts = json.loads((Path(out) / "run.json").read_text(encoding="utf-8"))["counts"]
            placed = pyogrio.read_bounds(Path(out) / "inspection.gpkg", layer="photos")[1]
            print(
                f"{name:<42} {done.returncode:>4} {seconds:6.0f} {counts['photos']:>6} "
                f"{int(np.isfinite(placed).all(axis=0).sum()):>6} {sum(counts['defects'].values()):>7}  "
                f"{'; '.join(faults(Path(out))) or 'none'}"
            )


def faults(out: Path) -> list[str]:
    """Say what is missing, unreadable or against RFC 7946."""
    found = [f"{name} is missing" for name in FILES if not (out / name).exists()]
    for name in pyogrio.list_layers(out / "inspection.gpkg")[:, 0].tolist():
        fids = pyogrio.raw.read(out / "inspection.gpkg", layer=name, return_fids=True)[1]
        stated = pyogrio.read_info(out / "inspection.gpkg", layer=name)["features"]
        found += [f"layer {name}: {len(fids)} of {stated} rows can be read"] if len(fids) != stated else []
    for name in ("defects.geojson", "segments.geojson"):
        collection = json.loads((out / name).read_text(encoding="utf-8"))
        found += [f"{name}: {fault}" for fault in geojson_faults(collection)]
    return found


def geojson_faults(collection: dict[str, Any]) -> list[str]:
    found = [] if collection.get("type") == "FeatureCollection" else ["is no FeatureCollection"]
    if "crs" in collection:
        found.append("has a crs member")
    for number, feature in enumerate(collection["features"]):
        if set(feature) - {"type", "id", "geometry", "properties", "bbox"}:
            found.append(f"feature {number} has foreign members")
        geometry = feature["geometry"]
        for polygon in geometry["coordinates"] if geometry else []:
            for place, ring in enumerate(polygon):
                x, y = (np.array(ring)[:, :2] - ring[0][:2]).T
                if ring[0] != ring[-1] or len(ring) < 4:
                    found.append(f"feature {number} has an open ring")
                if (float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) > 0) != (place == 0):
                    found.append(f"feature {number} has a ring of the wrong hand")
                if not (abs(ring[0][0]) <= 180 and abs(ring[0][1]) <= 90):
                    found.append(f"feature {number} is not in degrees")
    return found


if __name__ == "__main__":
    main()
