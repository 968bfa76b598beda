"""The pipeline: the stages in the order the data flows, joined."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tenken.assessment.findings import assess
from tenken.assessment.hints import hints
from tenken.assessment.standard_file import load_standard
from tenken.detection.cores import usable_cores
from tenken.detection.detect import Detector
from tenken.detection.model import Model, chosen_model
from tenken.georeferencing.surface import RasterFile, parse_surface
from tenken.identity.identify import Defect, identify
from tenken.imagery.flight import Flight, count_files, read_flight
from tenken.inspection import Inspection, SkippedRecord
from tenken.measurement.measure import sight
from tenken.notes import Note
from tenken.outputs.reviews import REJECTED, EarlierReview, as_reviewed, carry_reviews, read_reviews
from tenken.running.photos import PlacedPhoto, coverage_views, identity_views, placed_photos
from tenken.running.pictures import PicturesUnderWay, drawing
from tenken.running.places import FlightPlaces, adjusted_places, crs_of, stated_places
from tenken.running.progress import Progress, Silence
from tenken.running.results import GEOPACKAGE, locked_folder, note_changes, output_folder, write_results
from tenken.running.ties import tie_flight
from tenken.running.versions import versions
from tenken.running.work import FlightOutcome, TileGrid, detect_flight
from tenken.settings import Settings
from tenken.structure.assets import faces_of, read_assets


def inspect_flight(
    flight: Path | str,
    out: Path | str | None = None,
    settings: Settings | None = None,
    *,
    detector: Detector | None = None,
    workers: int | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Inspection:
    """Inspect a flight and write everything that a run leaves.

    A second call with the same output goes on where the first stopped. The results don't depend on ``workers``.

    Parameters
    ----------
    flight
        Folder of photos, or an orthomosaic GeoTIFF.
    out
        Folder for the results; ``FLIGHT.inspection`` beside the flight when None.
    settings
        What to do; the defaults when None.
    detector
        Used instead of the settings' weights. What it finds is kept for a second call only when it has an attribute
        ``fingerprint``: a string that changes whenever its answers do.
    workers
        Photos at the same time; one for each core when None.
    fresh
        Do everything again, whatever an earlier run left.
    progress
        Told what happens.

    Raises
    ------
    FlightError, SettingsError, AssetsError, WeightsError, MissingExtraError
    """
    settings, progress, watch = settings or Settings(), progress or Silence(), Stopwatch()
    workers = workers or usable_cores()
    folder = output_folder(flight, out)
    with locked_folder(folder):
        with watch.time("read"):
            progress.start("read", count_files(flight))
            read = read_flight(flight, on_file=progress.advance)
            for hint in check_inputs(read, settings):
                progress.note(hint)
        model = chosen_model(settings, detector, workers)
        note_changes(folder, settings, model.sha256, progress)
        with watch.time("detect"):
            outcome = detect_flight(read, folder, model, TileGrid.of(settings), workers, progress, fresh=fresh)
        with watch.time("tie"):
            faces = faces_of(settings.assets, crs_of(read))
            stated = stated_places(read, outcome, settings.surface, faces)
            if faces and not stated.before_faces:
                progress.note(Note.of("note.no_face_in_view", file=settings.assets))
            tied = tie_flight(read, stated.of_photos, folder, workers, progress, fresh=fresh)
        progress.start("measure", 1)
        with drawing(read, workers) as pictures:
            with watch.time("measure"):
                places = adjusted_places(read, stated, tied.ties, settings.surface)
                photos = placed_photos(read, outcome, places)
                records = tuple(photo.record for photo in photos)
                background = pictures.start_background(records, places.crs)
                defects = measure_flight(outcome, places, photos)
                crops = pictures.start_crops(folder, records, defects)
                earlier = read_reviews(folder / GEOPACKAGE)
                inspection = grade_flight(read, outcome, places, photos, defects, model, settings, earlier)
            with watch.time("write"):
                kept = outcome.keys | tied.keys
                under_way = PicturesUnderWay(background, crops)
                write_results(folder, read, inspection, outcome, kept, settings, watch.seconds, progress, under_way)
    return inspection


def check_inputs(flight: Flight, settings: Settings) -> list[Note]:
    """Read standard, surface and assets once, for a wrong name must not cost an hour of detection.

    Returns
    -------
    What the user should be told before that hour.

    Raises
    ------
    SettingsError, AssetsError
    """
    standard = load_standard(settings.standard)
    surface = parse_surface(settings.surface)
    if isinstance(surface, RasterFile):
        surface.check()
    crs = crs_of(flight)
    assets = () if settings.assets is None or crs is None else read_assets(settings.assets, crs)
    return hints(flight.name, settings.assets, assets, standard)


def measure_flight(outcome: FlightOutcome, places: FlightPlaces, photos: Sequence[PlacedPhoto]) -> tuple[Defect, ...]:
    """Measure and join what was found; the same for new and for kept detections."""
    sightings = [
        sight(defect, photo.record.photo, photo.record.sha256, photo.placement)
        for photo in photos
        for defect in outcome.defects[photo.record.photo]
    ]
    on_faces = {face.name: identity_views(photos, face.name) for face in places.faces}
    return identify(sightings, identity_views(photos), places.registered, on_faces)


def grade_flight(
    flight: Flight,
    outcome: FlightOutcome,
    places: FlightPlaces,
    photos: Sequence[PlacedPhoto],
    defects: tuple[Defect, ...],
    model: Model,
    settings: Settings,
    earlier: Mapping[str, EarlierReview],
) -> Inspection:
    """Grade and rank what was measured.

    A defect whose kind a person entered in the ``earlier`` result is graded as that kind; one that a person rejected
    there counts in no segment.
    """
    faces = {face.name: face for face in places.faces}
    standard = load_standard(settings.standard)
    reviews, _ = carry_reviews(earlier, defects)
    grades, findings = assess(
        as_reviewed(defects, reviews),
        settings.assets,
        coverage_views(photos),
        places.crs,
        standard,
        lang=settings.lang,
        segment_length_m=settings.segment_length_m,
        max_resolution_mm=settings.max_resolution_mm,
        rejected={one for one, review in reviews.items() if review.review == REJECTED},
        faces=faces,
    )
    return Inspection(
        flight=flight.name,
        crs=places.crs,
        photos=tuple(photo.record for photo in photos),
        skipped=tuple(SkippedRecord(skipped.path, skipped.reason) for skipped in outcome.skipped),
        defects=defects,
        grades=grades,
        findings=findings,
        settings=settings.as_json(),
        versions={**versions(), **({"engine": model.engine} if model.engine else {})},
        weights_name=model.name,
        weights_sha256=model.sha256,
        standard=standard.id,
        standard_verified=standard.verified,
        faces=faces,
    )


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent in each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Measure a block as a stage."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)
