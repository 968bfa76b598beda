"""Every layer as GeoJSON for web maps: RFC 7946, WGS 84."""

from pathlib import Path

from tenken.exports.result import LAYERS, FinishedResult
from tenken.journal import write_atomically
from tenken.outputs.geojson import feature_collection


def write_web_map(result: FinishedResult, folder: Path) -> list[str]:
    """Write a ``.geojson`` for each layer."""
    for name, layer in result.layers.items():
        write_atomically(folder / f"{name}.geojson", feature_collection(layer, result.crs, LAYERS[name][2]))
    return []
