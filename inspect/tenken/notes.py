"""What is said of a photo or a file: an English sentence that can be said in Japanese as well.

A note is a string. Errors, JSON and logs take it as it is, in English; reports, map layers and the console ask for
their language with `said`.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import ValidatorFunctionWrapHandler, WrapValidator

from tenken.wording import words


class Note(str):
    """A sentence in English that carries its Japanese."""

    __slots__ = ("ja", "key")

    ja: str
    key: str
    """Of the catalogue: the same for all notes that say the same of different things; empty for several in one."""

    def __new__(cls, en: str, ja: str, key: str = "") -> Self:
        """Put both together."""
        note = super().__new__(cls, en)
        note.ja, note.key = ja, key
        return note

    def __getnewargs__(self) -> tuple[str, str, str]:  # type: ignore[override]
        """Give what a copy is made of."""
        return str(self), self.ja, self.key

    @classmethod
    def of(cls, key: str, **values: object) -> Self:
        """Take a phrase of the catalogue, and fill in values, which may be notes themselves."""
        en, ja = (
            words(lang)(key, **{name: said(v, lang) if isinstance(v, str) else v for name, v in values.items()})
            for lang in ("en", "ja")
        )
        return cls(en, ja, key)

    @classmethod
    def joined(cls, notes: Iterable[str]) -> Self:
        """Put several into one line."""
        parts = list(notes)
        return cls("; ".join(parts), "；".join(said(part, "ja") for part in parts))

    @classmethod
    def counted(cls, name: str, count: int) -> Self:
        """Give a number of things (``"photo"``), in the singular where there is one."""
        return cls(words("en").counted(name, count), words("ja").counted(name, count))

    @classmethod
    def coded(cls, group: str, code: str) -> Self:
        """Name what files have a code for: by the code, and by its word of a group (``"measure"``)."""
        return cls(code, words("ja").coded(group, code))

    @classmethod
    def kinds(cls, kinds: Iterable[str]) -> Self:
        """Name kinds of defects: by their codes, as data sets and weights have them, and by the official terms."""
        codes = list(kinds)
        return cls(", ".join(codes), "、".join(words("ja").kind(code) for code in codes))


def said(text: str, lang: str) -> str:
    """Give a text in a language; what is no note has only one."""
    return text.ja if lang == "ja" and isinstance(text, Note) else str(text)


def _kept(text: Any, handler: ValidatorFunctionWrapHandler) -> str:
    return text if isinstance(text, Note) else str(handler(text))


NoteField = Annotated[str, WrapValidator(_kept)]
"""A text of a pydantic model that stays a note; what is written and read again is the English sentence."""


def kind_name(kind: str, lang: str) -> str:
    """Give a kind of defect in tables of data sets and weights: its code in English, its official term in Japanese."""
    return said(Note.kinds([kind]), lang)
