"""A name added to `MAPPINGS`, wherever its author put the parentheses."""

from pathlib import Path

import pytest

from medplum_migration.cli.registration import registered

AIDS = "from own.aids import aids\n"
BEDS = "from own.beds import beds\n"
WARDS = "from own.wards import wards\n"
Z = "from z import Z\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("MAPPINGS = ()\n", f"{BEDS}MAPPINGS = (beds,)\n"),
        (f"{AIDS}{Z}\nMAPPINGS: Z = (aids,)\n", f"{AIDS}{BEDS}{Z}\nMAPPINGS: Z = (aids, beds)\n"),
        (
            f"{WARDS}MAPPINGS = (\n    *(wards,),\n    wards,\n)\n",
            f"{BEDS}{WARDS}MAPPINGS = (\n    *(wards,),\n    wards,\n    beds,\n)\n",
        ),
        ("MAPPINGS = (\n    wards\n    ,wards\n)\n", None),
        ("MAPPINGS = [wards]\n", None),
        ("MAPPINGS = (Wards(),)\n", None),
        ("OTHERS = (wards,)\n", None),
    ],
)
def test_a_plain_tuple_gets_the_name(before: str, after: str | None, tmp_path: Path) -> None:
    """With its import, in order; what is no tuple of names is left to a person."""
    listed = tmp_path / "__init__.py"
    listed.write_text(before)

    assert after == registered(listed, "own", "beds")


def test_a_package_without_a_list(tmp_path: Path) -> None:
    """Nothing to add to."""
    assert registered(tmp_path / "__init__.py", "own", "beds") is None
