"""Adding an element to a package's list: the text of its `__init__.py` in, the new text out."""

import ast
from pathlib import Path


def registered(listed: Path, package: str, element: str) -> str | None:
    """Add an element to `MAPPINGS`, at its end, with its import.

    Gives None where that is no tuple of names: a person adds it then.
    """
    text = listed.read_text() if listed.exists() else ""
    body = ast.parse(text).body
    mappings = next((value for node in body if (value := _mappings(node)) is not None), None)
    if mappings is None:
        return None
    lines = text.splitlines()
    _add_name(lines, mappings, element)
    line = f"from {package}.{element} import {element}"
    lines.insert(_place(body, f"{package}.{element}"), line)
    made = "\n".join(lines) + "\n"
    try:
        ast.parse(made)
    except SyntaxError:
        return None
    return made


def _mappings(node: ast.stmt) -> ast.Tuple | None:
    """Find the tuple of names, and of groups of names, that `MAPPINGS` is."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    named = any(isinstance(target, ast.Name) and target.id == "MAPPINGS" for target in targets)
    value = getattr(node, "value", None)
    if not named or not isinstance(value, ast.Tuple):
        return None
    return value if all(isinstance(item, ast.Name | ast.Starred) for item in value.elts) else None


def _add_name(lines: list[str], mappings: ast.Tuple, element: str) -> None:
    """Add the name before the parenthesis that closes the tuple."""
    row, column = (mappings.end_lineno or 1) - 1, (mappings.end_col_offset or 1) - 1
    last = mappings.elts[-1] if mappings.elts else None
    if last is None:
        lines[row] = f"{lines[row][:column]}{element},{lines[row][column:]}"
    elif last.lineno == mappings.end_lineno:
        before = lines[row][:column].rstrip().rstrip(",")
        lines[row] = f"{before}, {element}{lines[row][column:]}"
    else:
        lines.insert(row, f"    {element},")


def _place(body: list[ast.stmt], module: str) -> int:
    """Tell after which line the import goes: imports are sorted by module."""
    imports = [node for node in body if isinstance(node, ast.ImportFrom)]
    before = [node for node in imports if (node.module or "") < module]
    return (before[-1].end_lineno or 0) if before else imports[0].lineno - 1 if imports else 0
