"""Numbers of things in English sentences."""


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """Give a number with its noun, "1 photo" and "2 photos"; ``nouns`` where an s does not make the plural."""
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"
