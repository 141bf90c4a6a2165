"""Problems: OpenEMR `lists` of type `medical_problem` to and from Condition.

The title is the text of the code, whatever its length; `diagnosis` holds codes with a prefix that
tells their system. Activity, end, outcome and verification make up the statuses together.
"""

from datetime import datetime
from types import MappingProxyType
from typing import Any

from data_elements.clinic import CLINIC_TZ, LEGACY
from data_elements.coded_text import coded_text, codings
from data_elements.local_days import DAY_OR_TIME, ends_before
from data_elements.patients import patients
from data_elements.problems_unmapped import UNMAPPED
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.codes import Codes
from medplum_migration.mapping.columns import (
    Flag,
    LegacyRow,
    Link,
    LocalTime,
    NullableText,
    Text,
)
from medplum_migration.mapping.field import Constant, Field, Unmappable, refuse
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.reference import Reference
from medplum_migration.mapping.transforms import local_time

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_CLINICAL, _VERIFICATION = (
    f"{_TERMINOLOGY}/condition-clinical",
    f"{_TERMINOLOGY}/condition-ver-status",
)
_CATEGORY = {
    "coding": [{"system": f"{_TERMINOLOGY}/condition-category", "code": "problem-list-item"}]
}

_WIDTH = 255

VERIFICATION = Codes.packaged("data_elements", "codes/condition_verification.csv")
OUTCOME = f"{LEGACY}/problem-outcome"
_RESOLVED = 1
_OUTCOMES = {2: "Improved", 3: "Status quo", 4: "Worse", 5: "Pending followup"}
_IN_ERROR = "entered-in-error"


class ProblemRow(LegacyRow):
    """The columns of `lists` that are read."""

    id: int
    pid: Link
    title: NullableText
    diagnosis: NullableText
    begdate: LocalTime
    enddate: LocalTime
    activity: Flag
    outcome: Link
    verification: Text
    date: LocalTime
    comments: NullableText
    external_id: NullableText


def _fits(value: object) -> str:
    if not isinstance(value, str) or len(value) > _WIDTH:
        refuse(f"longer than the column, which holds {_WIDTH} characters")
    return value


def _diagnosis(held: list[dict[str, Any]]) -> str | None:
    text = coded_text(held)
    return None if text is None else _fits(text)


def _statuses(
    activity: bool | None,  # noqa: FBT001 because it is a column
    outcome: int | None,
    end: datetime | None,
    verification: str | None,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None, str | None]:
    """Give clinical status, verification status and abatement."""
    verified = None if verification is None else _verified(verification)
    if outcome not in (None, _RESOLVED, *_OUTCOMES):
        refuse("no outcome that is known", column="outcome")
    if verification == _IN_ERROR:
        return None, verified, None
    clinical = _clinical(activity, outcome, ended=end is not None)
    return clinical, verified, None if end is None else _end(end)


def _verified(verification: str) -> dict[str, Any]:
    known = VERIFICATION.forward.get(verification)
    if known is None:
        refuse("no verification in the code table", column="verification")
    return {"coding": [known.coding()]}


def _clinical(
    activity: bool | None,  # noqa: FBT001 because it is a column
    outcome: int | None,
    *,
    ended: bool,
) -> dict[str, Any] | None:
    if outcome == _RESOLVED:
        if activity and not ended:
            refuse("active and resolved at once")
        return {"coding": [{"system": _CLINICAL, "code": "resolved"}]}
    if activity is None and not ended:
        return refuse("an outcome without activity") if outcome else None
    code = "active" if activity and not ended else "inactive"
    coding = [{"system": _CLINICAL, "code": code}]
    if outcome is not None:
        coding.append({"system": OUTCOME, "code": str(outcome), "display": _OUTCOMES[outcome]})
    return {"coding": coding}


def _end(end: datetime) -> str:
    try:
        return str(DAY_OR_TIME.to(end))
    except Unmappable as found:
        refuse(found.why, column="enddate")


def _statuses_back(
    clinical: dict[str, Any] | None, verified: dict[str, Any] | None, end: str | None
) -> tuple[bool | None, int | None, datetime | None, str | None]:
    codes = {c.get("system"): c.get("code") for c in (clinical or {}).get("coding", ())}
    status, local = codes.get(_CLINICAL), codes.get(OUTCOME)
    if status not in (None, "active", "inactive", "resolved") or (clinical and status is None):
        refuse("a clinical status that the columns cannot hold")
    if end is not None and status in (None, "active"):
        refuse("an abatement of a problem that is not over")
    outcome = next((number for number in _OUTCOMES if str(number) == local), None)
    return (
        None if status is None else status == "active",
        _RESOLVED if status == "resolved" else outcome,
        None if end is None else DAY_OR_TIME.back(end),
        None if verified is None else _verification(verified),
    )


def _verification(verified: dict[str, Any]) -> str:
    codes = [c["code"] for c in verified.get("coding", ()) if c.get("system") == _VERIFICATION]
    return VERIFICATION.encode(codes[0] if len(codes) == 1 else None)


class ProblemMapping(Mapping[ProblemRow]):
    """Both directions of an entry of the problem list."""

    element, resource = "problems", "Condition"
    row = ProblemRow
    table, key, system = "lists", "id", f"{LEGACY}/id/lists"
    where = MappingProxyType({"type": "medical_problem"})
    profile = (
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition-problems-health-concerns"
    )
    fields = (
        Reference("pid", "subject", to=patients),
        Constant("category[id=problem]", _CATEGORY),
        Field("title", "code.text", back=_fits),
        Field(
            "diagnosis",
            "code.coding",
            codings,
            _diagnosis,
            why="a display of the code is not kept on the way back: OpenEMR has its own",
        ),
        Field("begdate", "onsetDateTime", *DAY_OR_TIME, why="midnight is a day without a time"),
        Field(
            ("activity", "outcome", "enddate", "verification"),
            ("clinicalStatus", "verificationStatus", "abatementDateTime"),
            _statuses,
            _statuses_back,
            lossy=True,
            why="what has an end is inactive, whatever its activity says (con-4); what was entered"
            " in error has neither clinical status nor abatement (con-5, con-4)",
        ),
        Field("date", "recordedDate", *local_time(CLINIC_TZ)),
        Field("comments", "note[id=comments].text"),
        Field("external_id", f"identifier[system={LEGACY}/external-list].value"),
        *UNMAPPED,
    )

    def enrich(self, row: ProblemRow, resource: Resource) -> Resource:
        """Refuse a problem without patient, one that says nothing, and one that ends too early."""
        for column, name in (("pid", "subject"), ("title", "code")):
            if name not in resource:
                refuse(f"a problem without {name}", column=column)
        if ends_before(row.enddate, row.begdate):
            refuse("the problem ends before it begins", column="enddate")
        return resource


problems = ProblemMapping()
