"""Annotations as the usual programs write them, made from known shapes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pycocotools import mask as coco_masks
from rasterio.features import rasterize
from scipy import ndimage
from shapely import LineString, Polygon

from tenken_training.annotations.drawings import area_of_mask

BoolArray = npt.NDArray[np.bool_]

WIDTH, HEIGHT, CELL = 330, 220, 110
PHOTO = "橋 1.png"


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape and its class; ``mask`` where the format keeps pixels."""

    name: str
    polygon: Polygon
    mask: BoolArray | None = None


def star(rng: np.random.Generator, column: int, row: int, *, hole: bool = False) -> Polygon:
    """A random area in one cell of the photo; it never crosses itself."""
    centre = np.array([column + 0.5, row + 0.5]) * CELL
    angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 15))))
    angle = np.concatenate([angle, [0.0, 2.1, 4.2]])
    angle.sort()
    reach = rng.uniform(25, 50, len(angle))
    rim = centre + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inner = centre + 9 * np.stack([np.cos(angle[::-1]), np.sin(angle[::-1])], axis=1)
    whole = Polygon(np.round(rim, 2))
    return Polygon(np.round(rim, 2), [np.round(inner, 2)]) if hole and whole.contains(Polygon(inner)) else whole


def scene(seed: int, *, holes: bool = False) -> list[Shape]:
    """Six areas of two classes, well apart."""
    rng = np.random.default_rng(seed)
    shapes = []
    for number in range(6):
        area = star(rng, number % 3, number // 3, hole=holes)
        parts, _ = ndimage.label(rasterize([area], (HEIGHT, WIDTH), dtype="uint8"), np.ones((3, 3)))
        mask = np.asarray(parts == np.bincount(parts[parts > 0]).argmax())
        shapes.append(Shape("ひびわれ" if number % 2 else "腐食", area, mask))
    return shapes


def photo(folder: Path, name: str = PHOTO, seed: int = 0) -> Path:
    """A photo of noise, so that no two look alike."""
    folder.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 255, (11, 17, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(folder / name)
    return folder / name


def corners(area: Polygon) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in np.asarray(area.exterior.coords)[:-1]]


def outlined(shape: Shape) -> Any:
    """What a format that keeps pixels can say of a shape."""
    assert shape.mask is not None
    return area_of_mask(shape.mask)


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def write_cvat(folder: Path, shapes: Sequence[Shape], lines: Sequence[LineString] = (), *, masks: bool = False) -> Path:
    parts = []
    for shape in shapes:
        if masks:
            assert shape.mask is not None
            rows, columns = np.flatnonzero(shape.mask.any(axis=1)), np.flatnonzero(shape.mask.any(axis=0))
            crop = shape.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            edges = np.flatnonzero(np.diff(np.concatenate([[False], crop.ravel()]).astype(int)))
            runs = np.diff(np.concatenate([[0], edges, [crop.size]]))
            parts.append(
                f'<mask label="{shape.name}" source="manual" occluded="0" rle="{", ".join(map(str, runs))}" '
                f'left="{columns[0]}" top="{rows[0]}" width="{crop.shape[1]}" height="{crop.shape[0]}" z_order="0"/>'
            )
        else:
            points = ";".join(f"{x},{y}" for x, y in corners(shape.polygon))
            parts.append(
                f'<polygon label="{shape.name}" points="{points}" z_order="0">'
                '<attribute name="condition_state">poor</attribute></polygon>'
            )
    for line in lines:
        points = ";".join(f"{x},{y}" for x, y in line.coords)
        parts.append(f'<polyline label="ひびわれ" points="{points}" z_order="0"></polyline>')
    text = (
        '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta><task><name>a</name></task>'
        f'</meta><image id="0" name="{PHOTO}" width="{WIDTH}" height="{HEIGHT}">{"".join(parts)}</image></annotations>'
    )
    (folder / "annotations.xml").write_text(text, encoding="utf-8")
    return folder


def write_cvat_masks(folder: Path, shapes: Sequence[Shape]) -> Path:
    return write_cvat(folder, shapes, masks=True)


def _coco(folder: Path, shapes: Sequence[Shape], segmentation: Callable[[Shape], Any]) -> Path:
    names = sorted({shape.name for shape in shapes})
    content = {
        "images": [{"id": 7, "file_name": PHOTO, "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
        "annotations": [
            {
                "id": number,
                "image_id": 7,
                "category_id": names.index(shape.name) + 1,
                "segmentation": segmentation(shape),
                "bbox": [1, 2, 3, 4],
                "area": 1.0,
                "iscrowd": 0,
            }
            for number, shape in enumerate(shapes)
        ],
    }
    write_json(folder / "instances.json", content)
    return folder


def write_coco(folder: Path, shapes: Sequence[Shape]) -> Path:
    return _coco(folder, shapes, lambda shape: [np.asarray(corners(shape.polygon)).ravel().tolist()])


def write_coco_packed(folder: Path, shapes: Sequence[Shape]) -> Path:
    def packed(shape: Shape) -> dict[str, Any]:
        found = coco_masks.encode(np.asfortranarray(shape.mask, dtype=np.uint8))
        return {"size": list(found["size"]), "counts": found["counts"].decode("ascii")}

    return _coco(folder, shapes, packed)


def write_coco_runs(folder: Path, shapes: Sequence[Shape]) -> Path:
    def runs(shape: Shape) -> dict[str, Any]:
        assert shape.mask is not None
        flat = np.concatenate([[False], shape.mask.T.ravel()])
        edges = np.flatnonzero(np.diff(flat.astype(int)))
        return {
            "size": [HEIGHT, WIDTH],
            "counts": np.diff(np.concatenate([[0], edges, [HEIGHT * WIDTH]])).tolist(),
        }

    return _coco(folder, shapes, runs)


def write_labelme(folder: Path, shapes: Sequence[Shape], lines: Sequence[LineString] = ()) -> Path:
    drawn = [{"label": s.name, "shape_type": "polygon", "points": corners(s.polygon)} for s in shapes]
    drawn += [
        {"label": "ひびわれ", "shape_type": "linestrip", "points": [list(point) for point in line.coords]}
        for line in lines
    ]
    content = {"version": "5.5", "shapes": drawn, "imagePath": PHOTO, "imageHeight": HEIGHT, "imageWidth": WIDTH}
    write_json(folder / "橋 1.json", content)
    return folder


def _label_studio(folder: Path, results: Sequence[dict[str, Any]]) -> Path:
    whole = [
        {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0, "from_name": "a", **result}
        for result in results
    ]
    content = [
        {
            "id": 1,
            "data": {"image": f"/data/upload/1/0a1b2c3d-{PHOTO}"},
            "annotations": [{"id": 1, "was_cancelled": False, "result": whole}],
        }
    ]
    write_json(folder / "project.json", content)
    return folder


def write_label_studio(folder: Path, shapes: Sequence[Shape]) -> Path:
    scale = 100 / np.array([WIDTH, HEIGHT])
    return _label_studio(
        folder,
        [
            {
                "type": "polygonlabels",
                "value": {"points": (np.array(corners(s.polygon)) * scale).tolist(), "polygonlabels": [s.name]},
            }
            for s in shapes
        ],
    )


def write_label_studio_brush(folder: Path, shapes: Sequence[Shape]) -> Path:
    return _label_studio(
        folder,
        [
            {
                "type": "brushlabels",
                "value": {"format": "rle", "rle": brush_code(s.mask), "brushlabels": [s.name]},
            }
            for s in shapes
            if s.mask is not None
        ],
    )


def brush_code(mask: BoolArray) -> list[int]:
    """Pack a mask as Label Studio does: runs of equal values, 8 bits a value, run lengths of 3, 4, 8 or 16 bits."""
    values = np.repeat(mask.ravel().astype(np.uint8) * 255, 4)
    bits = f"{len(values):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    edges = np.flatnonzero(np.diff(values.astype(int))) + 1
    for part in np.split(values, edges):
        left = len(part)
        while left:
            run = min(left, 1 << 16)
            place = next(number for number, size in enumerate((3, 4, 8, 16)) if run <= 1 << size)
            bits += f"1{place:02b}{run - 1:0{(3, 4, 8, 16)[place]}b}{int(part[0]):08b}"
            left -= run
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


def write_voc(folder: Path, shapes: Sequence[Shape]) -> Path:
    objects = []
    for shape in shapes:
        left, top, right, bottom = shape.polygon.bounds
        objects.append(
            f"<object><name>{shape.name}</name><difficult>0</difficult><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
            f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        )
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "Annotations" / "橋 1.xml").write_text(
        f"<annotation><filename>{PHOTO}</filename><size><width>{WIDTH}</width><height>{HEIGHT}</height>"
        f"<depth>3</depth></size>{''.join(objects)}</annotation>",
        encoding="utf-8",
    )
    return folder


def write_yolo(folder: Path, shapes: Sequence[Shape]) -> Path:
    names = sorted({shape.name for shape in shapes})
    (folder / "data.yaml").write_text(json.dumps({"names": names}, ensure_ascii=False), encoding="utf-8")
    (folder / "labels").mkdir(exist_ok=True)
    lines = [
        f"{names.index(s.name)} "
        + " ".join(f"{value:.7f}" for value in (np.array(corners(s.polygon)) / [WIDTH, HEIGHT]).ravel())
        for s in shapes
    ]
    (folder / "labels" / "橋 1.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def write_masks(folder: Path, shapes: Sequence[Shape]) -> Path:
    names = sorted({shape.name for shape in shapes})
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    for shape in shapes:
        values[shape.mask] = names.index(shape.name) + 1
    picture = Image.fromarray(values, mode=None)
    picture = picture.convert("P")
    picture.putdata(values.ravel().tolist())
    picture.putpalette([0, 0, 0, 250, 50, 83, 61, 61, 245])
    (folder / "masks").mkdir(exist_ok=True)
    picture.save(folder / "masks" / "橋 1.png")
    (folder / "labelmap.txt").write_text(
        f"# label:color_rgb:parts:actions\nbackground:0,0,0::\n{names[0]}:250,50,83::\n{names[1]}:61,61,245::\n",
        encoding="utf-8",
    )
    return folder


WRITERS: dict[str, tuple[Callable[[Path, Sequence[Shape]], Path], bool]] = {
    "cvat": (write_cvat, False),
    "cvat masks": (write_cvat_masks, True),
    "coco": (write_coco, False),
    "coco packed": (write_coco_packed, True),
    "coco runs": (write_coco_runs, True),
    "labelme": (write_labelme, False),
    "label-studio": (write_label_studio, False),
    "label-studio brush": (write_label_studio_brush, True),
    "yolo": (write_yolo, False),
    "masks": (write_masks, True),
}
"""By name: the writer, and whether the format keeps pixels."""
