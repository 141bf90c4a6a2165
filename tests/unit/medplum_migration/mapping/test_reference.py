"""References by keys of several columns: half a key names nothing."""

import pytest

from medplum_migration.mapping.columns import LegacyRow, Whole
from medplum_migration.mapping.field import Field
from medplum_migration.mapping.mapping import Mapping, Quarantine
from medplum_migration.mapping.reference import Reference


class LineRow(LegacyRow):
    """A line of an order."""

    order: int
    line: int


class LineMapping(Mapping[LineRow]):
    """A line to ServiceRequest."""

    element, resource, row = "lines", "ServiceRequest", LineRow
    table, key, system = "lines", ("order", "line"), "urn:line"
    fields = ()


LINES = LineMapping()


class ReportRow(LegacyRow):
    """A report on a line."""

    id: int
    order: Whole
    line: Whole


class ReportMapping(Mapping[ReportRow]):
    """A report to DiagnosticReport."""

    element, resource, row = "reports", "DiagnosticReport", ReportRow
    table, key, system = "reports", "id", "urn:report"
    fields: tuple[Field, ...] = (Reference(("order", "line"), "basedOn[id=line]", to=LINES),)


REPORTS = ReportMapping()


def test_a_whole_key_is_referred_to() -> None:
    """Both columns of the key make up the identifier, and come back from it."""
    made = REPORTS.to_fhir({"id": 1, "order": 5, "line": 0})
    assert not isinstance(made, Quarantine)
    identifier = {"system": "urn:line", "value": "5~7c0"}
    assert identifier == made[0]["basedOn"][0]["identifier"]
    assert (5, 0) == LINES.referred(made[0]["basedOn"][0])


@pytest.mark.parametrize("half", [{"order": 5, "line": None}, {"order": None, "line": 1}])
def test_half_a_key_is_quarantined(half: dict[str, int | None]) -> None:
    """A column that is missing is never taken for a part of a key."""
    expected = Quarantine("1", "order", "a part of the key is missing")
    assert expected == REPORTS.to_fhir({"id": 1, **half})
