"""``python -m tenken`` is ``inspect``, where the scripts' folder is not on the path."""

from tenken.cli import app

if __name__ == "__main__":
    app(prog_name="inspect")
