"""Tiles a second and recall beside SAHI and supervision: same photos, tiles and cores, in one run.

``python benchmarks/throughput.py PHOTOS --labelled DATASET --checkpoint first-crack-corrosion.pt --weights NAME``
with a checkpoint whose ONNX stands among the known weights; docs/speed.md tells what each line means. Needs the
extras ``train`` and ``bench``; ONNX Runtime has a line where it is installed.
"""

import argparse
import importlib
import importlib.util
import json
import os
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenken.detection.cores import usable_cores
from tenken.detection.detect import Detections, load_detector
from tenken.detection.engine import Pending, Segmenter, Tile
from tenken.detection.tiles import tile_windows
from tenken.detection.ultralytics_engine import open_checkpoint
from tenken.detection.weights import find_weights
from tenken.imagery.flight import PHOTO_FORMATS
from tenken.imagery.picture import ArrayPicture, RgbArray, load_photo
from tenken.measurement.assemble import pieces_of_tile
from tenken.measurement.find import PhotoDefect, describe_defects, find_defects
from tenken.pipeline import inspect_flight
from tenken_training.evaluation import LabelledSet, Truth, default_conditions, read_labelled_set
from tenken_training.evaluation.figures import estimates
from tenken_training.evaluation.photo_score import KindScore, score_defects
from tenken_training.evaluation.truth import LabelledObject

TILE_PX, OVERLAP = 640, 0.2
MOSAIC = 3
"""Labelled photos along each side of a mosaic, so that it takes several tiles."""
NETWORK, TILES, PHOTOS, RUN = "network", "tiles", "photos", "run"
"""How much of the work is done: the network alone; with decoding; with joining, photos in memory; all, from files."""
SAHI, SAHI_TILES, SUPERVISION = "SAHI", "SAHI, tiles only", "supervision"
PACKAGES = ("openvino", "torch", "ultralytics", "sahi", "supervision")
FIGURES = {
    "line_recall": "line recall",
    "line_precision": "line prec.",
    "defect_recall": "defect recall",
    "defect_precision": "defect prec.",
}

Finder = Callable[[RgbArray], list[PhotoDefect]]


@dataclass(frozen=True, slots=True)
class Work:
    """Photos as files, as pictures and as tiles."""

    folder: Path
    paths: tuple[Path, ...]
    pictures: tuple[RgbArray, ...]
    tiles: tuple[Tile, ...]

    @classmethod
    def of(cls, folder: Path) -> "Work":
        """Read all photos of a folder."""
        paths = tuple(sorted(folder.iterdir()))
        pictures = tuple(load_photo(path) for path in paths)
        tiles = [
            np.ascontiguousarray(picture[top:bottom, left:right])
            for picture in pictures
            for left, top, right, bottom in tile_windows(
                picture.shape[1], picture.shape[0], tile_px=TILE_PX, overlap=OVERLAP
            ).tolist()
        ]
        return cls(folder, paths, pictures, tuple(tiles))


@dataclass(frozen=True, slots=True)
class Contender:
    """A line of the table.

    Parameters
    ----------
    step
        How much of the work it does.
    name
        Who does it; the same name over several steps.
    run
        Does it; gives the seconds of detection where it knows them.
    finder
        From a picture to its defects, where these can be judged.
    """

    step: str
    name: str
    run: Callable[[Work], float | None]
    finder: Finder | None = None
    rates: list[float] = field(default_factory=list)
    detect_rates: list[float] = field(default_factory=list)
    core_seconds: list[float] = field(default_factory=list)

    def time(self, work: Work) -> None:
        """Do it once; note the tiles a second, and the seconds of all cores together that a tile took."""
        start, start_cores = time.perf_counter(), time.process_time()
        detection = self.run(work)
        self.rates.append(len(work.tiles) / (time.perf_counter() - start))
        self.core_seconds.append((time.process_time() - start_cores) / len(work.tiles))
        if detection is not None:
            self.detect_rates.append(len(work.tiles) / detection)


def own_contenders(name: str, detector: Segmenter, cores: int, *, whole: bool) -> list[Contender]:
    """Tenken with one network on one engine; all steps, or the network and its decoding only."""
    find = partial(find_defects, detector=detector, tile_px=TILE_PX, overlap=OVERLAP, classes=detector.classes)
    short = [
        Contender(NETWORK, name, partial(compute_only, detector)),
        Contender(TILES, name, lambda work: _consume(detector.detect_many(work.tiles))),
    ]
    if not whole:
        return short

    def photos(work: Work) -> None:
        with ThreadPoolExecutor(cores) as pool:
            _consume(pool.map(find, work.pictures))

    def run(work: Work) -> float:
        with tempfile.TemporaryDirectory() as out:
            inspect_flight(work.folder, out, detector=detector, workers=cores)
            record = json.loads((Path(out) / "run.json").read_text(encoding="utf-8"))
        return float(record["seconds"]["detect"])

    return [*short, Contender(PHOTOS, name, photos, find), Contender(RUN, name, run)]


