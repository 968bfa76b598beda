"""``inspect standards``: which grading standards there are, what they hold, and whether a file can be used."""

from typing import TYPE_CHECKING, Annotated

import typer

from tenken.commands import options

if TYPE_CHECKING:
    from tenken.assessment.standards import Rule, Standard
    from tenken.settings import Lang

standards_app = typer.Typer(no_args_is_help=True, help="List and show grading standards, and check your own.")


@standards_app.command("list")
def list_command(lang: options.Language = None) -> None:
    """List the standards that come with Tenken; the default is marked with a star."""
    from tenken.assessment.findings import DEFAULT_STANDARD
    from tenken.assessment.standard_file import list_standards, load_standard

    chosen = options.language(lang)
    width = max(len(name) for name in list_standards())
    for name in list_standards():
        standard = load_standard(name)
        mark = "*" if name == DEFAULT_STANDARD else " "
        grades = f"{standard.grades[0]} … {standard.grades[-1]}"
        typer.echo(f"{mark} {name:{width}}  {standard.title(chosen)}  [{grades}]")


@standards_app.command("show")
def show_command(
    standard: Annotated[str, typer.Argument(help="Its id, or a .toml file of your own, which is checked.")],
    as_toml: Annotated[
        bool, typer.Option("--toml", help="The file itself: a start for a standard of your own.")
    ] = False,
    lang: options.Language = None,
) -> None:
    """Show where a standard comes from and what each of its rules asks; a mistake in a file is told with its line."""
    from tenken.assessment.standard_file import load_standard, standard_text

    loaded = load_standard(standard)
    if as_toml:
        typer.echo(standard_text(standard), nl=False)
    else:
        typer.echo(_text(loaded, options.language(lang)))


def _text(standard: "Standard", lang: "Lang") -> str:
    lines = [
        f"{standard.id}  {standard.title(lang)}",
        f"  edition   {standard.edition}",
        f"  source    {standard.source}",
        f"  grades    {' '.join(standard.grades)}  (best to worst; a segment: {standard.aggregate})",
        f"  verified  {'yes' if standard.verified else 'no: an engineer must check its numbers'}",
    ]
    for rule in standard.rules:
        limited = [*rule.materials, *(rule.elements or ()), *(rule.exposures or ())]
        lines += ["", f"  {rule.title(lang)}  [{', '.join(limited)}]", *_numbers(rule)]
        lines.append(f"    evidence  {', '.join(rule.evidence)}{'' if rule.verified else '  (not verified)'}")
    return "\n".join(lines)


def _numbers(rule: "Rule") -> list[str]:
    """Limits and grades of a rule, a line each."""
    from tenken.assessment.standards import CorrosionRule, CrackGridRule, CrackRule, PresenceRule

    if isinstance(rule, CrackRule):
        spacings = [_lower(c.at_least_m, c.above_m) for c in rule.spacings]
        spacings[-1] = "denser" if len(spacings) > 1 else "any spacing"
        rows = [_upper("mm", c.below_mm, c.up_to_mm) for c in rule.widths]
        cells = [[f"{place}: {'/'.join(c)}" for place, c in zip(spacings, row, strict=True)] for row in rule.cells]
        return [f"    {row:12}{', '.join(cell)}" for row, cell in zip(rows, cells, strict=True)]
    if isinstance(rule, CorrosionRule | CrackGridRule):
        rows = [_upper("%", c.below_pct, c.up_to_pct) for c in rule.shares]
        return [f"    {row:12}{'/'.join(cell)}" for row, cell in zip(rows, rule.cells, strict=True)]
    if isinstance(rule, PresenceRule):
        return [f"    {rule.kind:15} {'/'.join(rule.candidates)}"]
    return []


def _lower(at_least_m: float | None, above_m: float | None) -> str:
    return f"≥ {at_least_m:g} m" if at_least_m is not None else f"> {above_m or 0:g} m"


def _upper(unit: str, below: float | None, up_to: float | None) -> str:
    if below is not None:
        return f"< {below:g} {unit}"
    return f"≤ {up_to:g} {unit}" if up_to is not None else "above"
