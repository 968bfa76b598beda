"""What a camera's rays do on the tangent planes of a surface: how large a pixel is there, how far an error moves it."""

import numpy as np
import numpy.typing as npt

from tenken.georeferencing.camera import Camera
from tenken.imagery.attitude import turn_about

FloatArray = npt.NDArray[np.float64]


def on_tangent(origin_m: FloatArray, rays: FloatArray, points: FloatArray, normals: FloatArray) -> FloatArray:
    """(n, 3) where rays from a camera meet the surface's tangent planes at (n, 3) points; NaN where they do not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = ((points - origin_m) * normals).sum(axis=1) / (rays * normals).sum(axis=1)
    reach = np.where(np.isfinite(reach) & (reach > 0.0), reach, np.nan)
    met: FloatArray = origin_m + rays * reach[:, None]
    return met


def pixel_axes_mm(
    camera: Camera, xy_px: FloatArray, points: FloatArray, normals: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(n,) the shorter and (n,) the longer axis of a pixel on the surface, mm.

    From the difference of rays half a pixel to each side on the surface's tangent plane, so lens distortion and the
    slope of the surface are in it. Off the optical axis it is the exact form of distance x pitch / focal.
    """
    ground = np.array([camera.grid_scale, camera.grid_scale, 1.0])
    sides = []
    for step in (np.array([0.5, 0.0]), np.array([0.0, 0.5])):
        ahead = on_tangent(camera.position_m, camera.rays(xy_px + step), points, normals)
        behind = on_tangent(camera.position_m, camera.rays(xy_px - step), points, normals)
        sides.append((ahead - behind) / ground)
    gram = np.stack([[(a * b).sum(axis=1) for b in sides] for a in sides])
    mean, half = (gram[0, 0] + gram[1, 1]) / 2.0, (gram[0, 0] - gram[1, 1]) / 2.0
    spread = np.hypot(half, gram[0, 1])
    return np.sqrt(np.maximum(mean - spread, 0.0)) * 1000.0, np.sqrt(mean + spread) * 1000.0


def turned_rays(camera: Camera, rays: FloatArray) -> list[FloatArray]:
    """Rays when the camera is turned by its 1 sigma: in yaw, then in tilt about both horizontal axes."""
    accuracy = camera.accuracy
    turns = (
        turn_about("z", accuracy.yaw_deg),
        turn_about("x", accuracy.tilt_deg),
        turn_about("y", accuracy.tilt_deg),
    )
    return [rays @ turn.T for turn in turns]


def refocused_rays(camera: Camera, xy_px: FloatArray) -> FloatArray:
    """Rays when the focal length is longer by its 1 sigma.

    A longer focal length turns each ray towards the axis by as much as pixels nearer to the centre would.
    """
    centre = np.array([camera.width_px, camera.height_px]) / 2.0
    return camera.rays(centre + (xy_px - centre) / (1.0 + camera.lens.focal_error))
