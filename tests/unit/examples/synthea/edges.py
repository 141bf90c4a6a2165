"""Edges of Synthea's columns for property tests: missing, fit to be mapped, unfit; all made up."""

from typing import Any

from medplum_migration.mapping.mapping import Mapping
from medplum_migration.mapping.strategies import Edges

_KEYS = Edges((), ("a1", "b-2"), ("", " ", "nul\x00", 7))
_CODES = Edges((), ("195662009", "LA1-2"), ("", "a  b", " lead"))
_WORDS = Edges(("",), ("A finding", "Zoë  and"), ("bell\x07", 7))
_TIMES = Edges(
    (), ("2024-01-31T09:05:00Z", "1977-08-06T02:34:03Z"), ("", "2024-02-30T00:00:00Z", "2024-01-31")
)
_ENDS = Edges(
    ("",), ("2024-01-31T09:05:00Z", "2031-12-31T23:59:59Z"), ("1970-01-01T00:00:00Z", "x")
)
_DAYS = Edges((), ("2024-02-29", "1977-08-06"), ("", "2023-02-29", "29.2.2024"))
_LAST_DAYS = Edges(("",), ("2024-02-29", "2031-12-31"), ("1970-01-01", "2023-02-29"))
_UIDS = Edges((), ("1.2.840.99.1", "1.2.3.4.5"), ("", "1.2", "one", "1.2.03"))
_REASONS = Edges(("",), _CODES.good, _CODES.bad[1:])

_BY_COLUMN = {
    **dict.fromkeys(("PATIENT", "PATIENTID", "PROVIDERID", "APPOINTMENTID"), _KEYS),
    **dict.fromkeys(("NAME", "RACE", "ETHNICITY"), Edges((), ("Ann Oak", "Other One"), ("",))),
    "ORGANIZATION": _KEYS,
    "GENDER": Edges((), ("F", "M"), ("", "f", "X")),
    "MARITAL": Edges(("",), ("M", "S", "X"), ("bell\x07",)),
    "CODE": _CODES,
    "MODALITY_CODE": _CODES,
    "BODYSITE_CODE": _CODES,
    "DESCRIPTION": _WORDS,
    **dict.fromkeys(("REASONCODE", "PROCEDURE_CODE"), _REASONS),
    **{f"DIAGNOSIS{number}": _REASONS for number in range(1, 9)},
    **dict.fromkeys(("SERIES_UID", "INSTANCE_UID", "SOP_CODE"), _UIDS),
    "ENCOUNTERCLASS": Edges((), ("ambulatory", "hospice"), ("", "Ambulatory", "x")),
    "CATEGORY": Edges((), ("survey", "laboratory"), ("", "Survey", "x")),
    "TYPE": Edges((), ("numeric",), ("", "x")),
    "UNITS": Edges(("",), ("mm[Hg]", "{score}"), ("nul\x00",)),
    "VALUE": Edges((), ("12.5", "-3"), ("", "Yes", "1e5")),
    "HEALTHCARECLAIMTYPEID1": Edges((), ("1", "2"), ("",)),
    "QUANTITY": Edges(("",), ("50", "0.5"), ("1e5", "x")),
    "UDI": Edges(
        (),
        ("(01)12345678901234(11)240131(17)490131(10)77(21)88",),
        ("", "(01)12345678901234", "12345678901234"),
    ),
    **dict.fromkeys(("SERVICEDATE", "LASTBILLEDDATE1"), _TIMES),
}
_BY_ELEMENT = {
    "medications": {"ENCOUNTER": _KEYS},
    "conditions": {"ENCOUNTER": _KEYS, "START": _DAYS, "STOP": _LAST_DAYS},
    "careplans": {"START": _DAYS, "STOP": _LAST_DAYS},
    "supplies": {"DATE": _DAYS},
    "allergies": {
        "START": _DAYS,
        "STOP": _LAST_DAYS,
        "SYSTEM": Edges((), ("SNOMED-CT", "RxNorm"), ("", "LOINC")),
        "TYPE": Edges(("",), ("allergy", "intolerance"), ("ALLERGY",)),
        "CATEGORY": Edges(("",), ("food", "environment"), ("drug",)),
        **dict.fromkeys(("REACTION1", "REACTION2"), Edges((), _CODES.good, _CODES.bad[1:])),
        **dict.fromkeys(("SEVERITY1", "SEVERITY2"), Edges(("",), ("MILD",), ("mild",))),
    },
}
_OTHERS = {"START": _TIMES, "STOP": _ENDS, "DATE": _TIMES}


def edges_of(mapping: Mapping[Any]) -> dict[str, Edges]:
    """Choose the edges of a mapping's columns; a key column has those of keys."""
    known = _OTHERS | _BY_COLUMN | _BY_ELEMENT.get(mapping.element, {})
    columns = set(mapping.row.model_fields) - set(mapping.keys)
    return {column: edges for column, edges in known.items() if column in columns}
