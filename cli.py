"""Run the commands from a checkout: ``python cli.py run FLIGHT``."""

from tenken.cli import app

app()
