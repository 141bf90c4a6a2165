"""Care teams: the laws, with members of all kinds as edges."""

from pathlib import Path
from typing import Any

import pytest

from data_elements.care_teams import care_teams
from medplum_migration.mapping import laws
from medplum_migration.mapping.mapping import Quarantine
from medplum_migration.mapping.strategies import Edges, blank

GOLDENS = Path(__file__).parent / "goldens"


def member(**columns: object) -> dict[str, object]:
    """Make a row of `care_team_member`."""
    empty = dict.fromkeys(("user_id", "contact_id", "facility_id", "provider_since", "note"))
    return {"id": 5, **empty, "role": "nurse", "status": "active", **columns}


USER, CONTACT, PLACE = member(user_id=2), member(id=6, contact_id=8), member(id=7, facility_id=3)


class TestCareTeams(laws.Laws):
    """Every law, on made-up rows."""

    mapping = care_teams
    goldens = GOLDENS / "care_teams"
    edges = {  # noqa: RUF012 because the base declares it
        "pid": Edges((), (7, 900), (0, "x")),
        "status": Edges((None, ""), ("active", "proposed", "entered-in-error"), ("Active", "gone")),
        "members": Edges(
            (None, []),
            (
                [USER],
                [USER, CONTACT, PLACE],
                [
                    member(
                        user_id=2, facility_id=3, role="a role of ours", provider_since="2020-02-29"
                    )
                ],
                [member(user_id=2, status="inactive", note="left in spring")],
                [member(user_id=2, status="entered-in-error")],
            ),
            ([member()], [member(user_id="x")], "none"),
        ),
    }


ROW = blank(care_teams) | {"id": 1, "pid": 2}


def mapped(*members: dict[str, object]) -> dict[str, Any]:
    """Map a team that maps."""
    made = care_teams.to_fhir(ROW | {"members": list(members)})
    assert not isinstance(made, Quarantine)
    return made[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pid", 0),
        ("status", "dissolved"),
        ("members", [member()]),
        ("members", [member(user_id=2, contact_id=8)]),
        ("members", [member(contact_id=8, facility_id=3)]),
        ("members", [member(user_id=2, status="suspended")]),
        ("members", [member(user_id=2, provider_since="2020-02-30")]),
    ],
)
def test_quarantine_names_the_column(column: str, value: object) -> None:
    """What cannot be mapped is quarantined under its column."""
    made = care_teams.to_fhir(ROW | {column: value})
    assert isinstance(made, Quarantine)
    assert column == made.column


def test_user_contact_and_facility() -> None:
    """A member is a user, a contact that is known by identifier only, or a facility."""
    systems = [
        who["member"]["identifier"]["system"] for who in mapped(USER, CONTACT, PLACE)["participant"]
    ]
    assert ["users", "contact", "facility"] == [system.rsplit("/")[-1] for system in systems]


def test_member_in_error_is_left_out() -> None:
    """Who was never a member is no participant, and the note about it goes too."""
    wrong = member(id=9, user_id=4, status="entered-in-error", note="wrong chart")
    assert mapped(USER) == mapped(USER, wrong)


@pytest.mark.parametrize(
    ("expected", "role"),
    [
        (["224571005", "nurse_practitioner"], "nurse_practitioner"),
        (["nurse"], "nurse"),
        (["specialist"], "specialist"),
        ([], "a role of ours"),
    ],
)
def test_roles(expected: list[str], role: str) -> None:
    """Only a reviewed role gets a code of SNOMED CT; text that is no option stays text."""
    concept = mapped(member(user_id=2, role=role))["participant"][0]["role"][0]
    assert expected == [coding["code"] for coding in concept.get("coding", [])]
