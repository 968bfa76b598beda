"""How weights do on pictures unlike those they were trained on, and how often they cry wolf.

``python benchmarks/elsewhere.py SHARED --weights first-crack-corrosion --weights NEW.onnx`` prints, for each of the
weights, line recall and precision of cracks and pixel IoU, recall and precision of corrosion

- on validation photos by look and made smaller and larger,
- on rendered concrete and steel at several ground resolutions, which nothing is trained on,

and false alarms per 100 megapixels on photos that the recipe keeps out of training. The test splits are not touched.
``--list-looks SPLIT`` prints the look of each crack photo instead, for a training that leaves one look out.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import shapely

from tenken.imagery.picture import load_photo
from tenken.measurement.find import PhotoDefect, find_defects
from tenken_training.evaluation import (
    Figure,
    Judged,
    LabelledPhoto,
    LabelledSet,
    Truth,
    judged_weights,
    read_labelled_set,
)
from tenken_training.evaluation.centreline_score import WIDTH_CLASSES
from tenken_training.evaluation.figures import estimates
from tenken_training.evaluation.intervals import resamples
from tenken_training.evaluation.looks import look_of
from tenken_training.evaluation.photo_score import KindScore, score_alarms, score_defects
from tenken_training.evaluation.report import bounds_text, figure_text
from tenken_training.evaluation.scenes import Scene, concrete_scene, steel_scene
from tenken_training.evaluation.summary import as_figures
from tenken_training.recipe import read_recipe
from tenken_training.textures import read_textures

RECIPE = Path(__file__).resolve().parents[1] / "training" / "recipes" / "crack-corrosion.toml"
SCALES = (0.3, 0.6, 1.0, 2.0, 3.0)
RESOLUTIONS_MM = (0.3, 0.6, 1.2, 2.4)
TOLERANCE_PX = 2.0
"""Of centre lines. Labels were drawn on photos as they are: in a photo shown twice as large they are right to 4 px."""

CORROSION_VAL_FROM = 356
"""Corrosion train photos from this number on are not trained on (training/recipes). The first model, which is older
than the recipe, has seen them."""

KEPT_OUT = (
    *(f"brighton_beach/images/DJI_00{number}.JPG" for number in (22, 23, 24, 25, 34, 35)),
    "caliterra/images/IMG_9354.jpg",
    "garfield_sequoia/images/IMG_161122_163234_0000_RGB.JPG",
    "garfield_sequoia/images/IMG_161122_163239_0001_RGB.JPG",
)
"""Photos of ground without steel structures, kept out of training (training/recipes)."""

Box = tuple[int, int, int, int]

PAVED_PX: dict[str, list[Box]] = {
    "DJI_0022.JPG": [(3050, 0, 4000, 2250)],
    "DJI_0023.JPG": [(3000, 0, 3450, 2250), (3450, 1500, 4000, 2250)],
    "DJI_0024.JPG": [(1100, 0, 1730, 2250), (1730, 1100, 4000, 2250), (2450, 0, 3400, 1100)],
    "DJI_0025.JPG": [(1100, 0, 4000, 2250)],
    "DJI_0034.JPG": [(0, 0, 3300, 2250)],
    "DJI_0035.JPG": [(0, 1100, 3300, 2250), (0, 0, 400, 1100), (1100, 0, 1550, 1100), (2600, 0, 3300, 1100)],
    "IMG_161122_163234_0000_RGB.JPG": [(2050, 0, 3450, 1350), (0, 400, 2200, 1700)],
    "IMG_161122_163239_0001_RGB.JPG": [(1150, 400, 3150, 3000), (0, 1500, 1150, 2900)],
}
"""Old asphalt, a car park and kerbs with fine cracks, seen by eye: there nobody can say which crack is false."""

FIGURES = {
    "crack": ("line_recall", "line_precision", "line_f1"),
    "corrosion": ("pixel_iou", "pixel_recall", "pixel_precision"),
}
TRUE_WIDTHS = tuple(f"line_recall_{name}" for name in WIDTH_CLASSES[:4])
"""Shown for rendered cracks only, whose true width is known."""

Maker = Callable[[], Scene]


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures of one sort, made when they are needed: together they would fill the memory."""

    name: str
    kinds: tuple[str, ...]
    makers: Sequence[Maker]
    unjudged_px: Sequence[list[Box]] = ()
    """For pictures without defects: boxes for each in which cracks are not counted."""


def labelled_scene(labelled: LabelledSet, photo: LabelledPhoto, scale: float = 1.0) -> Scene:
    """Read a labelled photo, made smaller or larger."""
    return Scene(*labelled.load(photo, scale))


def sound(path: Path) -> Scene:
    """Read a photo that shows no defect."""
    image = load_photo(path)
    height, width = image.shape[:2]
    return Scene(image, Truth(height, width, (), {}))


