"""The order of elements: parents first, circles refused by name."""

from itertools import pairwise, permutations
from typing import Any

import pytest

from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.mapping.columns import LegacyRow
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.sequence import in_order, needs


class Row(LegacyRow):
    """A row that says nothing."""

    number: int


def made(name: str, *parents: Mapping[Any]) -> Mapping[Any]:
    """Declare an element that refers to others."""
    declared: dict[str, object] = {
        "element": name,
        "resource": "Patient",
        "row": Row,
        "table": name,
        "key": "number",
        "system": f"urn:{name}",
        "fields": (),
        "refers_to": parents,
    }
    kind: type[Mapping[Any]] = type(name, (Mapping,), declared)
    return kind()


def names(*mappings: Mapping[Any]) -> list[str]:
    """Name elements in the order that they get."""
    return [mapping.element for mapping in in_order(mappings)]


def test_parents_come_first_however_they_stood() -> None:
    """Each order of declaration gives one in which nothing stands before its parents."""
    clinics = made("clinics")
    people = made("people", clinics)
    visits = made("visits", people, clinics)

    assert {("clinics", "people", "visits")} == {
        tuple(names(*some)) for some in permutations((visits, people, clinics))
    }


def test_what_needs_no_order_keeps_its_own() -> None:
    """A list that is in order stays as it is."""
    first, second = made("zebras"), made("ants")
    third, fourth = made("moths", first), made("bees")

    assert ["zebras", "ants", "moths", "bees"] == names(first, second, third, fourth)


def test_a_circle_is_named() -> None:
    """As references lead: each refers to the next."""
    one, two, three = made("one"), made("two"), made("three")
    type(one).refers_to, type(two).refers_to, type(three).refers_to = (two,), (three,), (one,)

    with pytest.raises(ConfigurationError, match="circle") as caught:
        in_order((one, two, three))
    steps = str(caught.value.fields["circle"]).split(" -> ")

    assert steps[0] == steps[-1]
    assert {("one", "two"), ("two", "three"), ("three", "one")} == set(pairwise(steps))


def test_an_element_may_refer_to_itself() -> None:
    """A department is part of an organization."""
    own = made("organizations")
    type(own).refers_to = (own,)

    assert ["organizations"] == names(own)
    assert () == needs(own)


def test_a_parent_that_is_not_listed_is_told() -> None:
    """Its records would never be there."""
    with pytest.raises(ConfigurationError, match="not in MAPPINGS") as caught:
        in_order((made("visits", made("people")),))

    assert {"element": "visits", "parent": "people"} == caught.value.fields
