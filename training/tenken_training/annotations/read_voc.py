"""Pascal VOC: one XML file a photo with boxes, and masks in ``SegmentationClass`` where there are any."""

from pathlib import Path

from tenken_training.annotations.drawings import Drawing, DrawnPhoto, DrawnSet, box, slashed
from tenken_training.annotations.read_masks import colour_names, mask_drawings
from tenken_training.annotations.source_files import files_below
from tenken_training.annotations.xml_place import XmlPlace, read_xml


def read_voc(source: Path) -> DrawnSet:
    """Read one XML file, or all of a folder.

    A photo that has a mask is labelled by the mask, and its boxes are left out.

    Raises
    ------
    SettingsError
        When a file is no such XML; the message names the file and the place.
    """
    files = files_below(source, ".xml")
    masks = {path.stem: path for path in files_below(source, ".png") if path.parent.name == "SegmentationClass"}
    names = colour_names(source) if masks else {}
    photos = [_photo(read_xml(path), path, masks.get(path.stem), names) for path in files]
    return DrawnSet("voc", tuple(photos), (*files, *masks.values()))


def _photo(root: XmlPlace, path: Path, mask: Path | None, names: dict[tuple[int, int, int], str]) -> DrawnPhoto:
    if root.tag != "annotation":
        raise root.fault(f"is <{root.tag}>, not <annotation>: no Pascal VOC")
    stated = root.text_of("size/width"), root.text_of("size/height")
    size = None
    if any(one not in (None, "0") for one in stated):
        size = root.side_px(stated[0], "size/width"), root.side_px(stated[1], "size/height")
    drawings = [_drawing(one) for one in root.children("object")]
    if mask is not None:
        mask_size, drawings = mask_drawings(mask, names)
        if size is not None and size != mask_size:
            raise root.fault(f"states {size[0]} x {size[1]} px, {mask} has {mask_size[0]} x {mask_size[1]} px")
        size = mask_size
    width, height = size or (None, None)
    return DrawnPhoto(slashed(root.text_of("filename") or path.stem), width, height, tuple(drawings), str(path))


def _drawing(one: XmlPlace) -> Drawing:
    name = one.text_of("name")
    if name is None:
        raise one.fault("has no name")
    edges = [one.coordinate(one.text_of(f"bndbox/{edge}"), edge) for edge in ("xmin", "ymin", "xmax", "ymax")]
    ignore = one.text_of("difficult") == "1"
    return Drawing(name, box(edges[0], edges[1], edges[2], edges[3], one.where), "box", one.where, ignore=ignore)
