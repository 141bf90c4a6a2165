"""Deterministic JSON of resources: sorted keys, and every digit of a Decimal."""

import json
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any

from medplum_migration.domain.data_element import Resource
from medplum_migration.domain.identity import keyed_hash


def dumps(resource: Resource) -> bytes:
    """Render as UTF-8 JSON with sorted keys; Decimal("72.50") stays 72.50.

    Raises:
        TypeError: a value is not JSON; names its type only.
        ValueError: a number is not finite.

    """
    return _render(resource).encode()


def loads(body: bytes | str) -> Any:  # noqa: ANN401 because FHIR values are JSON
    """Parse JSON; numbers with a fraction or exponent become Decimal."""
    return json.loads(body, parse_float=Decimal)


def digest(secret: bytes, resources: Iterable[Resource]) -> str:
    """Hash resources with a secret, so that equal content shows and nothing can be guessed."""
    return keyed_hash(secret, *(_render(resource) for resource in resources))


@cache
def _encoder() -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def _render(value: object) -> str:
    if isinstance(value, dict):
        pairs = (f"{_encoder().encode(key)}:{_render(value[key])}" for key in sorted(value))
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_render, value)) + "]"
    if isinstance(value, Decimal):
        return _number(value)
    if value is None or isinstance(value, str | int | float):
        return _encoder().encode(value)
    message = f"not JSON: {type(value).__name__}"
    raise TypeError(message)


def _number(value: Decimal) -> str:
    if not value.is_finite():
        message = "a number is not finite"
        raise ValueError(message) from None
    return str(value)
