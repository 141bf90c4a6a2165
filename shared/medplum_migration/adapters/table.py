"""A table of JSON documents under two keys: the seam on which the bookkeeping ports stand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Body: TypeAlias = dict[str, Any]
Order: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Item:
    """A document; `order` only grows: (revision, 0) under `put`, any pair under `put_if_newer`."""

    pk: str
    sk: str
    body: Body
    order: Order = (0, 0)

    @property
    def revision(self) -> int:
        """How often `put` has stored it."""
        return self.order[0]


class Table(Protocol):
    """Strongly consistent; each operation on one item is atomic and one round trip.

    `put` and `put_if_newer` are not mixed on one item. Keys are non-empty text and sort by code
    point. All methods raise `UnavailableError` when the table does not answer.
    """

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one item."""

    def put(self, pk: str, sk: str, body: Body, *, expected_revision: int) -> Item:
        """Store a document over the revision that was read, or over nothing when that is 0.

        Returns the item with its new revision.

        Raises:
            ConflictError: the stored revision is another one; nothing is changed.

        """

    def put_if_newer(self, items: Sequence[Item]) -> list[Item | None]:
        """Store items whose order is not below the stored one; each is atomic on its own.

        Returns, for each, the item that stood there before: it is replaced unless its order is
        higher. None when there was none.
        """

    def delete(self, pk: str, sk: str, *, expected_revision: int) -> None:
        """Remove the item at the revision that was read.

        Raises:
            ConflictError: the stored revision is another one, or the item is gone.

        """

    def query(self, pk: str, *, sk_prefix: str = "") -> Iterator[Item]:
        """Read the items of one partition by `sk`, page by page."""

    def scan(self, *, pk_prefix: str) -> Iterator[Item]:
        """Read all items of all partitions whose `pk` starts so, in no order; reads it all."""
