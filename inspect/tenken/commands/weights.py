"""``inspect weights``: which weights there are, what is known of them, and whether they are undamaged."""

import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenken.commands.weights_export import export_command

if TYPE_CHECKING:
    from tenken.detection.weights_card import Metric, WeightsCard

weights_app = typer.Typer(no_args_is_help=True, help="List, show, verify, add and export weights.")
weights_app.command("export")(export_command)


@weights_app.command("list")
def list_command() -> None:
    """List all known weights; the default is marked with a star."""
    from tenken.detection.weights import DEFAULT_WEIGHTS, list_weights

    cards = list_weights()
    width = max((len(card.name) for card in cards), default=0)
    for card in cards:
        mark = "*" if card.name == DEFAULT_WEIGHTS else " "
        typer.echo(f"{mark} {card.name:{width}}  {', '.join(card.classes)}  {card.licence}  {card.sha256[:12]}")


@weights_app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="Name, or an .onnx or .pt file.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="The card as JSON.")] = False,
) -> None:
    """Show what is known of weights."""
    from tenken.detection.weights import find_weights

    weights = find_weights(name)
    if as_json:
        typer.echo(weights.card.model_dump_json(indent=2))
    else:
        typer.echo(_text(weights.card, weights.path))


@weights_app.command("verify")
def verify_command(
    names: Annotated[list[str] | None, typer.Argument(help="Names or files; all known ones if none.")] = None,
) -> None:
    """Recompute the hashes of weights and compare them with their cards."""
    from tenken.detection.weights import find_weights, list_names
    from tenken.errors import WeightsError

    faults: list[str] = []
    for name in names or list_names():
        try:
            weights = find_weights(name)
        except WeightsError as error:
            faults.append(name)
            typer.echo(f"FAULT  {name}  {error}")
        else:
            typer.echo(f"ok     {name}  {weights.path}  {weights.sha256}")
    if faults:
        raise WeightsError(f"{len(faults)} of the weights cannot be used: {', '.join(faults)}")


@weights_app.command("add")
def add_command(
    file: Annotated[Path, typer.Argument(help="An .onnx or .pt file.")],
    name: Annotated[str | None, typer.Option(help="Its name from now on; the file's name if none.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Open a .pt file, which can run code.")] = False,
) -> None:
    """Copy a weight file into your own weights folder and give it a card."""
    from tenken.detection.weights import add_weights

    weights = add_weights(file, name, trust=trust)
    typer.echo(f"{weights.path}  {', '.join(weights.card.classes)}  {weights.sha256}")
    typer.echo(f"Use it with: inspect run FLIGHT --weights {weights.card.name}")


def _interval(metric: "Metric") -> str:
    bounds = "" if metric.low is None or metric.high is None else f"{metric.low:g} to {metric.high:g}"
    basis = "" if metric.n is None else f"n {metric.n}"
    inside = ", ".join(part for part in (bounds, basis) if part)
    return f" ({inside})" if inside else ""


def _text(card: "WeightsCard", path: Path) -> str:
    """Lay a card out for reading in a terminal."""
    fields = {
        "file": str(path),
        "sha256": card.sha256,
        "licence": card.licence,
        "lowest score": ", ".join(f"{kind} {card.thresholds[kind]}" for kind in card.classes),
        "chosen": card.thresholds_note,
        "tile": f"{card.tile_px} px",
        "seen from": card.ground_resolution,
        "recipe": card.recipe,
        "made from": card.source and f"{card.source.file}, sha256 {card.source.sha256}",
        "with": card.source and card.source.made_with,
    }
    paragraphs = [card.name, *(f"{lang:12}  {text}" for lang, text in card.summary.items()), ""]
    paragraphs += [f"{field:12}  {text}" for field, text in fields.items() if text]
    if card.training_data:
        paragraphs += ["", "trained on"]
        paragraphs += [f"{data.photos:5} photos  {data.name}; {data.licence}" for data in card.training_data]
    if card.metrics:
        paragraphs += ["", "measured"]
        paragraphs += [
            f"{metric.value:12g}  {metric.measure}{_interval(metric)}: {metric.data}; {metric.conditions}"
            for metric in card.metrics
        ]
    if card.known_failures:
        paragraphs += ["", "known failures"]
        paragraphs += [f"           -  {failure}" for failure in card.known_failures]
    paragraphs += [f"    pictures  {path.parent / name}" for name in card.failure_pictures]
    columns = max(60, shutil.get_terminal_size().columns)
    return "\n".join(
        textwrap.fill(paragraph, columns, subsequent_indent=" " * 14, break_long_words=False, break_on_hyphens=False)
        for paragraph in paragraphs
    )
