"""Laws of mappings with parts: what each of them says about the others' columns."""

from typing import Any

import pytest

from medplum_migration.mapping import law
from medplum_migration.mapping.columns import LegacyRow, Text
from medplum_migration.mapping.field import Constant, Field, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.part import Part


class FormRow(LegacyRow):
    """A form of two answers."""

    id: int
    first: Text
    second: Text


def _answer(value: str) -> str:
    if value == "?":
        refuse("no answer")
    return value


def _garble(value: object) -> str:
    del value
    return "?"


class FormMapping(Mapping[FormRow]):
    """A form to one Observation for each answer."""

    element, resource, row = "forms", "Observation", FormRow
    table, key, system = "forms", "id", "https://clinic.example/id/forms"
    fields = (Constant("status", "final"),)
    parts = (
        Part("first", Field("first", "valueString", _answer)),
        Part("second", Field("second", "valueString", _answer)),
    )


class GarbledMapping(FormMapping):
    """The same, with a way back that loses the answer."""

    parts = (
        Part("first", Field("first", "valueString", _answer, _garble)),
        Part("second", Field("second", "valueString", _answer)),
    )


def row(**answers: str) -> dict[str, Any]:
    """Make a form."""
    return {"id": 1, "first": "", "second": ""} | answers


def test_put_get_leaves_unfit_columns_of_other_parts() -> None:
    """A part written over a row whose other part is unfit says nothing, and breaks no law."""
    assert law.put_get(FormMapping(), row(first="yes"), row(second="?"))


def test_put_get_sees_what_its_own_parts_write() -> None:
    """A part whose own column comes back unfit breaks the law."""
    with pytest.raises(AssertionError, match="does not map"):
        law.put_get(GarbledMapping(), row(first="yes"), row(first="no"))