def compute_only(detector: Segmenter, work: Work) -> None:
    """Run a network over tiles in memory, as many at a time as suits the engine; nothing looks at the answers."""
    padded = np.stack([detector.decoder.pad(tile) for tile in work.tiles])
    under_way: deque[Pending] = deque()
    for first in range(0, len(padded), detector.engine.batch):
        under_way.append(detector.engine.start(padded[first : first + detector.engine.batch]))
        if len(under_way) >= detector.engine.ahead:
            _await(under_way.popleft())
    while under_way:
        _await(under_way.popleft())


def _await(pending: Pending) -> None:
    pending.outputs()
    pending.release()


def _consume(answers: Iterator[Any]) -> None:
    deque(answers, maxlen=0)


def ultralytics_contender(checkpoint: Path, min_score: float) -> Contender:
    """Ultralytics' own predictor, tile by tile."""
    network = open_checkpoint(checkpoint)

    def predict(work: Work) -> None:
        for tile in work.tiles:
            network.predict(tile[..., ::-1], imgsz=TILE_PX, conf=min_score, verbose=False, device="cpu")

    return Contender(TILES, "ultralytics predict", predict)


def sahi_contenders(checkpoint: Path, min_score: float) -> list[Contender]:
    """SAHI with its defaults, which look at the whole photo as well, and over the tiles alone."""
    open_checkpoint(checkpoint)  # so that what SAHI imports of ultralytics keeps off the network
    model = importlib.import_module("sahi").AutoDetectionModel.from_pretrained(
        model_type="ultralytics",
        model_path=str(checkpoint.resolve()),
        confidence_threshold=min_score,
        device="cpu",
        # Else ultralytics makes tiles as small as the photos that the checkpoint was trained on.
        image_size=TILE_PX,
    )
    predict: Any = partial(
        importlib.import_module("sahi.predict").get_sliced_prediction,
        detection_model=model,
        slice_height=TILE_PX,
        slice_width=TILE_PX,
        overlap_height_ratio=OVERLAP,
        overlap_width_ratio=OVERLAP,
        verbose=0,
    )

    def contender(step: str, name: str, predict: Any) -> Contender:
        def find(picture: RgbArray) -> list[PhotoDefect]:
            found = predict(picture).object_prediction_list
            marks = [(one.category.name, one.score.value, one.mask.bool_mask) for one in found if one.mask is not None]
            return described(picture, marks)

        if step == RUN:
            return Contender(step, name, lambda work: _consume(predict(str(path)) for path in work.paths))
        return Contender(step, name, lambda work: _consume(map(predict, work.pictures)), find)

    tiles_only = partial(predict, perform_standard_pred=False)
    return [
        contender(step, name, how)
        for step in (PHOTOS, RUN)
        for name, how in ((SAHI, predict), (SAHI_TILES, tiles_only))
    ]


def supervision_contenders(checkpoint: Path, min_score: float, cores: int) -> list[Contender]:
    """Supervision's slicer around ultralytics, with a thread a core and masks kept small."""
    network, supervision = open_checkpoint(checkpoint), importlib.import_module("supervision")
    read = importlib.import_module("cv2").imread

    def segment(tile: npt.NDArray[np.uint8]) -> Any:
        [result] = network.predict(tile, imgsz=TILE_PX, conf=min_score, verbose=False, device="cpu")
        return supervision.Detections.from_ultralytics(result)

    slicer = supervision.InferenceSlicer(
        segment, slice_wh=TILE_PX, overlap_wh=round(TILE_PX * OVERLAP), thread_workers=cores, compact_masks=True
    )

    def find(picture: RgbArray) -> list[PhotoDefect]:
        found = slicer(picture[..., ::-1])
        if not len(found):
            return []
        kinds = [network.names[int(number)] for number in found.class_id]
        masks = (np.asarray(mask, dtype=bool) for mask in found.mask)
        return described(picture, list(zip(kinds, found.confidence.tolist(), masks, strict=True)))

    return [
        Contender(PHOTOS, SUPERVISION, lambda work: _consume(slicer(one[..., ::-1]) for one in work.pictures), find),
        Contender(RUN, SUPERVISION, lambda work: _consume(slicer(read(str(one))) for one in work.paths)),
    ]


