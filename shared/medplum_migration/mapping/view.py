"""Canonical values: what two systems may spell differently and mean the same."""

from datetime import UTC
from decimal import Decimal
from typing import Any, TypeAlias

from medplum_migration.fhir.primitives import INSTANT, instant

Canonical: TypeAlias = Any


def canonical(value: object) -> Canonical:
    """Make a hashable value that is equal for equal meaning.

    Numbers compare numerically, times as instants, codings as sets, references by identifier and
    by where they lead, once that is resolved.
    """
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)).normalize()
    if isinstance(value, list):
        return tuple(canonical(item) for item in value)
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return _instant(value)
    return _object(value) if isinstance(value, dict) else value


def _instant(value: str) -> Canonical:
    """Compare times as instants, to the digits they have."""
    try:
        return ("instant", instant(value).astimezone(UTC))
    except (ValueError, OverflowError):
        return value


def _object(value: dict[str, Any]) -> Canonical:
    kept = value
    if "identifier" in value and ("reference" in value or "type" in value):
        names = (
            ("identifier",) if "?" in value.get("reference", "?") else ("identifier", "reference")
        )
        kept = {name: value[name] for name in names}
    return frozenset(
        (key, frozenset(map(canonical, item)) if _is_coding(key, item) else canonical(item))
        for key, item in kept.items()
    )


def _is_coding(key: str, item: object) -> bool:
    return key == "coding" and isinstance(item, list)
