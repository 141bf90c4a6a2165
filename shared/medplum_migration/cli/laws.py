"""The laws and the golden rows of one mapping, for `check`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping


def check_laws(mapping: Mapping[Any], goldens: Path, examples: int) -> tuple[str, list[str]]:
    """Hold a mapping to its laws on made-up rows; returns what was done, and what is broken."""
    wrong = [told for field in mapping.declaration.fields if (told := _table(field))]
    if wrong:
        return "wait until code tables can be read", wrong
    broken = _golden(mapping, goldens)
    signed = "golden rows match" if goldens.is_dir() and not broken else "no golden rows"
    if broken:
        signed = "golden rows differ"
    if not examples:
        return f"skipped; {signed}", broken
    if find_spec("hypothesis") is None:
        return f"not checked, they need the package hypothesis; {signed}", broken
    found = _broken_laws(mapping, examples)
    told = f"{len(found)} broken" if found else f"hold on {examples} made-up rows"
    return f"{told}; {signed}", broken + found


def _table(field: Field) -> str:
    """Tell what is wrong with a field's code table."""
    try:
        _ = field.codes is not None and (field.codes.forward, field.codes.inverse)
    except (OSError, ValueError) as error:
        return f"column {field.columns[0]}: {error}"
    return ""


def _golden(mapping: Mapping[Any], goldens: Path) -> list[str]:
    from medplum_migration.mapping import law

    if not goldens.is_dir():
        return []
    try:
        law.golden(mapping, goldens)
    except AssertionError as error:
        return [f"golden rows: {error}"]
    except (OSError, ValueError, KeyError) as error:
        return [f"golden rows: cannot be read ({type(error).__name__})"]
    return []


def _broken_laws(mapping: Mapping[Any], examples: int) -> list[str]:
    from medplum_migration.mapping import law, laws, strategies

    pairs = laws.sample(strategies.rows(mapping), examples)
    broken = []
    for one in law.LAWS:
        try:
            laws.hold(one, mapping, pairs, floor=0)
        except Exception as error:  # noqa: BLE001 because totality says that none may rise
            broken.append(f"law {one.__name__}: {type(error).__name__}: {error}")
    try:
        law.honest_tables(mapping)
    except AssertionError as error:
        broken.append(f"law honest_tables: {error}")
    return broken
