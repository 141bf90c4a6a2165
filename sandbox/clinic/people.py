"""Made-up people as rows of `patient_data`: realistic, dirty, and the same for the same seed.

The quirks are those of real OpenEMR data; their shares are in docs/sandbox-clinic.md. A few rows,
`odd_share` of them, are meant to be quarantined: see `oddity`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, TypeAlias

from sandbox.clinic import names

Row: TypeAlias = dict[str, Any]

ODD_SHARE = 0.005
KNOWN_SEXES = frozenset({"Male", "Female", "UNK", ""})
ZERO_DATE = "0000-00-00 00:00:00"
FIRST_MOVED_PID = 900_000
USER_IDS = range(1, 9)
GONE_USERS = (91, 92)
"""Users that were deleted while patients pointed at them."""

_ODD_SEXES = ("M?", "9", "Herr", "female/male")
# Local times of America/New_York that never were, and that were twice.
_IN_GAP = ("2024-03-10 02:30:00", "2019-03-10 02:05:00", "2007-03-11 02:59:00")
_IN_OVERLAP = ("2024-11-03 01:30:00", "2019-11-03 01:05:00", "2007-11-04 01:05:00")
ODD_DEATHS = (*_IN_GAP, *_IN_OVERLAP)
_ODDITIES = ("sex", "died_in_dst_gap", "sex", "died_in_dst_overlap", "sex")
_LONG_STREET = "c/o the caretaker of the third house behind the old mill; ring twice, "


def people(*, seed: int, odd_share: float = ODD_SHARE, first_id: int = 1) -> Iterator[Row]:
    """Make up people for ever, with ids from `first_id`; all rows have the same columns."""
    random = Random(seed)  # noqa: S311 because the same seed must give the same people
    odd, last_ss = 0, ""
    row_id = first_id
    while True:
        row = _person(random, row_id)
        if row["ss"] and happens(random, 0.01):  # two people, one number
            row["ss"] = last_ss or row["ss"]
        last_ss = row["ss"] or last_ss
        if happens(random, odd_share):
            row |= _odd(random, _ODDITIES[odd % len(_ODDITIES)])
            odd += 1
        yield row
        row_id += 1


def oddity(row: Mapping[str, Any]) -> str:
    """Name why a row is meant to be quarantined; empty when it is not."""
    if row["sex"] not in KNOWN_SEXES:
        return "sex"
    died = str(row["deceased_date"])[:19]
    if died in _IN_GAP:
        return "died_in_dst_gap"
    return "died_in_dst_overlap" if died in _IN_OVERLAP else ""


def happens(random: Random, share: float) -> bool:
    """Throw the dice: true in this share of all throws."""
    return random.random() < share


def phone(random: Random) -> str:
    """Make up a telephone number, spelt as people spell them."""
    area, line = random.randint(201, 989), random.randint(100, 199)
    spelling = random.choice(("({}) 555-0{}", "{}-555-0{}", "{}5550{}", ""))
    return spelling.format(area, line)


def address(random: Random) -> Row:
    """Make up an address; a few are 230 characters long or spell the state out."""
    city, state, postal_code = random.choice(names.TOWNS)
    street = f"{random.randint(1, 9999)} {random.choice(names.STREETS)}"
    return {
        "street": (_LONG_STREET * 4 + street)[:230] if happens(random, 0.005) else street,
        "street_line_2": random.choice((None, None, "", "Apt 4B")),
        "city": city + "  " * (happens(random, 0.02)),
        "state": "California" if state == "CA" and happens(random, 0.2) else state,
        "postal_code": postal_code if happens(random, 0.97) else "",
        "country_code": random.choice(("", "", "", "US", "USA")),
    }


def death(random: Random) -> Row:
    """Make up a death, at a local time that was exactly once."""
    day = dt.date(2020, 1, 1) + dt.timedelta(days=random.randrange(1800))
    at = f"{day} {random.randint(4, 23):02}:{random.randint(0, 59):02}:00"
    return {"deceased_date": at, "deceased_reason": random.choice(("", "natural causes"))}


def _person(random: Random, row_id: int) -> Row:
    male = happens(random, 0.49)
    born = dt.date(1925, 1, 1) + dt.timedelta(days=random.randrange(34_000))
    pid = row_id if happens(random, 0.5) else FIRST_MOVED_PID + row_id
    alive: Row = {"deceased_date": None, "deceased_reason": ""}
    return {
        "id": row_id,
        "uuid": random.randbytes(16) if happens(random, 0.5) else None,
        "pid": pid,
        "pubpid": random.choice((str(pid), f"MRN-{row_id:06}")),
        "DOB": None if happens(random, 0.015) else born.isoformat(),
        **_name(random, male=male),
        **_demographics(random, male=male),
        **address(random),
        **_contact(random),
        **_bookkeeping(random),
        **(death(random) if happens(random, 0.03) else alive),
    }


def _name(random: Random, *, male: bool) -> Row:
    given = names.GIVEN_MALE if male else names.GIVEN_FEMALE
    first, family = random.choice(given), random.choice(names.FAMILY)
    shout = happens(random, 0.03)
    return {
        "fname": first.upper() if shout else first,
        "mname": random.choice(("", "", "", random.choice(given), random.choice("ABCDEJKLMR"))),
        "lname": (family.upper() if shout else family) + " " * (happens(random, 0.02)),
        "suffix": random.choice((None, None, None, "", "Jr.", "III")) if male else None,
        "preferred_name": first[:3] if happens(random, 0.05) else None,
        "mothersname": random.choice(("", "", random.choice(names.GIVEN_FEMALE))),
    }


def _demographics(random: Random, *, male: bool) -> Row:
    sex, title = ("Male", "Mr.") if male else ("Female", random.choice(("Ms.", "Mrs.")))
    if happens(random, 0.02):
        title = "Mrs." if male else "Mr."  # contradicts the sex
    if happens(random, 0.035):
        sex = random.choice(("", "", "", "", "", "", "UNK"))
    return {
        "sex": sex,
        "title": random.choice(("", title)),
        # A marital status in old rows, a record status in new ones.
        "status": "active" if happens(random, 0.45) else random.choice(names.STATUSES),
        "language": random.choice(names.LANGUAGES),
        "race": random.choice(names.RACES),
        "ethnicity": random.choice(names.ETHNICITIES),
        "occupation": random.choice(names.OCCUPATIONS),
        "ss": _social_security(random),
    }


def _social_security(random: Random) -> str:
    # Area numbers from 900 on were never given to anybody.
    parts = random.randint(900, 999), random.randint(1, 99), random.randint(1, 9999)
    spelling = random.choice(("{:03}-{:02}-{:04}", "{:03}-{:02}-{:04}", "{:03}{:02}{:04}", "", ""))
    return spelling.format(*parts)


def _contact(random: Random) -> Row:
    mail = f"patient{random.randrange(10**6)}@example.org"
    return {
        "phone_home": phone(random),
        "phone_biz": phone(random) if happens(random, 0.2) else "",
        "phone_cell": phone(random),
        "email": mail if happens(random, 0.6) else "",
        "hipaa_allowsms": random.choice(("NO", "YES", "")),
        "hipaa_allowemail": random.choice(("NO", "YES", "")),
    }


def _bookkeeping(random: Random) -> Row:
    seen = f"{random.randint(2003, 2025)}-{random.randint(1, 12):02}-15 09:00:00"
    return {
        "providerID": _provider(random),
        "financial_review": ZERO_DATE if happens(random, 0.5) else None,
        "regdate": random.choice((None, seen)),
        "date": seen,
        "last_updated": seen,
    }


def _provider(random: Random) -> int | None:
    if happens(random, 0.3):
        return random.choice((None, 0))
    return random.choice(GONE_USERS if happens(random, 0.03) else USER_IDS)


def _odd(random: Random, kind: str) -> Row:
    if kind == "sex":
        return {"sex": random.choice(_ODD_SEXES)}
    times = _IN_GAP if kind == "died_in_dst_gap" else _IN_OVERLAP
    return {"deceased_date": random.choice(times)}
