"""Seeded bugs of a right mapping, and which laws each must break; `make mutants` runs them all.

M4, M7 and M9 err alike in both directions: no law can see them, only a signed row.
"""

import json
import sys
import tempfile
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from medplum_migration.domain.errors import InvalidResourceError
from medplum_migration.mapping import law, laws, strategies
from medplum_migration.mapping.codes import HEADER, Codes
from medplum_migration.mapping.columns import LegacyRow, LocalTime, NullableText
from medplum_migration.mapping.field import Excluded, Field, Function, refuse
from medplum_migration.mapping.mapping import Mapping, Quarantine
from medplum_migration.mapping.transforms import PARTIAL_DATE, in_order, local_time

ZONE = ZoneInfo("America/New_York")
GENDER = "http://hl7.org/fhir/administrative-gender"
TABLE = "\n".join(
    (
        ",".join(HEADER),
        f"M,male,{GENDER},Male,equivalent,y",
        f"F,female,{GENDER},Female,equivalent,y",
        f"X,other,{GENDER},Other,equivalent,y",
        f"U,unknown,{GENDER},Unknown,equivalent,y",
        f"N,unknown,{GENDER},Unknown,wider,",
    )
)
SEX = Codes("sex", lambda: TABLE)
WRONG_SEX = Codes(
    "sex",
    lambda: TABLE.replace("X,other", "X,unknown").replace("Other,equivalent,y", "Unknown,wider,"),
)
TIMES = strategies.NEW_YORK_TIME


class Row(LegacyRow):
    """The patient of the sketch."""

    patient_id: int
    first: NullableText
    middle: NullableText
    last: NullableText
    dob: NullableText
    sex: NullableText
    cell: NullableText
    died_at: LocalTime
    is_active: bool | None


FIELDS: dict[str, Any] = {
    "given": Field(("first", "middle"), "name[use=official].given", *in_order(2)),
    "family": Field("last", "name[use=official].family"),
    "dob": Field("dob", "birthDate", *PARTIAL_DATE),
    "sex": Field("sex", "gender", SEX.decode, SEX.encode, lossy=True, why="N and U"),
    "cell": Field("cell", "telecom[system=phone].value"),
    "died_at": Field("died_at", "deceasedDateTime", *local_time(ZONE)),
    "is_active": Field("is_active", "active"),
    "score": Excluded("score", why="not clinical"),
}


class Right(Mapping[Row]):
    """The mapping without a bug."""

    element, resource, row = "patients", "Patient", Row
    table, key, system = "patient", "patient_id", "urn:clinic:patient"
    fields = tuple(FIELDS.values())


EDGES = {
    "first": strategies.Edges((None,), ("Ann", "Zoe"), ("\x00",)),
    "middle": strategies.Edges((None,), ("B", "Q."), ("\x00",)),
    "dob": strategies.Edges(
        (None,), ("1980", "1980-07", "1980-02-29"), ("190\u0660", "1981-02-30")
    ),
    "sex": strategies.Edges((None,), ("M", "F", "X", "U", "N"), ("Z", "male")),
    "cell": strategies.Edges((None,), ("555-0100", "+1 202 555 0100", "12"), ("\x00",)),
    "is_active": strategies.Edges((None,), (True, False), ("perhaps",)),
    "died_at": strategies.Edges(TIMES.missing, TIMES.good + TIMES.bad[:4], TIMES.bad),
}
GOLDEN_ROW = {
    "patient_id": 1207,
    "first": "Juniper",
    "middle": "Q.",
    "last": "Quillfeather",
    "dob": "1980-07",
    "sex": "X",
    "cell": "+1 202 555 0100",
    "died_at": "2023-07-15 23:30:00",
    "is_active": False,
}
GOLDEN_RESOURCE = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:clinic:patient", "value": "1207"}],
    "name": [{"use": "official", "given": ["Juniper", "Q."], "family": "Quillfeather"}],
    "birthDate": "1980-07",
    "gender": "other",
    "telecom": [{"system": "phone", "value": "+1 202 555 0100"}],
    "deceasedDateTime": "2023-07-15T23:30:00-04:00",
    "active": False,
}
Pairs: TypeAlias = list[tuple[law.Row, law.Row]]


