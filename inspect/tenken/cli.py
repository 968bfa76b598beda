"""The command line: which commands there are. What they do stands in `tenken.commands`, one file each.

Nothing heavy is imported here: ``inspect --help`` must answer at once.
"""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tenken.commands import demo, evaluate, export, info, locate, report, run, suggest, train, verify
from tenken.commands.standards import standards_app
from tenken.commands.weights import weights_app
from tenken.errors import TenkenError


class OneLineErrors(TyperGroup):
    """Shows errors made for people as one line, and ends with their exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except TenkenError as error:
            typer.echo(f"inspect: {error}", err=True)
            sys.exit(error.exit_code)
        except OSError as error:
            # A full disk or a pulled memory card is nobody's bug: name the file, spare the traceback.
            where = f"{error.filename}: " if error.filename else ""
            typer.echo(f"inspect: {where}{error.strerror or error}", err=True)
            sys.exit(1)


app = typer.Typer(
    name="inspect",
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Tenken 点検: drone photos of structures in; measured cracks and corrosion and a repair list out.",
    epilog="Start with: inspect demo    Then: inspect run FOLDER_OF_PHOTOS",
)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"tenken {version('tenken')}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", help="Say which Tenken this is.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Take what goes for all commands."""


app.command("run")(run.run)
app.command("info")(info.info)
app.command("locate", context_settings={"ignore_unknown_options": True})(locate.locate)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("verify")(verify.verify)
app.command("demo")(demo.demo)
app.command("evaluate")(evaluate.evaluate)
app.command("train")(train.train)
app.command("suggest")(suggest.suggest)
app.add_typer(weights_app, name="weights")
app.add_typer(standards_app, name="standards")