def labelled_groups(cracks: LabelledSet, rust: LabelledSet, rendered: int) -> Iterator[Group]:
    """All pictures with defects."""
    looks: dict[str, list[LabelledPhoto]] = {}
    for photo in cracks.photos:
        scene = labelled_scene(cracks, photo)
        looks.setdefault(look_of(scene.image, scene.truth.region("crack")), []).append(photo)
    for look, photos in sorted(looks.items()):
        yield Group(f"look: {look}", ("crack",), [partial(labelled_scene, cracks, photo) for photo in photos])
    for scale in SCALES:
        # Enlarged photos are slow: every fourth will do.
        photos = list(cracks.photos[:: 4 if scale > 1 else 1])
        yield Group(f"scale {scale:g}", ("crack",), [partial(labelled_scene, cracks, one, scale) for one in photos])
    for scale in SCALES[:-1]:
        photos = list(rust.photos[:: 4 if scale > 1 else 1])
        yield Group(f"scale {scale:g}", ("corrosion",), [partial(labelled_scene, rust, one, scale) for one in photos])
    for gsd_mm in RESOLUTIONS_MM:
        for kind, render in (("crack", concrete_scene), ("corrosion", steel_scene)):
            makers = [partial(render, seed, gsd_mm) for seed in range(rendered)]
            yield Group(f"rendered, {gsd_mm:g} mm/px", (kind,), makers)


def sound_groups(
    shared: Path, cracks: LabelledSet, rust: LabelledSet, rendered: int, textures: Path | None
) -> Iterator[Group]:
    """All pictures without defects of the kinds named, those from cameras first."""
    for flight in dict.fromkeys(name.split("/")[0] for name in KEPT_OUT):
        paths = [shared / "flights" / name for name in KEPT_OUT if name.startswith(flight)]
        boxes = [PAVED_PX.get(path.name, []) for path in paths]
        yield Group(f"flight {flight}", ("crack", "corrosion"), [partial(sound, path) for path in paths], boxes)
    walls = [partial(sound, photo.path) for photo in cracks.photos]
    yield Group("walls (crack-bphdr val)", ("corrosion",), walls)
    girders = [partial(sound, photo.path) for photo in rust.photos]
    yield Group("girders (corrosion val)", ("crack",), girders)
    if textures is not None:
        yield from other_things(textures)
    seeds = range(1000, 1000 + rendered)
    concrete = [partial(concrete_scene, seed, gsd_mm, cracked=False) for gsd_mm in RESOLUTIONS_MM for seed in seeds]
    steel = [partial(steel_scene, seed, gsd_mm, rusted=False) for gsd_mm in RESOLUTIONS_MM for seed in seeds]
    yield Group("rendered concrete and steel", ("crack", "corrosion"), [*concrete, *steel])


def chosen(groups: Iterable[Group], beginnings: Sequence[str]) -> Iterator[Group]:
    """Leave out groups whose names begin with none of these."""
    return (group for group in groups if group.name.startswith(tuple(beginnings)))


def other_things(folder: Path) -> Iterator[Group]:
    """Landscapes, towns, walls and things that nothing was trained or calibrated on."""
    wanted = read_recipe(RECIPE).sources.textures
    if wanted is None:
        return
    kept_out = [
        one for one in read_textures(wanted, folder, kept_out=True) if one.path.split("/")[0] not in wanted.halved
    ]
    uncracked = [partial(sound, folder / one.path) for one in kept_out if not one.may_show_cracks]
    unrusted = [partial(sound, folder / one.path) for one in kept_out if not one.may_show_rust]
    yield Group("other things (textures kept out)", ("crack",), uncracked)
    yield Group("other things (textures kept out)", ("corrosion",), unrusted)


def score_group(
    group: Group, weights: Sequence[Judged], workers: int, *, free: bool, tolerance_px: float
) -> list[dict[str, list[KindScore]]]:
    """Scores of each of the weights, by kind, in the order of the pictures."""

    def score(number: int) -> list[dict[str, KindScore]]:
        scene = group.makers[number]()
        boxes = group.unjudged_px[number] if group.unjudged_px else []
        return [
            {
                kind: score_alarm_kind(scene, kind, defects, boxes)
                if free
                else KindScore(score_defects(kind, scene.truth, defects, tolerance_px=tolerance_px)[0])
                for kind in group.kinds
            }
            for defects in (find_defects(scene.image, one.detector, classes=one.classes) for one in weights)
        ]

    with ThreadPoolExecutor(workers) as pool:
        scored = list(pool.map(score, range(len(group.makers))))
    return [
        {kind: [picture[number][kind] for picture in scored] for kind in group.kinds} for number in range(len(weights))
    ]


def score_alarm_kind(scene: Scene, kind: str, defects: Sequence[PhotoDefect], boxes: list[Box]) -> KindScore:
    """Count false alarms; of cracks within the boxes nothing is said, and their area does not count."""
    area = scene.image.shape[0] * scene.image.shape[1]
    if kind == "crack" and boxes:
        unjudged = shapely.union_all([shapely.box(*box) for box in boxes])
        area -= unjudged.area
        defects = [defect for defect in defects if not unjudged.intersects(defect.outline_px)]
    return KindScore({**score_alarms(kind, defects)[0], "megapixels": area / 1e6})


