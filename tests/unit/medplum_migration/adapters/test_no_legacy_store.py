"""Where events bring images, no read of the legacy store may bring a version of another scale."""

from collections.abc import Callable

import pytest

from medplum_migration.adapters.no_legacy_store import NoLegacyStore
from medplum_migration.domain.errors import ConfigurationError

STORE = NoLegacyStore()


@pytest.mark.parametrize(
    "question",
    [
        lambda: STORE.read("people", ["1"]),
        lambda: STORE.page("people", after=None, upto=None, limit=1),
        lambda: STORE.boundary("people", after=None, size=1),
        lambda: STORE.deletions("people", after=None, limit=1),
        lambda: STORE.count("people"),
        lambda: STORE.captures("people"),
        lambda: STORE.columns("people"),
    ],
)
def test_every_read_is_refused(question: Callable[[], object]) -> None:
    """A backfill, a thin event and a hint end as a configuration error that names the setting."""
    with pytest.raises(ConfigurationError, match="EVENT_IMAGES=use"):
        question()
