"""What laboratory elements share: LOINC's check digit, diagnoses, stated offsets."""

from datetime import datetime

import pytest

from data_elements.laboratory import coded, diagnoses, instant, is_loinc
from medplum_migration.mapping.field import Unmappable

NINE = datetime.fromisoformat("2024-07-01T09:00:00")


@pytest.mark.parametrize("code", ["718-7", "2345-7", "4548-4", "33914-3", "85354-9"])
def test_loinc(code: str) -> None:
    """Codes of the LOINC table are recognized."""
    assert is_loinc(code)


@pytest.mark.parametrize(
    "code", ["718-8", "2354-7", "80053", "GLU", "718-7 ", "123456-7", "\u0667-1"]
)
def test_no_loinc(code: str) -> None:
    """A wrong check digit, swapped digits or another form is the laboratory's own code."""
    assert not is_loinc(code)


def test_text_that_is_no_code() -> None:
    """What cannot be a FHIR code is text only."""
    assert {"text": "a  b"} == coded("a  b", None)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ([], " ; "),
        ([{"text": "fever"}], "fever"),
        ([{"text": "CPT4:80053"}], "CPT4:80053"),
        (
            [
                {
                    "coding": [{"system": "http://hl7.org/fhir/sid/icd-9-cm", "code": "250.00"}],
                    "text": "ICD9:250.00",
                }
            ],
            "ICD9:250.00;ICD9:250.00",
        ),
    ],
)
def test_diagnoses(expected: list[dict[str, object]], text: str) -> None:
    """A known prefix gives a coding, once; everything else stays text."""
    assert expected == diagnoses(text, None)


@pytest.mark.parametrize(
    ("expected", "offset"),
    [
        ("2024-07-01T09:00:00-04:00", None),
        ("2024-07-01T09:00:00+05:30", "+0530"),
        ("2024-07-01T09:00:00-07:00", "-0700"),
    ],
)
def test_instant(expected: str, offset: str | None) -> None:
    """A stated offset counts; without one the time is the clinic's."""
    assert expected == instant(NINE, offset, column="date_report")


@pytest.mark.parametrize("offset", ["EST", "-500", "+2500", "-05:00", "+0560"])
def test_offsets_that_are_none(offset: str) -> None:
    """An offset that cannot be read is refused under its own column."""
    with pytest.raises(Unmappable) as refused:
        instant(NINE, offset, column="date_report")
    assert "date_report_tz" == refused.value.column


def test_a_time_that_does_not_exist() -> None:
    """A time in the gap of the clinic's zone is refused, unless the laboratory states an offset."""
    gap = datetime.fromisoformat("2024-03-10T02:30:00.5")
    with pytest.raises(Unmappable) as refused:
        instant(gap, None, column="date_report")
    assert "date_report" == refused.value.column
    assert "2024-03-10T02:30:00.500000-05:00" == instant(gap, "-0500", column="date_report")
