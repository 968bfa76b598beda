"""``inspect weights``: which weights there are, what is known of them, and whether they are undamaged."""

import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenken.commands import options
from tenken.commands.weights_export import export_command

if TYPE_CHECKING:
    from tenken.detection.weights_card import Metric, WeightsCard
    from tenken.settings import Lang
    from tenken.wording import Words

weights_app = typer.Typer(no_args_is_help=True, help="List, show, verify, add and export weights.")
weights_app.command("export")(export_command)


@weights_app.command("list")
def list_command(lang: options.ConsoleLanguage = None) -> None:
    """List all known weights; the default is marked with a star, with the day from which on it is."""
    from tenken.detection.default_weights import default_weights
    from tenken.detection.weights import list_weights
    from tenken.notes import Note, said
    from tenken.wording import words

    spoken = options.language(lang)
    text = words(spoken)
    cards, default = list_weights(), default_weights()
    width = max((len(card.name) for card in cards), default=0)
    for card in cards:
        mark = "*" if card.name == default.name else " "
        since = ""
        if card.name == default.name and default.since:
            since = text("weights.since", day=default.since[:10])
        kinds = said(Note.kinds(card.classes), spoken)
        typer.echo(f"{mark} {card.name:{width}}  {kinds}  {card.licence}  {card.sha256[:12]}{since}")
    if default.name not in {card.name for card in cards}:
        typer.echo(text("weights.gone", name=f"{default.name:{width}}"))


@weights_app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="Name, or an .onnx or .pt file.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="The card as JSON.")] = False,
    lang: options.ConsoleLanguage = None,
) -> None:
    """Show what is known of weights."""
    from tenken.detection.weights import find_weights

    spoken = options.language(lang)
    weights = find_weights(name)
    if as_json:
        typer.echo(weights.card.model_dump_json(indent=2))
    else:
        typer.echo(_text(weights.card, weights.path, spoken))


@weights_app.command("verify")
def verify_command(
    names: Annotated[list[str] | None, typer.Argument(help="Names or files; all known ones if none.")] = None,
    lang: options.ConsoleLanguage = None,
) -> None:
    """Recompute the hashes of weights and compare them with their cards."""
    from tenken.detection.weights import find_weights, list_names
    from tenken.errors import WeightsError
    from tenken.wording import words

    text = words(options.language(lang))
    faults: list[str] = []
    for name in names or list_names():
        try:
            weights = find_weights(name)
        except WeightsError as error:
            faults.append(name)
            typer.echo(text("weights.fault", name=name, why=error))
        else:
            typer.echo(text("weights.ok", name=name, path=weights.path, sha256=weights.sha256))
    if faults:
        raise WeightsError(f"{len(faults)} of the weights cannot be used: {', '.join(faults)}")


@weights_app.command("add")
def add_command(
    file: Annotated[Path, typer.Argument(help="An .onnx or .pt file.")],
    name: Annotated[str | None, typer.Option(help="Its name from now on; the file's name if none.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Open a .pt file, which can run code.")] = False,
    lang: options.ConsoleLanguage = None,
) -> None:
    """Copy a weight file into your own weights folder and give it a card."""
    from tenken.detection.weights import add_weights
    from tenken.notes import Note, said
    from tenken.wording import words

    spoken = options.language(lang)
    weights = add_weights(file, name, trust=trust)
    typer.echo(f"{weights.path}  {said(Note.kinds(weights.card.classes), spoken)}  {weights.sha256}")
    typer.echo(words(spoken)("weights.use", name=weights.card.name))


@weights_app.command("remove")
def remove_command(
    name: Annotated[str, typer.Argument(help="Name of weights that you added.")], lang: options.ConsoleLanguage = None
) -> None:
    """Remove weights from your own weights folder."""
    from tenken.detection.weights import remove_weights
    from tenken.wording import words

    text = words(options.language(lang))
    typer.echo(text("weights.removed", path=remove_weights(name)))


@weights_app.command("rollback")
def rollback_command(lang: options.ConsoleLanguage = None) -> None:
    """Return to the default weights before the last promotion."""
    from tenken.detection.default_weights import default_weights, roll_back
    from tenken.detection.weights import find_weights
    from tenken.wording import words

    text = words(options.language(lang))
    before = default_weights().name
    change = roll_back()
    weights = find_weights()
    typer.echo(text("weights.rolled_back", name=change.name, before=before, sha256=weights.sha256))


def _interval(metric: "Metric", text: "Words") -> str:
    bounds = ""
    if metric.low is not None and metric.high is not None:
        bounds = text("info.range", low=f"{metric.low:g}", high=f"{metric.high:g}")
    basis = "" if metric.n is None else f"n {metric.n}"
    inside = ", ".join(part for part in (bounds, basis) if part)
    return f" ({inside})" if inside else ""


def _measure(measure: str, lang: "Lang") -> str:
    """Name a figure of a card; in English as it stands there."""
    from tenken.notes import kind_name
    from tenken.wording import words

    kind, comma, figure = measure.partition(", ")
    return measure if lang == "en" or not comma else f"{kind_name(kind, lang)} {words(lang).coded('measure', figure)}"


def _text(card: "WeightsCard", path: Path, lang: "Lang") -> str:
    """Lay a card out for reading in a terminal; sentences that the card holds are shown as they stand there."""
    from tenken.notes import kind_name
    from tenken.wording import padded, words

    text = words(lang)
    comma = text("console.comma")
    source = card.source
    fields = {
        "file": str(path),
        "sha256": card.sha256,
        "licence": card.licence,
        "lowest_score": comma.join(f"{kind_name(kind, lang)} {card.thresholds[kind]}" for kind in card.classes),
        "chosen": card.thresholds_note,
        "tile": f"{card.tile_px} px",
        "seen_from": card.ground_resolution,
        "recipe": card.recipe,
        "made_from": source and text("weights.source", file=source.file, sha256=source.sha256),
        "with": source and source.made_with,
    }
    paragraphs = [card.name, *(f"{name:12}  {summary}" for name, summary in card.summary.items()), ""]
    paragraphs += [f"{padded(text(f'weights.{field}'), 12)}  {value}" for field, value in fields.items() if value]
    if card.training_data:
        paragraphs += ["", text("weights.trained_on")]
        paragraphs += [
            text("weights.training_data", photos=f"{data.photos:5}", name=data.name, licence=data.licence)
            for data in card.training_data
        ]
    if card.metrics:
        paragraphs += ["", text("weights.measured")]
        paragraphs += [
            f"{metric.value:12g}  {_measure(metric.measure, lang)}{_interval(metric, text)}: "
            f"{metric.data}; {metric.conditions}"
            for metric in card.metrics
        ]
    if card.promoted:
        paragraphs += ["", text("weights.promoted")]
    for one in card.promoted:
        told = text("weights.instead_of", name=one.instead_of, sets=comma.join(one.judged_on))
        paragraphs.append(f"{one.at[:10]:>12}  {told}")
    if card.known_failures:
        paragraphs += ["", text("weights.known_failures")]
        paragraphs += [f"           -  {failure}" for failure in card.known_failures]
    pictures = padded(text("weights.pictures"), 12, right=True)
    paragraphs += [f"{pictures}  {path.parent / name}" for name in card.failure_pictures]
    columns = max(60, shutil.get_terminal_size().columns)
    return "\n".join(
        textwrap.fill(paragraph, columns, subsequent_indent=" " * 14, break_long_words=False, break_on_hyphens=False)
        for paragraph in paragraphs
    )
