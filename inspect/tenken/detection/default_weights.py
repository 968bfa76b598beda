"""Which weights are this user's default, since when, and what it was before.

``default.jsonl`` in the user's folder of weights holds a line for each change and is only ever added to; what a roll
back returns to follows from it. Without the file the shipped default counts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tenken.detection.weights_card import Sha256
from tenken.detection.weights_folders import card_paths, user_weights_dir
from tenken.errors import WeightsError

SHIPPED_DEFAULT = "crack-corrosion-shadows"
HISTORY = "default.jsonl"
CHANGELOG = "CHANGELOG.md"


class DefaultChange(BaseModel):
    """One line of the history."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: str
    """ISO 8601 in UTC."""
    action: Literal["promoted", "rolled back"]
    name: str = Field(pattern=r"^[\w.-]+$")
    sha256: Sha256 | None
    """None for the shipped default, which may change with the program."""


@dataclass(frozen=True, slots=True)
class DefaultWeights:
    """The default: its name, the bytes that were promoted (None: the shipped ones), and since when."""

    name: str
    sha256: str | None = None
    since: str | None = None


def default_weights() -> DefaultWeights:
    """Give this user's default.

    Raises
    ------
    WeightsError
        When the history cannot be read.
    """
    changes = read_history()
    if not changes:
        return DefaultWeights(SHIPPED_DEFAULT)
    return DefaultWeights(changes[-1].name, changes[-1].sha256, changes[-1].at)


def read_history() -> tuple[DefaultChange, ...]:
    """Read all changes, the oldest first.

    Raises
    ------
    WeightsError
        When a line is damaged; the message names the file and the line.
    """
    path = user_weights_dir() / HISTORY
    if not path.is_file():
        return ()
    changes = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); mend or remove it") from error
    for number, line in enumerate(lines, start=1):
        try:
            changes.append(DefaultChange.model_validate_json(line))
        except ValidationError as error:
            raise WeightsError(f"{path}, line {number}: {error.errors()[0]['msg']}; remove the line") from error
    return tuple(changes)


def make_default(name: str, sha256: str, told: str) -> DefaultChange:
    """Make weights the default from now on, and write a line into the changelog."""
    change = DefaultChange(at=_now(), action="promoted", name=name, sha256=sha256)
    _add(change, told)
    return change


def roll_back() -> DefaultChange:
    """Return to the default before; weights that were removed since are passed over.

    Raises
    ------
    WeightsError
        When the shipped default is the default already.
    """
    now = default_weights()
    if now.sha256 is None:
        raise WeightsError(f"{now.name} is the shipped default; there is nothing to roll back to")
    known = card_paths()
    # The last one promoted is the default; what stands below it came before.
    before = [change for change in _standing()[:-1] if change.name in known]
    name, sha256 = (before[-1].name, before[-1].sha256) if before else (SHIPPED_DEFAULT, None)
    change = DefaultChange(at=_now(), action="rolled back", name=name, sha256=sha256)
    _add(change, f"rolled back from {now.name} to {name}")
    return change


def _standing() -> list[DefaultChange]:
    """Give the promotions that no roll back has taken away, the default last."""
    stack: list[DefaultChange] = []
    for change in read_history():
        if change.action == "promoted":
            stack.append(change)
        else:
            # A roll back may have passed over removed weights.
            while stack and (stack[-1].name, stack[-1].sha256) != (change.name, change.sha256):
                stack.pop()
    return stack


def write_changelog(told: str) -> None:
    """Add a line to the changelog beside the user's weights."""
    path = user_weights_dir() / CHANGELOG
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "" if path.is_file() else "# Changes of the default weights\n\n"
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"{head}- {_now()[:10]} {told}\n")


def _add(change: DefaultChange, told: str) -> None:
    write_changelog(told)
    path = user_weights_dir() / HISTORY
    before = path.read_bytes() if path.is_file() else b""
    half = path.with_suffix(".part")
    half.write_bytes(before + change.model_dump_json().encode("utf-8") + b"\n")
    half.replace(path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
