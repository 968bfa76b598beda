"""Run the commands from a checkout: ``python cli.py run FLIGHT``."""

from tenken.cli import app

if __name__ == "__main__":  # processes that training starts import this file
    app()
