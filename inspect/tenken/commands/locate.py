"""``inspect locate``: where pixels of a photo lie."""

import re
from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def locate(
    photo: Annotated[Path, typer.Argument(help="A drone photo, or an orthomosaic GeoTIFF.")],
    pixels: Annotated[list[str], typer.Argument(metavar="X,Y …", help="Pixels: column,row from the top left.")],
    surface: options.Surface = "plane",
    assets: Annotated[Path | None, typer.Option(help="Parts of the structure, for photos of their faces.")] = None,
    lang: options.Language = None,
    json: options.Json = False,
) -> None:
    """Tell where pixels lie on the surface: longitude, latitude, height, and the error in metres (1 sigma)."""
    import json as json_format

    import numpy as np

    from tenken.errors import SettingsError
    from tenken.georeferencing.locate import locate as locate_pixels
    from tenken.notes import said
    from tenken.running.preview import place_one
    from tenken.wording import words

    told = options.language(lang)
    text = words(told)
    xy_px = np.array([_pixel(text) for text in pixels])
    picture = place_one(photo, surface, assets)
    for x, y in xy_px.tolist():
        if not (0 <= x <= picture.width_px and 0 <= y <= picture.height_px):
            raise SettingsError(f"{x:g},{y:g}: lies outside the photo ({picture.width_px} x {picture.height_px} px)")
    locations = locate_pixels(picture.placement, xy_px)
    for doubt in picture.doubts:
        typer.echo(f"{text('info.note')}: {said(doubt, told)}", err=True)
    if json:
        rows = [
            {
                "x": one.xy_px[0],
                "y": one.xy_px[1],
                "lon": one.lon_deg,
                "lat": one.lat_deg,
                "height_m": one.height_m,
                "error_m": one.error_m,
                **({} if one.face is None else {"face": one.face}),
                **({} if one.face_xy_m is None else dict(zip(("face_x_m", "face_y_m"), one.face_xy_m, strict=True))),
            }
            for one in locations
        ]
        typer.echo(json_format.dumps(rows, indent=2))
        return
    names = (text(f"locate.{name}") for name in ("pixel", "longitude", "latitude", "height", "error"))
    typer.echo(" ".join(f"{name:>{width}}" for name, width in zip(names, (15, 15, 14, 10, 8), strict=True)))
    for one in locations:
        where = f"{one.xy_px[0]:g},{one.xy_px[1]:g}"
        if one.lon_deg is None:
            typer.echo(f"{where:>15} {text('locate.no_surface')}")
        else:
            height = text("info.unknown") if one.height_m is None else f"{one.height_m:.2f}"
            x_m, y_m = one.face_xy_m or (0.0, 0.0)
            on_face = "" if one.face is None else f"  {one.face}: x {x_m:.2f}, y {y_m:.2f}"
            position = f"{one.lon_deg:15.9f} {one.lat_deg:14.9f} {height:>10} {one.error_m or 0:8.2f}"
            typer.echo(f"{where:>15} {position}{on_face}")


def _pixel(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*[,;]\s*(-?\d+(?:\.\d+)?)\s*", text)
    if found is None:
        from tenken.errors import SettingsError

        raise SettingsError(f"{text}: is no pixel: write column,row, for example 2000,1125")
    return float(found[1]), float(found[2])
