"""Training crops: each is made anew from the recipe's seed, the epoch and its number in it, and never stored."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tenken_demo.noise import stream
from tenken_training.appearance import taken_anew, turned_hue
from tenken_training.cleaning import near
from tenken_training.crop_sources import mined_places, pool_of
from tenken_training.drawn_defects import draw_cracks, draw_rust, paste_cracks, paste_rust
from tenken_training.fit_settings import FitSettings
from tenken_training.mixed_crops import IN_CONCRETE, ON_CONCRETE, THIN, covered, cracked_wall, rusted_steel
from tenken_training.prepared_index import PhotoKind, PreparedIndex, PreparedPhoto, Split
from tenken_training.rasters import read_raster, read_rgb
from tenken_training.recipe import CropKind
from tenken_training.view import UNKNOWN_STATE, Labelled, View, look

SMOOTH_TRIES = 3
"""Places of a flight that are looked at to find one on which a crack could be."""


class CropMaker:
    """Makes the crops of a recipe.

    Parameters
    ----------
    recipe
        Sizes, shares and the seed.
    index
        What was prepared.
    data_dir, prepared_dir
        Folders that the index's paths are below.
    split
        Photos to use.
    """

    def __init__(
        self, recipe: FitSettings, index: PreparedIndex, data_dir: Path, prepared_dir: Path, *, split: Split = "train"
    ) -> None:
        self._recipe = recipe
        self._size_px = recipe.crops.size_px
        self._folders = {"crack": data_dir, "corrosion": data_dir, "flight": prepared_dir, "surface": prepared_dir}
        self._folders["texture"] = prepared_dir
        self._prepared_dir = prepared_dir
        self.pool = pool_of(index, split, recipe.crops.photos_share if split == "train" else 1.0)
        self._mined = mined_places(index, prepared_dir) if recipe.mining is not None and split == "train" else {}

    def crop(self, epoch: int, number: int) -> Labelled:
        """Make one crop of an epoch; the same numbers give the same crop."""
        rng = stream(self._recipe.seed, f"epoch {epoch}", number)
        shares = self._recipe.crops.shares
        kinds = list(shares)
        part = np.array([shares[kind] for kind in kinds])
        return self.crop_of(kinds[int(rng.choice(len(kinds), p=part / part.sum()))], rng)

    def crop_of(self, kind: CropKind, rng: np.random.Generator) -> Labelled:
        """Make one crop of a kind, as another camera would take it."""
        makers: dict[CropKind, Callable[[np.random.Generator], Labelled]] = {
            "crack_photo": partial(self._of_photo, kind="crack"),
            "crack_mosaic": partial(self._mosaic, kind="crack"),
            "corrosion_photo": partial(self._of_photo, kind="corrosion"),
            "corrosion_mosaic": partial(self._mosaic, kind="corrosion"),
            "drawn_crack": self._drawn_crack,
            "pasted_crack": self._pasted_crack,
            "pasted_rust": self._pasted_rust,
            "drawn_rust": self._drawn_rust,
            "flight_negative": self._flight_negative,
            "rendered_negative": self._rendered_negative,
            "texture_negative": self._texture_negative,
            "crack_among_lookalikes": self._crack_among_lookalikes,
            "lookalikes_on_ground": self._lookalikes_on_ground,
            "cracked_wall": self._cracked_wall,
            "rusted_steel": self._rusted_steel,
            "mined_negative": self._mined_negative,
        }
        made = makers[kind](rng)
        return made.with_image(taken_anew(rng, made.image, keep_hue=bool(made.rust.any())))

    def whole(self, photo: PreparedPhoto, scale: float, *, centre: tuple[float, float] = (0.5, 0.5)) -> Labelled:
        """Cut a photo as it is, for validation; `centre` as a part of its width and height."""
        image, labels, ignore = self._read(photo)
        xy_px = (centre[0] * image.shape[1], centre[1] * image.shape[0])
        return look(
            image, labels, ignore, View(xy_px, scale, 0.0, False, self._size_px), rust=photo.kind == "corrosion"
        )

    def _of_photo(
        self, rng: np.random.Generator, kind: PhotoKind, *, size_px: int = 0, mean_scale: float = 1.0
    ) -> Labelled:
        """Turn, mirror and scale a photo around one of its defects (or, one time in four, anywhere)."""
        pool = {"crack": self.pool.crack, "corrosion": self.pool.corrosion}[kind]
        return self._seen(rng, pool[rng.integers(len(pool))], size_px=size_px, mean_scale=mean_scale)

    def _seen(
        self, rng: np.random.Generator, photo: PreparedPhoto, *, size_px: int = 0, mean_scale: float = 1.0
    ) -> Labelled:
        image, labels, ignore = self._read(photo)
        low, high = self._recipe.crops.scale
        spread = {"crack": 0.45, "corrosion": 0.55, "flight": 0.4, "surface": 0.4, "texture": 0.5}[photo.kind]
        # Corrosion photos are 1024 px wide, crack photos 416: the middle of the range shows half and all of one.
        middle = {"crack": 1.1, "corrosion": 0.65, "flight": 1.0, "surface": 0.8, "texture": 0.9}[photo.kind]
        scale = float(np.clip(middle * mean_scale * np.exp(rng.normal(0, spread)), low, high))
        xy_px = rng.uniform(0.1, 0.9, 2) * np.array(image.shape[1::-1])
        if labels is not None and rng.random() < 0.75:
            rows, columns = np.nonzero(labels)
            if len(rows):
                place = rng.integers(len(rows))
                xy_px = np.array([columns[place], rows[place]]) + rng.normal(0, 0.2, 2) * self._size_px / scale
                xy_px = np.clip(xy_px, 0, np.array(image.shape[1::-1]) - 1)
        # Rust shows which way water runs: it is turned less than cracks are.
        tilt = rng.normal(0, 12) if photo.kind == "corrosion" and rng.random() < 0.7 else rng.uniform(0, 360)
        view = View(
            (float(xy_px[0]), float(xy_px[1])), scale, float(tilt), bool(rng.random() < 0.5), size_px or self._size_px
        )
        return look(image, labels, ignore, view, rust=photo.kind == "corrosion")

    def _mosaic(self, rng: np.random.Generator, kind: PhotoKind) -> Labelled:
        """Lay 2 x 2 or 3 x 3 small pictures side by side, one in five without a defect: defects far away."""
        count = int(rng.choice([2, 3], p=[0.65, 0.35]))
        size = self._size_px
        bounds = np.linspace(0, size, count + 1)
        bounds[1:-1] += rng.uniform(-0.15, 0.15, count - 1) * size / count
        edges = bounds.astype(int)
        board = Labelled.blank(size)
        cells = [(row, column) for row in range(count) for column in range(count)]
        for row, column in cells:
            height, width = edges[row + 1] - edges[row], edges[column + 1] - edges[column]
            side = max(height, width)
            if rng.random() < 0.2:
                pools = [self.pool.surface, self.pool.flight, self.pool.texture]
                pool = pools[int(rng.integers(3))] or self.pool.surface
                piece = self._seen(rng, pool[rng.integers(len(pool))], size_px=side)
            else:
                piece = self._of_photo(rng, kind, size_px=side, mean_scale=0.9 / count)
            board.lay(piece, int(edges[row]), int(edges[column]), int(height), int(width))
        return board

    def _ground(self, rng: np.random.Generator) -> Labelled:
        """Ground that a crack may be put on: a texture, a rendered surface, or a smooth part of a flight."""
        choice = rng.random()
        if choice < 0.4 and self.pool.ground:
            return self._seen(rng, self._any(rng, self.pool.ground))
        if choice > 0.8 and self.pool.flight:
            tries = [self._seen(rng, self._any(rng, self.pool.flight)) for _ in range(SMOOTH_TRIES)]
            return min(tries, key=lambda seen: float(cv2.Laplacian(seen.image, cv2.CV_32F).std()))
        return self._seen(rng, self._any(rng, self.pool.crackable or self.pool.surface))

    def _drawn_crack(self, rng: np.random.Generator) -> Labelled:
        ground = self._ground(rng)
        image, masks = draw_cracks(rng, ground.image)
        return ground.with_cracks(image, masks)

    def _pasted_crack(self, rng: np.random.Generator) -> Labelled:
        ground, source = self._ground(rng), self._of_photo(rng, "crack")
        numbers = [number for number in np.unique(source.crack_numbers) if number]
        return ground.with_cracks(
            *paste_cracks(ground.image, source.image, [source.crack_numbers == number for number in numbers])
        )

    def _pasted_rust(self, rng: np.random.Generator) -> Labelled:
        choice, source = rng.random(), self._of_photo(rng, "corrosion")
        if choice < 0.35:
            ground = self._of_photo(rng, "crack")
        else:
            pools = (self.pool.painted, self.pool.steel, self.pool.surface, self.pool.flight)
            pool = pools[int((choice - 0.35) / 0.65 * len(pools))]
            ground = self._seen(rng, self._any(rng, pool or self.pool.surface))
        state = np.where(near(ground.crack_numbers > 0, 3), 0, source.state).astype(np.uint8)
        if not state.any():
            return ground
        return ground.with_rust(paste_rust(rng, ground.image, source.image, state > 0), state)

    def _drawn_rust(self, rng: np.random.Generator) -> Labelled:
        pool = self.pool.steel if rng.random() < 0.5 else self.pool.painted
        ground = self._seen(rng, self._any(rng, pool or self.pool.surface))
        image, mask = draw_rust(rng, ground.image)
        return ground.with_rust(image, np.where(mask, UNKNOWN_STATE, 0).astype(np.uint8))

    def _flight_negative(self, rng: np.random.Generator) -> Labelled:
        if not self.pool.flight:
            return self._rendered_negative(rng)
        seen = self._seen(rng, self._any(rng, self.pool.flight))
        return seen.with_image(turned_hue(rng, seen.image)) if rng.random() < 0.35 else seen

    def _rendered_negative(self, rng: np.random.Generator) -> Labelled:
        return self._seen(rng, self._any(rng, self.pool.surface))

    def _texture_negative(self, rng: np.random.Generator) -> Labelled:
        if not self.pool.texture:
            return self._rendered_negative(rng)
        return self._seen(rng, self._any(rng, self.pool.texture))

    def _crack_among_lookalikes(self, rng: np.random.Generator) -> Labelled:
        things = (*ON_CONCRETE, *IN_CONCRETE)
        return covered(rng, self._of_photo(rng, "crack"), things, int(rng.integers(1, 4)))

    def _lookalikes_on_ground(self, rng: np.random.Generator) -> Labelled:
        """Draw thin lookalikes over ground; a third shows cracks too, or such lines would mean that none is there."""
        choice = rng.random()
        if choice < 0.2:
            ground = self._of_photo(rng, "crack")
        elif choice < 0.35:
            ground = self._drawn_crack(rng)
        elif choice < 0.8 and self.pool.crackable:
            ground = self._seen(rng, self._any(rng, self.pool.crackable))
        else:
            ground = self._ground(rng)
        return covered(rng, ground, THIN, int(rng.integers(1, 4)))

    def _cracked_wall(self, rng: np.random.Generator) -> Labelled:
        return cracked_wall(rng, self._size_px, partial(self._of_photo, kind="crack"))

    def _rusted_steel(self, rng: np.random.Generator) -> Labelled:
        textured = rng.random() < 0.3 and self.pool.steel
        ground = self._seen(rng, self._any(rng, self.pool.steel)) if textured else None
        # A photo of rust from afar shows it as small as a far drone does.
        photo = partial(self._of_photo, kind="corrosion", mean_scale=float(np.exp(rng.uniform(np.log(0.4), 0.2))))
        return rusted_steel(rng, self._size_px, ground, photo)

    def _mined_negative(self, rng: np.random.Generator) -> Labelled:
        """Cut around a place at which earlier weights fired, at about the scale at which they did."""
        by_picture = self._mined[list(self._mined)[rng.integers(len(self._mined))]] if self._mined else {}
        if not by_picture:
            return self._rendered_negative(rng)
        photo, places = list(by_picture.values())[rng.integers(len(by_picture))]
        place = places[rng.integers(len(places))]
        low, high = self._recipe.crops.scale
        scale = float(np.clip(place.scale * np.exp(rng.normal(0, 0.25)), low, high))
        box = np.array(place.xyxy_px, dtype=np.float64).reshape(2, 2)
        # Anywhere on it, not always in the middle.
        middle = rng.uniform(*box) + rng.uniform(-0.3, 0.3, 2) * self._size_px / scale
        image, labels, ignore = self._read(photo)
        middle = np.clip(middle, 0, np.array(image.shape[1::-1]) - 1)
        turn = rng.normal(0, 8) if rng.random() < 0.5 else rng.uniform(0, 360)
        mirrored = bool(rng.random() < 0.5)
        view = View((float(middle[0]), float(middle[1])), scale, float(turn), mirrored, self._size_px)
        return look(image, labels, ignore, view, rust=photo.kind == "corrosion")

    def _any(self, rng: np.random.Generator, pool: list[PreparedPhoto]) -> PreparedPhoto:
        return pool[int(rng.integers(len(pool)))]

    def _read(
        self, photo: PreparedPhoto
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None, npt.NDArray[np.uint8] | None]:
        image = read_rgb(self._folders[photo.kind] / photo.image)
        labels = read_raster(self._prepared_dir / photo.labels) if photo.labels else None
        ignore = read_raster(self._prepared_dir / photo.ignore) if photo.ignore else None
        return image, labels, ignore
