"""Versions of what a result depends on."""

from importlib.metadata import PackageNotFoundError, version

NAMED = (
    *("tenken", "openvino", "numpy", "scipy", "scikit-image", "shapely", "pillow", "pyproj", "rasterio"),
    *("opencv-python", "torch"),
)
"""Packages whose version may change figures."""


def versions() -> dict[str, str]:
    """Return installed versions by package name; what is not installed is left out."""
    found = {}
    for name in NAMED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
