"""Numbers of things in English sentences."""

from collections.abc import Sized


def counted(things: Sized, name: str) -> str:
    """Return how many there are, with the plural where it is due: ``1 photo``, ``2 photos``."""
    return f"{len(things)} {name}" if len(things) == 1 else f"{len(things)} {name}s"