def described(picture: RgbArray, marks: Sequence[tuple[str, float, npt.NDArray[np.bool_]]]) -> list[PhotoDefect]:
    """Outline and centre line of masks as large as the picture, each by itself: nothing is joined here."""
    height, width = picture.shape[:2]
    box = np.array([[0, 0, width, height]])
    defects = []
    for kind, score, mask in marks:
        alone = Detections(box, np.array([score]), np.array([kind]), [mask])
        defects += describe_defects(ArrayPicture(picture), pieces_of_tile(alone, box[0].tolist(), (kind,)))
    return defects


def mosaics(labelled: LabelledSet, most: int) -> Iterator[tuple[RgbArray, Truth]]:
    """Labelled photos of the commonest size, `MOSAIC` x `MOSAIC` of them stitched together."""
    sizes = Counter(Image.open(photo.path).size for photo in labelled.photos)
    [(size, _)] = sizes.most_common(1)
    photos = [photo for photo in labelled.photos if Image.open(photo.path).size == size]
    number = MOSAIC * MOSAIC
    for first in range(0, min(len(photos) // number, most) * number, number):
        yield stitched([labelled.load(photo) for photo in photos[first : first + number]])


def stitched(parts: Sequence[tuple[RgbArray, Truth]]) -> tuple[RgbArray, Truth]:
    """Stitch pictures of one size, row by row, with their labels."""
    height, width = parts[0][0].shape[:2]
    shape = (height * MOSAIC, width * MOSAIC)
    picture = np.zeros((*shape, 3), np.uint8)
    objects: list[LabelledObject] = []
    regions: dict[str, npt.NDArray[np.bool_]] = {}
    for place, (image, truth) in enumerate(parts):
        top, left = height * (place // MOSAIC), width * (place % MOSAIC)
        window = slice(top, top + height), slice(left, left + width)
        picture[window] = image
        for one in truth.objects:
            shift = np.array([left, top, left, top])
            objects.append(
                LabelledObject(one.kind, one.xyxy_px + shift, one.left_px + left, one.top_px + top, one.mask)
            )
        for kind, region in truth.regions.items():
            regions.setdefault(kind, np.zeros(shape, dtype=bool))[window] = region
    return picture, Truth(*shape, tuple(objects), regions)


def judge(
    finders: Mapping[str, Finder], pictures: Sequence[tuple[RgbArray, Truth]], kind: str
) -> dict[str, dict[str, float]]:
    """Figures of one kind, over all pictures, for each finder."""
    tolerance_px = default_conditions().tolerance_px
    judged = {}
    for name, find in finders.items():
        scores = [
            KindScore(score_defects(kind, truth, find(picture), tolerance_px=tolerance_px)[0])
            for picture, truth in pictures
        ]
        figures = estimates(scores, np.empty((0, len(scores)), dtype=np.int64))
        judged[name] = {figure: figures[figure].value for figure in FIGURES if figure in figures}
    return judged


def print_rates(contenders: Sequence[Contender]) -> None:
    """Print a line for each contender: rate, share of its network's rate, ratios to the others in the same round."""
    by_place = {(one.step, one.name): one for one in contenders}
    heads = f"{'tiles/s (range)':>22}{'of network':>12}{'x SAHI':>9}{'x supervision':>15}{'core s/tile':>13}"
    print(f"\n{'step':9}{'who':36}{heads}")
    for step in (NETWORK, TILES, PHOTOS, RUN):
        for one in (one for one in contenders if one.step == step):
            network = by_place.get((NETWORK, one.name))
            peers = [by_place.get((step, name)) for name in (SAHI, SUPERVISION)]
            print(f"{_line(step, one.name, one.rates, network, peers)}{median(one.core_seconds):13.3f}")
            if one.detect_rates:
                print(_line(step, "  its detect stage alone", one.detect_rates, network, peers))


def _line(
    step: str, name: str, rates: Sequence[float], network: Contender | None, peers: Sequence[Contender | None]
) -> str:
    share = f"{_ratio(rates, network):.0%}" if network else "–"
    times = [f"{_ratio(rates, peer):.2f}" if peer else "–" for peer in peers]
    span = f"{median(rates):.1f} ({min(rates):.1f}–{max(rates):.1f})"
    return f"{step:9}{name:36}{span:>22}{share:>12}{times[0]:>9}{times[1]:>15}"


def _ratio(rates: Sequence[float], other: Contender) -> float:
    """Median over the rounds: what slows the machine down for a while slows down both."""
    return median(one / two for one, two in zip(rates, other.rates, strict=True))


def print_figures(kind: str, judged: Mapping[str, Mapping[str, float]], pictures: int) -> None:
    """Print what each found of the labelled defects."""
    shown = [figure for figure in FIGURES if any(figure in figures for figures in judged.values())]
    print(f"\n{f'{kind}, {pictures} mosaics':45}" + "".join(f"{FIGURES[figure]:>15}" for figure in shown))
    for name, figures in judged.items():
        print(f"{name:45}" + "".join(f"{figures[figure]:15.3f}" for figure in shown))


def chosen_photos(folder: Path, most: int | None, copy: Path) -> Work:
    """Copy the first photos of a folder: both they and nothing else are a flight."""
    copy.mkdir()
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_FORMATS)[:most]
    if not photos:
        raise SystemExit(f"{folder} holds no photos; give the folder that holds them")
    for path in photos:
        shutil.copy(path, copy)
    return Work.of(copy)


def warm_up(tile: Tile, folder: Path) -> Work:
    """Give a flight of one small photo: what is done once in a process is not part of a speed."""
    folder.mkdir()
    Image.fromarray(tile).save(folder / "tile.jpg")
    return Work.of(folder)


def all_contenders(checkpoint: Path, weights: Sequence[str], min_score: float, cores: int) -> list[Contender]:
    """Everybody, on the same cores."""
    same = find_weights(find_weights(checkpoint).card.name).path
    contenders = [
        ultralytics_contender(checkpoint, min_score),
        *sahi_contenders(checkpoint, min_score),
        *supervision_contenders(checkpoint, min_score, cores),
    ]
    importlib.import_module("torch").set_num_threads(cores)
    settings: list[dict[str, Any]] = [{"precision": "auto"}, {"precision": "f32"}]
    if importlib.util.find_spec("onnxruntime"):
        settings.append({"engine": "onnxruntime"})
    seen = set()
    for number, choice in enumerate(settings):
        detector = load_detector(same, device="cpu", streams=cores, min_score=min_score, **choice)
        name = f"same weights, {_plain(detector)}"
        if name not in seen:
            seen.add(name)
            contenders += own_contenders(name, detector, cores, whole=number == 0)
    for one in weights:
        detector = load_detector(one, device="cpu", streams=cores)
        contenders += own_contenders(f"{find_weights(one).card.name}, {_plain(detector)}", detector, cores, whole=True)
    return contenders


def _plain(detector: Segmenter) -> str:
    """Engine without its version number."""
    return " ".join(word for word in detector.engine.name.split() if not word[0].isdigit())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--checkpoint", type=Path, required=True, help="the network that all share, a trusted .pt")
    parser.add_argument("--weights", action="append", default=[], help="name or file; again for more lines")
    parser.add_argument("--labelled", type=Path, help="data set for recall (YOLO polygons)")
    parser.add_argument("--split", default="val")
    parser.add_argument("--mosaics", type=int, default=12, help="most labelled mosaics")
    parser.add_argument("--min-score", type=float, default=0.25, help="of the shared network")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit-photos", type=int)
    options = parser.parse_args()
    cores = usable_cores()
    contenders = all_contenders(options.checkpoint, options.weights, options.min_score, cores)
    with tempfile.TemporaryDirectory() as folder:
        work = chosen_photos(options.photos, options.limit_photos, Path(folder) / "photos")
        small = warm_up(work.tiles[0], Path(folder) / "warm-up")
        for one in contenders:
            one.run(small)
        load = f", load {os.getloadavg()[0]:.1f} when it began" if hasattr(os, "getloadavg") else ""
        print(f"{len(work.paths)} photos, {len(work.tiles)} tiles, {cores} cores{load}, {options.rounds} rounds")
        print(
            ", ".join(f"{name} {version(name)}" for name in ("openvino", "torch", "ultralytics", "sahi", "supervision"))
        )
        for _ in range(options.rounds):
            for one in contenders:
                one.time(work)
    print_rates(contenders)
    if options.labelled:
        labelled = read_labelled_set(options.labelled, options.split)
        pictures = list(mosaics(labelled, options.mosaics))
        for kind in labelled.kinds:
            judged = judge({one.name: one.finder for one in contenders if one.finder}, pictures, kind)
            print_figures(kind, judged, len(pictures))


if __name__ == "__main__":
    main()
