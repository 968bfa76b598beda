"""Pieces of QGIS expressions that styles, forms and tips share."""

FLIGHT_FOLDER = "flight_folder"
"""Project variable: where the photos lie, from the results folder or absolute; people change it when they move them."""

RESULTS_FOLDER = "file_path(layer_property(@layer, 'path'))"
"""Folder of the file that the layer comes from, whether a project was saved or not."""


def literal(word: str) -> str:
    """Quote a word for a QGIS expression."""
    return "'" + word.replace("'", "''") + "'"


def column(name: str) -> str:
    """Quote a column for a QGIS expression."""
    return '"' + name.replace('"', '""') + '"'


def photo_folder(flight_folder: str | None) -> str:
    """Give the expression of the folder that the photos' names start from.

    Parameters
    ----------
    flight_folder
        Relative to the results folder; None where no relative path leads there.
    """
    stated = f"coalesce(nullif(@{FLIGHT_FOLDER}, ''), {literal(flight_folder or '.')})"
    absolute = f"regexp_match({stated}, '^([A-Za-z]:|[/\\\\\\\\])')"
    return f"if({absolute}, {stated}, {RESULTS_FOLDER} || '/' || {stated})"


def file_url(path: str) -> str:
    """Turn the expression of a file's path into that of its address, with signs that an address cannot hold escaped."""
    escaped = path
    for sign, code in (("%", "%25"), ("#", "%23"), ("?", "%3F")):
        escaped = f"replace({escaped}, '{sign}', '{code}')"
    return f"'file:///' || regexp_replace({escaped}, '^/', '')"


def worded(name: str, words: dict[str, str]) -> str:
    """Give the expression that turns a column's codes into words; an unknown code stays as it is."""
    cases = " ".join(f"when {column(name)} = {literal(code)} then {literal(word)}" for code, word in words.items())
    return f"case {cases} else {column(name)} end"
