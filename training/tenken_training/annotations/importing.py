"""From a source to a data set: the steps in the order the data flows, joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tenken.errors import SettingsError
from tenken.running.progress import Progress, Silence
from tenken.wording import words
from tenken_training.annotations.classes import map_classes
from tenken_training.annotations.dataset import (
    AnnotatedPhoto,
    Dataset,
    Source,
    Split,
    being_made,
    read_dataset,
    write_dataset,
)
from tenken_training.annotations.findings import Finding
from tenken_training.annotations.formats import read_source
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.near_duplicates import near_pairs
from tenken_training.annotations.picture_files import write_photos
from tenken_training.annotations.read_review import gather_review, is_review
from tenken_training.annotations.source_files import as_given, opened_source, sha256_of_files
from tenken_training.annotations.source_photos import (
    Gathered,
    SourcePhoto,
    find_photos,
    label_photos,
    site_finder,
    source_name,
)
from tenken_training.annotations.splits import Placed, assign_splits, split_of


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    Parameters
    ----------
    dataset
        As it lies on the disk now.
    added
        Names of the photos that are new in it.
    format
        Of the source.
    findings
        What a person should look at.
    notes
        What a person must be told.
    """

    dataset: Dataset
    added: frozenset[str]
    format: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


Checker = Callable[[Dataset, frozenset[str], Sequence[Finding], Path], tuple[Finding, ...]]
"""Looks at a data set before it is put in place: its new photos, what was found so far, and the folder for pages."""


def import_annotations(
    source: Path, out: Path, options: ImportOptions, *, checker: Checker | None = None, progress: Progress | None = None
) -> Imported:
    """Import annotations and photos as a data set, or add them to one.

    Parameters
    ----------
    source
        File, folder or zip of annotations, or the output of a finished inspection.
    out
        The data set. It is written wholly or not at all.
    options
        The user's choices.
    checker
        Looks for suspicious labels and writes the pages that show them.
    progress
        Told what happens.

    Raises
    ------
    SettingsError
        When anything in the source cannot be used; the message names file, place and remedy.
    """
    progress, out = progress or Silence(), out.absolute()
    before = _before(out, options)
    if source.absolute() == out or out in source.absolute().parents:
        raise SettingsError(f"--out {out}: lies over the source {source}; give another folder")
    with opened_source(source) as root:
        gathered = _gather(source, root, options, progress)
        known = {photo.parent_sha256 or photo.sha256 for photo in before.photos}
        fresh, again = _new_ones(gathered.photos, known)
        if not fresh:
            raise SettingsError(
                f"{source}: {words('en').counted('photo', len(gathered.photos))}, all in {out} already; nothing to add"
            )
        splits, notes = _splits(before, fresh, options)
        with being_made(out) as partial:
            progress.start("import", len(fresh))
            made, findings = write_photos(fresh, splits, gathered, before, options, partial, progress)
            dataset = replace(
                before,
                photos=tuple(sorted((*before.photos, *made), key=lambda photo: photo.name)),
                classes={**before.classes, **gathered.classes},
                sources=(*before.sources, Source(source.name, gathered.format, gathered.sha256)),
            )
            added = frozenset(photo.name for photo in made)
            found = tuple(replace(one, where=as_given(one.where, source, root)) for one in (*findings, *again))
            if checker is not None:
                found = checker(dataset, added, found, partial)
            dataset = write_dataset(dataset)
    return Imported(dataset, added, gathered.format, tuple(found), (*gathered.notes, *notes))


def _before(out: Path, options: ImportOptions) -> Dataset:
    if options.append:
        return read_dataset(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"--out {out}: is there already; give another folder, or --append to add to a data set")
    return Dataset(out, out.name, ())


def _gather(source: Path, root: Path, options: ImportOptions, progress: Progress) -> Gathered:
    if options.format == "review" or (options.format == "auto" and is_review(root)):
        return gather_review(root, options, progress)
    drawn = read_source(root, options.format)
    targets = map_classes((one.class_name for photo in drawn.photos for one in photo.drawings), options.classes, source)
    roots = [options.photos] if options.photos is not None else [root if root.is_dir() else root.parent]
    if options.photos is None and source.suffix.lower() == ".zip":
        roots.append(source.parent)
    pairs, notes = find_photos(drawn.photos, roots, options)
    if not pairs:
        raise SettingsError(f"{source}: holds no photo with a label")
    progress.start("read", len(pairs))
    sites = site_finder(roots, options, source_name(source))
    photos = label_photos(pairs, targets, options, sites, progress.advance)
    kinds = options.kinds or tuple(sorted({label.kind for photo in photos for label in photo.labels}))
    if not kinds:
        raise SettingsError(f"{source}: no label is left; say with --kinds crack,corrosion what was looked for")
    classes = {name: target.kind or "" for name, target in targets.items()}
    return Gathered(drawn.format, tuple(photos), sha256_of_files(drawn.files), classes, kinds, [*drawn.notes, *notes])


def _new_ones(photos: Sequence[SourcePhoto], known: set[str]) -> tuple[list[SourcePhoto], list[Finding]]:
    """Leave photos out that are in the data set already, or twice in the source."""
    fresh, again = [], []
    for photo in photos:
        if photo.sha256 in known:
            again.append(Finding("same-photo", photo.name, str(photo.path), detail="left out"))
            continue
        known.add(photo.sha256)
        fresh.append(photo)
    return fresh, again


def _splits(before: Dataset, fresh: Sequence[SourcePhoto], options: ImportOptions) -> tuple[list[Split], list[str]]:
    old: dict[str, AnnotatedPhoto] = {}
    for photo in before.photos:
        old.setdefault(photo.parent_sha256 or photo.sha256, photo)
    there = list(old.values())
    placed = [Placed(photo.parent or photo.name, photo.site, photo.split) for photo in there]
    placed += [
        Placed(photo.name, photo.site, split_of(photo.split) if options.keep_splits else None) for photo in fresh
    ]
    looks = [int(photo.look or "0", 16) for photo in there] + [photo.look for photo in fresh]
    pairs = [(one, other) for one, other in near_pairs(looks) if other >= len(there) and looks[one] and looks[other]]
    splits, notes = assign_splits(placed, pairs, val=options.val, test=options.test, seed=options.seed)
    return splits[len(there) :], notes
