"""What only looks like a defect: joints, cables, chalk, paint, shadows, stains, leaves, red things."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from tenken_demo.noise import field_noise

FloatPicture = npt.NDArray[np.float32]
_SUBPIXEL_BITS = 4


def draw_lookalikes(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Draw none to four kinds of lookalikes into an sRGB picture (h, w, 3), 0..1, in place."""
    for number in rng.choice(len(LOOKALIKES), size=int(rng.integers(0, 5)), replace=False):
        LOOKALIKES[number](rng, picture)


def _strip(picture: FloatPicture, points_px: npt.NDArray[np.float64], width_px: float) -> FloatPicture:
    """Cover, 0..1 as (h, w, 1), of a polyline of one width; under a pixel the line gets fainter instead."""
    # OpenCV smooths borders in 8-bit pictures only.
    cover = np.zeros(picture.shape[:2], np.uint8)
    fixed = np.round(points_px * 2**_SUBPIXEL_BITS).astype(np.int32)
    thickness = max(round(width_px), 1)
    cv2.polylines(cover, [fixed], False, 255 * min(width_px, 1.0), thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
    return (cover[..., None] / np.float32(255)).astype(np.float32)


def _blend(picture: FloatPicture, cover: FloatPicture, colour: npt.ArrayLike, opacity: float) -> None:
    picture += cover * opacity * (np.asarray(colour, dtype=np.float32) - picture)


def _across(rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
    """(2, 2) ends of a straight line through the picture."""
    centre, turn = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0, np.pi)
    if rng.random() < 0.6:
        turn = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.03)
    step = np.array([np.cos(turn), np.sin(turn)]) * size * 1.5
    return np.stack([centre - step, centre + step])


def _smooth_curve(rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
    """(n, 2) a line without corners: a quadratic Bézier curve through the picture."""
    start, end = _across(rng, size)
    bow = (start + end) / 2 + rng.normal(0, 0.35 * size, 2)
    part = np.linspace(0, 1, 60)[:, None]
    return np.asarray((1 - part) ** 2 * start + 2 * part * (1 - part) * bow + part**2 * end)


def joints(rng: np.random.Generator, picture: FloatPicture) -> None:
    """One joint, or several that run side by side or cross: straight, of one width."""
    size, ends = len(picture), _across(rng, len(picture))
    width, opacity, dark = rng.uniform(0.6, 9), rng.uniform(0.25, 0.95), rng.uniform(0.02, 0.25)
    for _ in range(rng.integers(1, 4)):
        _blend(picture, _strip(picture, ends, width), (dark, dark, dark), opacity)
        if width > 4:
            _blend(picture, _strip(picture, ends + rng.uniform(1, width / 2), 1), (0.9, 0.9, 0.85), 0.3)
        turned = ends[:, ::-1] if rng.random() < 0.4 else ends
        ends = turned + rng.uniform(-0.4, 0.4, 2) * size


def cables(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Cables, hoses, wires, spider threads: smooth, with a shadow and a lit side."""
    for _ in range(rng.integers(1, 4)):
        line, width = _smooth_curve(rng, len(picture)), float(np.exp(rng.uniform(np.log(0.5), np.log(12))))
        _blend(picture, _strip(picture, line + rng.uniform(-2, 2, 2) * width, width * 1.2), (0, 0, 0), 0.3)
        colour = rng.uniform(0, 0.3, 3) if rng.random() < 0.7 else rng.uniform(0.3, 1, 3)
        _blend(picture, _strip(picture, line, width), colour, rng.uniform(0.5, 1))
        if width > 3:
            _blend(picture, _strip(picture, line - 0.2 * width, width * 0.3), (1, 1, 1), 0.25)


def cable_shadows(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Thin shadows of cables, wires, rails and twigs: smooth, of one width, and the ground is seen through them."""
    size = len(picture)
    cover = np.zeros((size, size), np.float32)
    width = float(np.exp(rng.uniform(np.log(0.7), np.log(7))))
    for _ in range(rng.integers(1, 5)):
        line = _smooth_curve(rng, size) if rng.random() < 0.75 else _across(rng, size)
        # Wires hang side by side.
        for shift in np.cumsum(rng.uniform(2, 12, int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1])))):
            strip = _strip(picture, line + shift * width * np.array([0.6, 0.8]), width * rng.uniform(0.7, 1.3))
            cover = np.maximum(cover, strip[..., 0])
    # The farther the cable, the softer its shadow; over courses and pebbles its border is ragged.
    soft = cv2.GaussianBlur(cover, (0, 0), float(np.exp(rng.uniform(np.log(0.4), np.log(2.5)))))
    ragged = np.clip(1 + rng.uniform(0, 0.5) * field_noise(rng, (size, size), rng.uniform(1, 6)), 0, 1.5)
    tint = np.array([1, rng.uniform(0.94, 1), rng.uniform(0.85, 1)], np.float32)
    picture *= np.clip(1 - rng.uniform(0.2, 0.85) * (soft * ragged)[..., None] * tint, 0, 1)


