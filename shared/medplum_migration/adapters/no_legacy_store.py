"""Port `LegacyStore` where no read may happen: events bring images, versioned by log positions."""

from collections.abc import Sequence
from typing import NoReturn

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import ConfigurationError


class NoLegacyStore:
    """Refuses every read: its versions would be of another scale (docs/adr/0004)."""

    def read(self, element: str, keys: Sequence[str]) -> list[LegacyRecord]:
        """Refuse, unless no key is asked for."""
        return _refuse(element) if keys else []

    def page(
        self, element: str, *, after: str | None, upto: str | None, limit: int
    ) -> list[LegacyRecord]:
        """Refuse."""
        del after, upto, limit
        _refuse(element)

    def boundary(self, element: str, *, after: str | None, size: int) -> tuple[str, int] | None:
        """Refuse."""
        del after, size
        _refuse(element)

    def deletions(
        self, element: str, *, after: str | None, limit: int
    ) -> tuple[list[LegacyRecord], str | None]:
        """Refuse."""
        del after, limit
        _refuse(element)

    def count(self, element: str) -> int:
        """Refuse."""
        _refuse(element)

    def captures(self, element: str) -> bool:
        """Refuse."""
        _refuse(element)

    def columns(self, element: str) -> frozenset[str]:
        """Refuse."""
        _refuse(element)


def _refuse(element: str) -> NoReturn:
    reason = "with EVENT_IMAGES=use nothing is read from the legacy store"
    raise ConfigurationError(reason, element=element)
