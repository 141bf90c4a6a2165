"""The legacy store: records with their versions, by key and in key order."""

from collections.abc import Sequence
from typing import Protocol

from medplum_migration.domain.data_element import LegacyRecord


class LegacyStore(Protocol):
    """Reads of the legacy store; each call sees one consistent snapshot of rows and versions.

    Keys travel as text and are compared as the key column compares. All methods raise
    `UnavailableError` when the store does not answer.
    """

    def read(self, element: str, keys: Sequence[str]) -> list[LegacyRecord]:
        """Read records by key, strongly, in the order asked for.

        A key without a row comes back with `row=None` and the version of its deletion, or 0 when
        it was never captured.
        """

    def page(
        self, element: str, *, after: str | None, upto: str | None, limit: int
    ) -> list[LegacyRecord]:
        """Read up to `limit` existing records with keys in (`after`, `upto`], in key order."""

    def boundary(self, element: str, *, after: str | None, size: int) -> tuple[str, int] | None:
        """Find the key of the `size`-th record after `after`, or the last one if there are fewer.

        Returns that key and the number of records up to it; None when no record follows.
        """

    def deletions(
        self, element: str, *, after: str | None, limit: int
    ) -> tuple[list[LegacyRecord], str | None]:
        """Read records that capture saw deleted and that do not exist, `limit` deletions a page.

        Returns them, and the cursor to pass as `after`; None when there are no more deletions.
        A page may be empty although a cursor follows: its records have been inserted again.
        """

    def count(self, element: str) -> int:
        """Count the records that exist."""

    def captures(self, element: str) -> bool:
        """Tell whether every change of the element's records is captured now."""

    def columns(self, element: str) -> frozenset[str]:
        """Name the columns that the element's table has now."""