def chalk(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Strokes, boxes and figures in chalk, wax or spray paint, of any colour, seldom dark."""
    size = len(picture)
    colour = [(0.95, 0.95, 0.92), (0.9, 0.8, 0.2), (0.85, 0.25, 0.2), (0.2, 0.4, 0.8), (0.1, 0.1, 0.1)][
        rng.choice(5, p=[0.45, 0.15, 0.15, 0.15, 0.1])
    ]
    rough = np.clip(0.6 + 0.5 * field_noise(rng, (size, size), 1.2), 0, 1)[..., None]
    width = rng.uniform(1, 7)
    for _ in range(rng.integers(1, 5)):
        points = rng.uniform(0, 1, 2) * size + np.cumsum(
            rng.normal(0, 0.06 * size, (int(rng.integers(2, 7)), 2)), axis=0
        )
        if rng.random() < 0.4:
            text = str(rng.integers(0, 1000)) + rng.choice(["", "mm", "m", "-A", "/C"])
            cover = np.zeros((size, size), np.uint8)
            place = tuple(int(value) for value in rng.uniform(0.05, 0.8, 2) * size)
            scale = float(rng.uniform(0.6, 3))
            cv2.putText(cover, text, place, int(rng.integers(0, 8)), scale, 255, max(int(width), 1), cv2.LINE_AA)
            _blend(picture, (cover[..., None] / 255).astype(np.float32) * rough, colour, 0.9)
        else:
            _blend(picture, _strip(picture, points, width) * rough, colour, 0.9)


def webs(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Spider webs in a corner or across: fine threads from a middle, some hung between, pale or dusty dark."""
    size = len(picture)
    middle, count = rng.uniform(-0.1, 1.1, 2) * size, int(rng.integers(3, 14))
    first, spread = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 2 * np.pi)
    turns = first + spread * np.sort(rng.uniform(0, 1, count))
    reach = float(np.exp(rng.uniform(np.log(0.1), np.log(0.8)))) * size * rng.uniform(0.6, 1, count)
    tips = middle + reach[:, None] * np.column_stack([np.cos(turns), np.sin(turns)])
    colour = [(0.95, 0.95, 0.95), (0.2, 0.19, 0.17)][rng.choice(2, p=[0.5, 0.5])]
    width, opacity = rng.uniform(0.3, 1.4), rng.uniform(0.2, 0.8)
    for tip in tips:
        _blend(picture, _strip(picture, np.stack([middle, tip]), width), colour, opacity)
    for part in rng.uniform(0.15, 1, int(rng.integers(0, 7))):
        ring = middle + part * (tips - middle)
        # Threads sag towards the middle between two spokes.
        sag = middle + 0.85 * ((ring[:-1] + ring[1:]) / 2 - middle)
        line = np.insert(ring, np.arange(1, len(ring)), sag, axis=0)
        _blend(picture, _strip(picture, line, width * 0.8), colour, opacity * 0.7)