def figures_of(scores: Sequence[KindScore]) -> dict[str, Figure]:
    """Figures with intervals over the pictures of a group."""
    return as_figures(estimates(scores, resamples(len(scores), count=1000, seed=0)))


def row(name: str, cells: Iterable[str]) -> str:
    """One line of a table."""
    return f"{name:40}" + "".join(f"{cell:>26}" for cell in cells)


def cell(figure: Figure | None) -> str:
    """Value and interval."""
    return "–" if figure is None else f"{figure_text(figure.value)} [{bounds_text(figure).replace(' to ', ', ')}]"


def print_groups(
    groups: Iterable[Group], weights: Sequence[Judged], workers: int, *, free: bool, tolerance_px: float = TOLERANCE_PX
) -> list[object]:
    """Print the groups one by one, then those that belong together."""
    records: list[object] = []
    pooled: dict[tuple[str, str], list[list[KindScore]]] = {}
    for group in groups:
        scored = score_group(group, weights, workers, free=free, tolerance_px=tolerance_px)
        for kind in group.kinds:
            parts = [one[kind] for one in scored]
            records.append(print_figures(f"{kind}, {group.name}, n {len(group.makers)}", kind, weights, parts, free))
            for title in pools_of(group, free):
                pool = pooled.setdefault((kind, title), [[] for _ in weights])
                for whole, part in zip(pool, parts, strict=True):
                    whole.extend(part)
    for (kind, title), parts in pooled.items():
        records.append(print_figures(f"{kind}, {title}, n {len(parts[0])}", kind, weights, parts, free))
    return records


def pools_of(group: Group, free: bool) -> list[str]:
    """Which sums a group goes into."""
    rendered = group.name.startswith("rendered")
    if free:
        return ["all of these"] if rendered else ["all from cameras", "all of these"]
    other_scale = group.name.startswith("scale") and group.name != "scale 1"
    return ["elsewhere (rendered, other scales)"] if rendered or other_scale else []


def print_figures(
    title: str, kind: str, weights: Sequence[Judged], parts: Sequence[list[KindScore]], free: bool
) -> dict[str, object]:
    """Print a group's figures, a column for each of the weights."""
    columns = [figures_of(part) for part in parts]
    if free:
        megapixels = sum(score.tally["megapixels"] for score in parts[0])
        title += f", {megapixels:.0f} Mpx"
    print(f"\n{title}")
    shown: tuple[str, ...] = ("alarms_per_100_mpx",) if free else FIGURES[kind]
    if kind == "crack" and title.startswith("crack, rendered") and not free:
        shown += TRUE_WIDTHS
    for name in shown:
        print(row(f"  {name}", [cell(column.get(name)) for column in columns]))
    return {
        "group": title,
        "weights": {
            one.subject.name: {name: figure.model_dump() for name, figure in column.items()}
            for one, column in zip(weights, columns, strict=True)
        },
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--weights", action="append", help="name or file; again for more columns")
    parser.add_argument("--rendered", type=int, default=12, help="rendered pictures a kind and ground resolution")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tolerance-px", type=float, default=TOLERANCE_PX, help="of centre lines")
    parser.add_argument("--only", choices=("defects", "alarms"))
    parser.add_argument("--groups", nargs="+", default=[""], help="groups whose names begin so; all if none is given")
    parser.add_argument("--textures", type=Path, help="what tenken_training.fetch_textures wrote")
    parser.add_argument("--json", type=Path, help="write all figures here as well")
    parser.add_argument("--list-looks", metavar="SPLIT")
    options = parser.parse_args()
    if options.list_looks:
        photos = read_labelled_set(options.shared / "data" / "cracks", options.list_looks)
        for photo in photos.photos:
            scene = labelled_scene(photos, photo)
            print(f"{photo.name},{look_of(scene.image, scene.truth.region('crack'))}")
        return
    cracks = read_labelled_set(options.shared / "data" / "cracks", "val")
    rust = read_labelled_set(options.shared / "data" / "corrosion", "train")
    rust = replace(rust, photos=tuple(one for one in rust.photos if int(one.path.stem) >= CORROSION_VAL_FROM))
    weights = [judged_weights(name, sensitive=False) for name in options.weights or ["default"]]
    print(row("", [one.subject.name[:25] for one in weights]))
    print(row("score over", [json.dumps(one.subject.thresholds).replace('"', "")[1:-1] for one in weights]))
    records: list[object] = []
    if options.only != "alarms":
        groups = chosen(labelled_groups(cracks, rust, options.rendered), options.groups)
        records += print_groups(groups, weights, options.workers, free=False, tolerance_px=options.tolerance_px)
    if options.only != "defects":
        everything = sound_groups(options.shared, cracks, rust, options.rendered, options.textures)
        groups = chosen(everything, options.groups)
        records += print_groups(groups, weights, options.workers, free=True)
    if options.json:
        options.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
