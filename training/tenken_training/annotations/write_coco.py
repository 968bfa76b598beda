"""A data set as COCO instance segmentation, for those who train other detectors with it."""

from pathlib import Path
from typing import Any

import numpy as np
import shapely

from tenken.errors import SettingsError
from tenken.exports.coco import categories_of, coco_text, solid_parts, stable_id
from tenken.journal import write_atomically
from tenken.wording import words
from tenken_training.annotations.dataset import AnnotatedPhoto, Dataset, Label, read_dataset

DECIMALS = 3


def export_coco(folder: Path, dest: Path | None = None) -> Path:
    """Export a data set; the pictures stay where they are.

    Parameters
    ----------
    folder
        The data set.
    dest
        Folder for ``annotations.json``; ``exports/coco`` in the data set when None.

    Returns
    -------
    The file. ``file_name`` in it is below ``images`` of the data set.

    Raises
    ------
    SettingsError
        When the folder holds no data set, or the file cannot be written.
    """
    dataset = read_dataset(folder)
    target = dest or folder / "exports" / "coco"
    try:
        target.mkdir(parents=True, exist_ok=True)
        path = target / "annotations.json"
        write_atomically(path, coco_text(coco_content(dataset)))
    except OSError as error:
        raise SettingsError(f"{target}: cannot be written ({error.strerror}); give another --dest") from error
    return path


def coco_content(dataset: Dataset) -> dict[str, Any]:
    """Lay a data set out as COCO.

    Polygons are exact: one with holes is cut into parts without any, which add up. Beyond COCO's own keys an image has
    ``site``, ``split``, ``kinds`` (what was looked for), ``sha256``, and of a tile ``parent`` and ``offset``; an
    annotation has ``centreline`` (``[[x, y, x, y, ...]]``), ``condition_state``, ``ignore``, ``drawn`` and
    ``assumed_width``.
    """
    kinds = {label.kind for photo in dataset.photos for label in photo.labels} | set(dataset.kinds)
    categories = categories_of(kinds)
    return {
        "info": {"description": f"Tenken: {dataset.name}"},
        "licenses": [],
        "categories": [
            {"id": number, "name": kind, "supercategory": "defect", "name_ja": words("ja").kind(kind)}
            for kind, number in categories.items()
        ],
        "images": [_image(photo) for photo in dataset.photos],
        "annotations": [
            _annotation(photo, number, label, categories[label.kind])
            for photo in dataset.photos
            for number, label in enumerate(photo.labels)
        ],
    }


def _image(photo: AnnotatedPhoto) -> dict[str, Any]:
    image: dict[str, Any] = {
        "id": stable_id("photo", photo.name),
        "file_name": photo.name,
        "width": photo.width_px,
        "height": photo.height_px,
        "site": photo.site,
        "split": photo.split,
        "kinds": list(photo.kinds),
        "sha256": photo.sha256,
    }
    return image if photo.parent is None else {**image, "parent": photo.parent, "offset": list(photo.offset_px)}


def _annotation(photo: AnnotatedPhoto, number: int, label: Label, category_id: int) -> dict[str, Any]:
    left, top, right, bottom = label.area.bounds
    return {
        "id": stable_id("label", f"{photo.name} {number}"),
        "image_id": stable_id("photo", photo.name),
        "category_id": category_id,
        "iscrowd": 0,
        "bbox": [round(value, DECIMALS) for value in (left, top, right - left, bottom - top)],
        "area": round(label.area.area, DECIMALS),
        "segmentation": [
            _flat(np.asarray(solid.exterior.coords)[:-1])
            for part in shapely.get_parts(label.area)
            for solid in solid_parts(part)
        ],
        "centreline": [] if label.line is None else [_flat(np.asarray(label.line.coords))],
        "condition_state": label.state,
        "ignore": int(label.ignore),
        "drawn": label.drawn,
        "assumed_width": label.assumed_width,
    }


def _flat(corners: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    return [round(float(value), DECIMALS) for value in corners.ravel()]
