"""A font of this machine that can write Japanese and may be embedded: a PDF for the archive carries its font."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError

from tenken.errors import MissingExtraError, SettingsError

FONT_FILES: tuple[tuple[str, int], ...] = (
    ("NotoSansJP-Regular.ttf", 0),
    ("BIZ-UDGothicR.ttc", 1),
    ("YuGothR.ttc", 0),
    ("YuGothM.ttc", 0),
    ("meiryo.ttc", 0),
    ("msgothic.ttc", 1),
    ("Arial Unicode.ttf", 0),
    ("ipaexg.ttf", 0),
    ("ipagp.ttf", 0),
    ("ipag.ttf", 0),
    ("TakaoPGothic.ttf", 0),
    ("VL-PGothic-Regular.ttf", 0),
    ("NotoSansCJK-Regular.ttc", 0),
    ("NotoSansCJKjp-Regular.otf", 0),
    ("NotoSansJP-Regular.otf", 0),
    ("SourceHanSansJP-Regular.otf", 0),
    ("ヒラギノ角ゴシック W3.ttc", 0),
    ("Hiragino Sans W3.ttc", 0),
)
"""Sans serif fonts of Linux, Windows and macOS, and which face of a collection is meant; the first found is taken.

TrueType ones first: more programs find words in a PDF that has such a font.
"""

NEEDED = "点検ひびわれ腐食Aa0"
"""What a font must be able to write."""
MAY_NOT_BE_EMBEDDED = 0x0002
"""Bit of a font's ``OS/2.fsType``: restricted licence embedding."""


@dataclass(frozen=True, slots=True)
class FontFace:
    """A font file, and the face of a collection."""

    path: Path
    number: int


def find_font(chosen: Path | None = None) -> FontFace:
    """Give the font that was chosen, or the first known one of this machine.

    Raises
    ------
    SettingsError
        When the chosen one is no font, cannot write Japanese, or may not be embedded.
    MissingExtraError
        When this machine has none of `FONT_FILES`.
    """
    if chosen is not None:
        if not chosen.is_file():
            raise SettingsError(f"--font {chosen}: no such file: give a .ttf, .otf or .ttc with Japanese characters")
        faces = [FontFace(chosen, number) for number in range(_faces(chosen))]
        face = next((one for one in faces if _usable(one)), None)
        if face is None:
            raise SettingsError(
                f"--font {chosen}: not a font that can write Japanese and may be embedded: give another one"
            )
        return face
    found = {path.name: path for folder in font_folders() for path in _files_below(folder)}
    for name, number in FONT_FILES:
        if name in found and _usable(FontFace(found[name], number)):
            return FontFace(found[name], number)
    raise MissingExtraError(
        "no Japanese font found for the PDF: install one (Debian: apt install fonts-noto-cjk), or give one with --font"
    )


def font_folders() -> Sequence[Path]:
    """Give where this system keeps its fonts; the last ones win."""
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local"))
        return (Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts", local / "Microsoft/Windows/Fonts")
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    shared = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
    return (*shared, home / ".fonts", home / ".local/share/fonts")


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _faces(path: Path) -> int:
    try:
        with path.open("rb") as stream, TTFont(stream, fontNumber=0, lazy=True) as font:
            return int(getattr(font.reader, "numFonts", 1))
    except (TTLibError, OSError):
        return 0


def _usable(face: FontFace) -> bool:
    try:
        with face.path.open("rb") as stream, TTFont(stream, fontNumber=face.number, lazy=True) as font:
            characters = font.getBestCmap() or {}
            embedding = int(font["OS/2"].fsType) if "OS/2" in font else 0
    except (TTLibError, OSError):
        return False
    return all(ord(one) in characters for one in NEEDED) and not embedding & MAY_NOT_BE_EMBEDDED
