"""The manifest: one entry per source record, as cache and evidence; never the truth."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from medplum_migration.domain.checkpoint import Disposition


class ResourceRef(BaseModel):
    """Where a record went: resource type, server-assigned id, version id as last seen."""

    model_config = ConfigDict(frozen=True)

    resource_type: str
    resource_id: str
    version_id: str


class ManifestEntry(BaseModel):
    """What is known of one source record; holds no value of it.

    `content_hash` is a keyed hash of the resources as sent. `error` is an error's `code`.
    """

    model_config = ConfigDict(frozen=True)

    element: str
    key: str
    version: int
    mapping_version: int
    disposition: Disposition
    deleted: bool = False
    resources: tuple[ResourceRef, ...] = ()
    content_hash: str = ""
    error: str = ""
    recorded_at: float

    @property
    def applied(self) -> tuple[int, int]:
        """The version and mapping version that the entry is about."""
        return self.version, self.mapping_version

    @property
    def order(self) -> tuple[int, int]:
        """What makes one entry replace another.

        At equal versions evidence of a write outranks a look that found the version there, and
        that outranks a failure: whoever failed, the version is in Medplum.
        """
        succeeded = self.disposition is Disposition.SUCCESSFUL
        rank = 2 if succeeded and self.content_hash else int(succeeded)
        return self.version, 3 * self.mapping_version + rank


class Manifest(Protocol):
    """Monotone by (version, mapping version): an older entry never replaces a newer one.

    All methods raise `UnavailableError` when the store does not answer.
    """

    def record(self, entries: Sequence[ManifestEntry]) -> list[ManifestEntry | None]:
        """Store entries; return, for each, the entry that stood there before.

        An entry whose `order` is lower than the stored one's is dropped, and the stored one is
        returned; an equal one replaces it.
        """

    def get(self, element: str, key: str) -> ManifestEntry | None:
        """Read one entry, strongly."""

    def entries(self, element: str) -> Iterator[ManifestEntry]:
        """Read all entries of an element, in no order; a scan, for reports."""
