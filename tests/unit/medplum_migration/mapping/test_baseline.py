"""An earlier register against the mappings as they are."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.baseline import Change, changes, export
from medplum_migration.mapping.field import Excluded, Field
from medplum_migration.mapping.mapping import Mapping
from tests.unit.medplum_migration.cli import fork

CLINIC = fork.ClinicMapping


def varied(**attributes: object) -> Mapping[Any]:
    """Declare the clinics with other attributes."""
    declared = {"__module__": CLINIC.__module__, **attributes}
    kind: type[Mapping[Any]] = type("ClinicMapping", (CLINIC,), declared)
    return kind()


def since(before: Mapping[Any], now: Mapping[Any]) -> tuple[Change, ...]:
    """Compare two declarations of an element."""
    return changes(json.dumps(export([before])), [now])


def test_nothing_has_changed() -> None:
    """An unchanged element is left out."""
    assert () == since(fork.clinics, varied())


def test_a_version_that_was_not_raised() -> None:
    """Another digest under the same version is a finding."""
    (found,) = since(varied(), varied(system="https://example.org/id/moved"))

    assert found.forgotten
    assert "another digest, but mapping version 1 as before" == found.what
    assert found.lines[0].startswith("code: path was Organization.identifier[system=")


def test_a_version_that_fell() -> None:
    """Records written before would win for ever."""
    (found,) = since(varied(mapping_version=2), varied())

    assert found.forgotten
    assert "mapping version 2 to 1: it must not fall" == found.what


def test_a_version_that_was_raised() -> None:
    """Said, and no finding."""
    (found,) = since(varied(), varied(mapping_version=2, system="https://example.org/id/moved"))

    assert not found.forgotten
    assert "mapping version 1 to 2" == found.what


def test_reasons_need_no_version() -> None:
    """Lines say something else, and the same is emitted."""
    name = CLINIC.fields[0]
    before = varied(fields=(name, Excluded("old", "changed", why="one")))
    now = varied(fields=(name, Excluded("changed", "new", why="two")))

    assert (
        Change(
            "clinics",
            "the same digest; only what is said of it",
            lines=("old: gone", "changed: why was one, is two", "new: new, excluded"),
        ),
    ) == since(before, now)


def test_elements_come_and_go() -> None:
    """Both are told."""
    before = json.dumps(export([fork.clinics]))

    assert (Change("people", "new"), Change("clinics", "gone")) == changes(before, [fork.people])


def test_a_line_that_an_older_export_did_not_have() -> None:
    """A column of the register that came later counts as empty before."""
    before = export([varied()])
    for line in before["elements"][0]["columns"]:
        del line["source"]
    (found,) = changes(json.dumps(before), [varied()])

    assert "name: source was -, is clinic.name" == found.lines[1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "not a baseline"),
        ("nonsense", "not a baseline"),
        ('{"python": "2.7", "elements": []}', "another Python"),
    ],
)
def test_what_cannot_be_compared(text: str, reason: str) -> None:
    """No baseline, or digests of another bytecode."""
    with pytest.raises(ConfigurationError, match=reason):
        changes(text, [fork.clinics])


def test_a_changed_field_is_told_by_its_lines() -> None:
    """What was, and what is."""
    shout: Callable[[str], str] = str.upper
    (found,) = since(varied(), varied(fields=(Field("name", "alias", shout, str),)))
    (line,) = found.lines

    assert "name: disposition was direct, is transformed; " in line
    assert "path was Organization.name, is Organization.alias; " in line
    assert line.endswith("transform was -, is str.upper")
