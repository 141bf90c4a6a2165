"""Made-up staff: rows of `users` and `facility`, the same for the same seed; all of them map."""

from collections.abc import Iterator
from random import Random

from sandbox.clinic import names
from sandbox.clinic.people import USER_IDS, Row, phone

_NPI_OF_EXAMPLES = "1234567893"
_SPECIALTIES = ("Family Medicine", "Internal Medicine", "Pediatrics", "", None)
_SINCE = "2003-01-15 09:00:00"


def facility() -> Row:
    """Make up the one place where all work."""
    city, state, postal_code = names.TOWNS[0]
    return {
        "id": 1,
        "name": "Sandbox Family Practice",
        "phone": "413-555-0100",
        "street": "1 Maple Ave",
        "city": city,
        "state": state,
        "postal_code": postal_code,
        "country_code": "US",
        "facility_npi": _NPI_OF_EXAMPLES,
    }


def staff(*, seed: int) -> Iterator[Row]:
    """Make up those whom patients may have as provider."""
    random = Random(f"staff {seed}")  # noqa: S311 because the same seed must give the same staff
    for row_id in USER_IDS:
        given = random.choice((*names.GIVEN_FEMALE, *names.GIVEN_MALE))
        yield {
            "id": row_id,
            "uuid": random.randbytes(16),
            "username": f"user{row_id}",
            "title": random.choice(("Dr.", "", None)),
            "fname": given,
            "mname": random.choice(("", None, "J")),
            "lname": random.choice(names.FAMILY),
            "active": int(row_id != USER_IDS[-1]),
            "facility_id": 1,
            "specialty": random.choice(_SPECIALTIES),
            "phonew1": phone(random),
            "email": f"user{row_id}@example.org",
            "date_created": _SINCE,
            "last_updated": _SINCE,
        }