def road_paint(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Broad lines in white, yellow or red, worn."""
    size = len(picture)
    colour = [(0.92, 0.92, 0.9), (0.9, 0.72, 0.15), (0.65, 0.2, 0.15)][rng.choice(3, p=[0.6, 0.25, 0.15])]
    worn = np.clip(1.1 + 0.5 * field_noise(rng, (size, size), 4), 0, 1)[..., None]
    cover = _strip(picture, _across(rng, size), rng.uniform(10, 90))
    _blend(picture, cover * worn, colour, rng.uniform(0.4, 1))


def shadow(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Shadow of a beam, a rail, a branch or a crown, with a sharp or a soft border."""
    size = len(picture)
    cover = np.zeros((size, size), np.float32)
    kind = rng.random()
    if kind < 0.4:
        for _ in range(rng.integers(1, 4)):
            cover = np.maximum(cover, _strip(picture, _across(rng, size), rng.uniform(3, 150))[..., 0])
    elif kind < 0.7:
        for _ in range(rng.integers(2, 9)):
            cover = np.maximum(cover, _strip(picture, _smooth_curve(rng, size), rng.uniform(1, 9))[..., 0])
    else:
        cover = (field_noise(rng, (size, size), rng.uniform(5, 60)) > rng.uniform(-0.3, 0.8)).astype(np.float32)
    soft = cv2.GaussianBlur(cover, (0, 0), float(np.exp(rng.uniform(np.log(0.5), np.log(8)))))
    picture *= 1 - rng.uniform(0.2, 0.75) * soft[..., None] * np.array([1, 0.97, 0.9], np.float32)


def stains(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Water runs, soot, oil, lime and moss."""
    size = len(picture)
    long = float(rng.uniform(1, 25))
    noise = cv2.GaussianBlur(
        rng.standard_normal((size, size)).astype(np.float32), (0, 0), sigmaX=rng.uniform(3, 15), sigmaY=15 * long
    )
    noise = noise / noise.std() + 0.7 * field_noise(rng, (size, size), size / 6)
    cover = np.clip(noise - rng.uniform(0, 1.2), 0, 1)[..., None]
    colour = [(0.1, 0.1, 0.09), (0.9, 0.9, 0.87), (0.3, 0.34, 0.2), (0.25, 0.22, 0.18)][rng.integers(4)]
    _blend(picture, cover, colour, rng.uniform(0.1, 0.6))


def litter(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Fallen leaves, twigs, grass blades and pebbles."""
    size = len(picture)
    base = np.array([[0.75, 0.4, 0.1], [0.6, 0.25, 0.1], [0.45, 0.3, 0.15], [0.4, 0.5, 0.15]])[rng.integers(4)]
    for _ in range(rng.integers(5, 90)):
        place, length = rng.uniform(0, size, 2), rng.uniform(2, 16)
        colour = tuple(float(value) for value in np.clip(base * rng.uniform(0.6, 1.3), 0, 1))
        axes = (int(length * 8), int(length * rng.uniform(0.08, 0.7) * 8))
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(picture, tuple((place * 8).astype(int)), axes, turn, 0, 360, colour, -1, cv2.LINE_AA, 3)


def red_things(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Cars, roofs, signs, crates: blocks in red, orange or brown with straight sides."""
    size = len(picture)
    for _ in range(rng.integers(1, 4)):
        colour = np.array([rng.uniform(0.4, 0.9), rng.uniform(0.05, 0.4), rng.uniform(0.03, 0.25)])
        side, turn = rng.uniform(0.04, 0.5, 2) * size, float(rng.uniform(0, 180))
        centre = rng.uniform(0, size, 2)
        for part, factor in ((1.0, 1.0), (0.7, 0.6), (0.55, 1.15)):
            corners = cv2.boxPoints((tuple(centre.tolist()), tuple((side * part).tolist()), turn))
            shaded = tuple(float(value) for value in np.clip(colour * factor * rng.uniform(0.8, 1.2), 0, 1))
            cv2.fillPoly(picture, [np.round(corners * 8).astype(np.int32)], shaded, cv2.LINE_AA, 3)
            if rng.random() < 0.4:
                break


def holes(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Tie holes, bolts' marks or vents in a grid."""
    size, pitch, radius = len(picture), rng.uniform(60, 260), rng.uniform(2, 14)
    start = rng.uniform(0, pitch, 2)
    for x in np.arange(start[0], size, pitch):
        for y in np.arange(start[1], size, pitch):
            dark = tuple([float(rng.uniform(0.03, 0.3))] * 3)
            cv2.circle(picture, (int(x * 8), int(y * 8)), int(radius * 8), dark, -1, cv2.LINE_AA, 3)


LOOKALIKES: tuple[Callable[[np.random.Generator, FloatPicture], None], ...] = (
    joints,
    cables,
    chalk,
    road_paint,
    shadow,
    stains,
    litter,
    red_things,
    holes,
)
