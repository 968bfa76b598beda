"""All words that users read, Japanese and English, from one catalogue: reports, map layers, console, photo notes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from unicodedata import east_asian_width

from pydantic import BaseModel, ConfigDict, TypeAdapter

from tenken.errors import SettingsError

LANGUAGES: tuple[str, ...] = ("ja", "en")
"""Languages that every entry of the catalogue has."""


class Entry(BaseModel):
    """One phrase in all languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue in one language."""

    lang: str
    phrases: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Give a phrase with its ``{placeholders}`` filled in."""
        return self.phrases[key].format(**values)

    def counted(self, name: str, count: int) -> str:
        """Give a number of things (``"photo"``), in the singular where the language has one."""
        return self(f"count.{name}.one" if count == 1 else f"count.{name}", count=count)

    def coded(self, group: str, code: str | None) -> str:
        """Give the word for a code of a group (``"kind"``, ``"crack"``), or the code itself."""
        return "" if code is None else self.phrases.get(f"{group}.{code}", code)

    def kind(self, kind: str) -> str:
        """Give the official term of a kind of defect."""
        return self.coded("kind", kind)


@cache
def catalogue() -> dict[str, Entry]:
    """Read the catalogue, phrases by key."""
    text = (files("tenken") / "wording.json").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Entry]).validate_json(text)


@cache
def words(lang: str) -> Words:
    """Give the catalogue in one language.

    Raises
    ------
    SettingsError
        When the language is not one of `LANGUAGES`.
    """
    if lang not in LANGUAGES:
        raise SettingsError(f"Language '{lang}' is not known, use one of: {', '.join(LANGUAGES)}")
    return Words(lang, {key: getattr(entry, lang) for key, entry in catalogue().items()})


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Fill up with spaces to columns of a terminal, in which a Japanese letter takes two; to the right where asked."""
    space = " " * (width - sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text))
    return space + text if right else text + space