def make_pairs() -> Pairs:
    """Rows of the right mapping, edges first."""
    edges = [(row, row) for row in strategies.sweep(Right(), EDGES)]
    return edges + laws.sample(strategies.rows(Right(), EDGES), 60)


def write_golden(folder: Path) -> Path:
    """Put one signed row in a folder."""
    signed = {"reviewed_by": "test", "row": GOLDEN_ROW}
    (folder / "one.legacy.json").write_text(json.dumps(signed))
    (folder / "one.fhir.json").write_text(json.dumps(GOLDEN_RESOURCE))
    return folder


def other(
    name: str, to: Function | None = None, back: Function | None = None, **more: Any
) -> type[Mapping[Any]]:
    """Replace functions of one field."""
    right = FIELDS[name]
    field = Field(
        right.columns,
        right.paths,
        to or right.to,
        back or right.back,
        **({"lossy": right.lossy, "why": right.why} | more),
    )
    fields = tuple({**FIELDS, name: field}.values())
    return type("Mutant", (Right,), {"fields": fields})


def method(**methods: Any) -> type[Mapping[Any]]:
    """Replace methods of the mapping."""
    return type("Mutant", (Right,), methods)


def utc(value: datetime) -> str:
    """Stamp a local time as if it were UTC."""
    return value.replace(tzinfo=UTC).isoformat()


def from_utc(text: str) -> datetime:
    """Read an instant as if UTC were local."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def to_unguarded(value: datetime) -> str:
    """Stamp clinic time without looking at gaps and overlaps."""
    return value.replace(tzinfo=ZONE).isoformat()


def from_unguarded(text: str) -> datetime:
    """Read clinic time without looking at gaps and overlaps."""
    return datetime.fromisoformat(text).astimezone(UTC).astimezone(ZONE).replace(tzinfo=None)


def overwrite(self: Right, current: object, mapped: dict[str, Any]) -> dict[str, Any]:
    """Replace the whole resource."""
    del self, current
    return mapped


def drop_tags(
    self: Mapping[Any], current: dict[str, Any], mapped: dict[str, Any]
) -> dict[str, Any]:
    """Merge, but lose the tags of others."""
    merged = Right.merge(self, current, mapped)
    return {name: value for name, value in merged.items() if name != "meta"}


def blind(self: Right, resource: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Write every column back, without comparing views first."""
    row = dict(base)
    for field in self.declaration.fields:
        row.update(self._columns(field, resource))
    return row


def talkative(self: Right, row: dict[str, Any]) -> Any:
    """Quote the value in a quarantine."""
    made = Right.to_fhir(self, row)
    if isinstance(made, Quarantine):
        return Quarantine(made.key, made.column, f"not good: {row[made.column]}")
    return made


def stamped(self: Right, row: object, resource: dict[str, Any]) -> dict[str, Any]:
    """Add a random id."""
    del self, row
    return resource | {"id": str(uuid.uuid4())}


def short_key(self: Right, key: str) -> Any:
    """Drop a part of the key."""
    digits = "".join(c for c in key if c in "0123456789")
    return Right.identifiers(self, str(int(digits) % 1000))


def no_guard(first: str | None, middle: str | None) -> list[str]:
    """Let a middle name become the first."""
    return [name for name in (first, middle) if name is not None]


def reversed_to(first: str | None, middle: str | None = None) -> list[str]:
    """Write the middle name first."""
    if first is None:
        refuse("middle name without first name")
    return [name for name in (middle, first) if name is not None]


def reversed_back(given: list[str]) -> tuple[str | None, str | None]:
    """Read the middle name first."""
    return given[-1], given[0] if len(given) > 1 else None


def forgotten() -> type[Mapping[Any]]:
    """Leave a column out."""
    fields = tuple(field for name, field in FIELDS.items() if name != "cell")
    return type("Mutant", (Right,), {"fields": fields})


