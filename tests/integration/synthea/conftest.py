"""Synthea's files and bundles; tests that need them are skipped where they are not.

They are treated as patient data: assertions compare in memory and say what differs, never how.
"""

from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from examples.synthea.elements import MAPPINGS
from examples.synthea.legacy_store import open_store
from examples.synthea.load import load
from medplum_migration.adapters.legacy_sql import SqlLegacyStore
from medplum_migration.domain.data_element import Resource
from medplum_migration.mapping.mapping import Quarantine
from sandbox.aws.tools import ROOT
from tests.required import absent

Mapped: TypeAlias = dict[str, list[tuple[str, Resource]]]
"""Legacy key and resource, by element."""

_FOLDER = ROOT.parent / "shared/legacy/synthea11"
_MANY = 10_000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report failures of this folder without arguments of functions, which hold rows."""
    report = yield
    if report.failed and call.excinfo is not None:
        report.longrepr = item._repr_failure_py(call.excinfo, style="short")  # noqa: SLF001 because the style is one for all tests
    return report


@pytest.fixture(scope="session")
def synthea() -> Path:
    """Find the folder of the data."""
    if not _FOLDER.is_dir():
        absent("Synthea's files are not there")
    return _FOLDER


@pytest.fixture(scope="session")
def imported(synthea: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import all files once."""
    path = tmp_path_factory.mktemp("synthea") / "synthea.db"
    load(synthea / "csv", path)
    return path


@pytest.fixture(scope="session")
def store(imported: Path) -> Iterator[SqlLegacyStore]:
    """Open the legacy store over them."""
    opened = open_store(f"sqlite:///{imported}")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def rows(store: SqlLegacyStore) -> dict[str, dict[str, dict[str, Any]]]:
    """Read every row by element and key."""
    return {
        mapping.element: {
            record.key: dict(record.row or {})
            for record in store.page(mapping.element, after=None, upto=None, limit=_MANY)
        }
        for mapping in MAPPINGS
    }


@pytest.fixture(scope="session")
def mapped(rows: dict[str, dict[str, dict[str, Any]]]) -> Mapped:
    """Map every row; none may be quarantined."""
    found: Mapped = defaultdict(list)
    for mapping in MAPPINGS:
        for key, row in rows[mapping.element].items():
            made = mapping.to_fhir(row)
            assert not isinstance(made, Quarantine), f"{mapping.element}: {made.column}: {made.why}"
            found[mapping.element] += [(key, resource) for resource in made]
    return found