MUTANTS: dict[str, tuple[Callable[[], type[Mapping[Any]]], set[str]]] = {
    "M1 column forgotten": (forgotten, {"coverage"}),
    "M2 phone truncated": (lambda: other("cell", lambda v: v[:10]), {"isomorphism", "golden"}),
    "M3 written as UTC, read as local": (
        lambda: other("died_at", utc),
        {"isomorphism", "put_get", "golden"},
    ),
    "M4 UTC in both directions": (lambda: other("died_at", utc, from_utc), {"golden"}),
    "M5 gap and overlap unguarded": (
        lambda: other("died_at", to_unguarded, from_unguarded),
        {"isomorphism"},
    ),
    "M6 middle name becomes first": (lambda: other("given", no_guard), {"isomorphism"}),
    "M7 names swapped both ways": (lambda: other("given", reversed_to, reversed_back), {"golden"}),
    "M8 sex passed through": (
        lambda: other("sex", lambda v: v, lambda v: v),
        {"valid", "golden"},
    ),
    "M9 wrong line in the table": (
        lambda: other("sex", WRONG_SEX.decode, WRONG_SEX.encode),
        {"golden"},
    ),
    "M10 birth date padded": (
        lambda: other("dob", lambda v: (PARTIAL_DATE.to(v) + "-01-01")[:10]),
        {"isomorphism", "golden"},
    ),
    "M11 active inverted": (
        lambda: other("is_active", lambda v: not v),
        {"isomorphism", "put_get", "golden"},
    ),
    "M12 part of the key dropped": (lambda: method(identifiers=short_key), {"identity"}),
    "M13 unknown code raises": (
        lambda: other("sex", lambda v: SEX.forward[v].code),
        {"totality"},
    ),
    "M14 empty string": (lambda: other("cell", lambda v: "" if len(v) < 3 else v), {"valid"}),
    "M15 random id": (lambda: method(enrich=stamped), {"deterministic"}),
    "M16 overwrite": (lambda: method(merge=overwrite), {"preserve"}),
    "E1 no view comparison": (lambda: method(from_fhir=blind), {"get_put"}),
    "E2 tags dropped": (lambda: method(merge=drop_tags), {"preserve"}),
    "E3 value quoted": (lambda: method(to_fhir=talkative), {"totality"}),
}


def found_by(name: str, pairs: Pairs, goldens: Path) -> set[str]:
    """Name the laws that a seeded bug breaks; `coverage` falls when the class is built."""
    try:
        mutant = MUTANTS[name][0]()
    except TypeError:
        return {"coverage"}
    return fallen(mutant(), pairs, goldens)


def is_killed(name: str, found: set[str]) -> bool:
    """Tell whether the laws named for a bug caught it; a symmetric one only a golden row may."""
    by = MUTANTS[name][1]
    return by <= found and (by != {"golden"} or by == found)


def fallen(mutant: Mapping[Any], pairs: Pairs, goldens: Path) -> set[str]:
    """Name the laws that a mapping breaks."""
    names = {check.__name__ for check in law.LAWS if not stands(check, mutant, pairs)}
    try:
        law.golden(mutant, goldens)
    except (AssertionError, InvalidResourceError):
        names.add("golden")
    return names


def stands(check: law.Law, mutant: Mapping[Any], pairs: Pairs) -> bool:
    """Tell whether a mapping keeps a law."""
    try:
        laws.hold(check, mutant, pairs, floor=0)
    except Exception:  # noqa: BLE001 because a mutant may raise anything
        return False
    return True


def main() -> int:
    """Seed the sixteen bugs of the kit, one after another; the last line tells how many fell."""
    names = [name for name in MUTANTS if name.startswith("M")]
    pairs, killed = make_pairs(), 0
    with tempfile.TemporaryDirectory() as folder:
        goldens = write_golden(Path(folder))
        for name in names:
            found = found_by(name, pairs, goldens)
            killed += is_killed(name, found)
            verdict = "killed by" if is_killed(name, found) else "SURVIVED, broke only"
            sys.stdout.write(f"{name}: {verdict} {', '.join(sorted(found)) or 'nothing'}\n")
    sys.stdout.write(f"killed {killed} of {len(names)}\n")
    return 0 if killed == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
