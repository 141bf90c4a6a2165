"""Parts: several resources from one record, and what each of them is made of."""

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from typing import Any

from medplum_migration.domain.data_element import Resource
from medplum_migration.fhir.tombstones import Tombstone
from medplum_migration.mapping import path
from medplum_migration.mapping.build import Builder
from medplum_migration.mapping.field import Constant, Field
from medplum_migration.mapping.path import Steps

TAG_SYSTEM = "https://medplum-migration.example/CodeSystem/migration"
DELETED = "deleted-in-source"
TAG = f"meta.tag[system={TAG_SYSTEM},code={DELETED}]"


class Part:
    """One of the resources that a record gives, while one of its own fields says something.

    It has the mapping's fields besides its own, and an identifier in the system
    `<mapping's system>/<name>`. `resource` is its type, the mapping's by default; `deleted` and
    `owns` are as in `Mapping`.
    """

    def __init__(
        self,
        name: str,
        *fields: Field | Constant,
        resource: str = "",
        deleted: Dict[str, Any] | None = None,
        owns: tuple[str, ...] = (),
    ) -> None:
        self.name, self.fields, self.resource = name, fields, resource
        self.deleted, self.owns = deleted, owns


@dataclass(frozen=True, slots=True)
class Owned:
    """A path that the mapping owns, and the elements that exclude its root element."""

    path: str
    steps: Steps
    rivals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shape:
    """One resource of a record, compiled; `key` maps the record's key to its identifier."""

    name: str
    resource: str
    system: str
    key: Field
    fields: tuple[Field, ...]
    constants: tuple[Constant, ...]
    owned: tuple[Owned, ...]
    grave: Tombstone
    builder: Builder

    def tombstone(self, key: str) -> Resource:
        """Say that the record is deleted; `key` is the identifier's value."""
        resource: Resource = {"resourceType": self.resource}
        path.write(resource, self.key.steps[0], key)
        resource |= path.copy(self.grave.needs)
        for text, value in self.grave.says.items():
            path.write(resource, path.parse(text), path.copy(value))
        resource["meta"] = {"tag": [{"system": TAG_SYSTEM, "code": DELETED}]}
        return resource


def is_tombstone(resource: Resource) -> bool:
    """Tell whether a resource is tagged as deleted in the source."""
    tags = resource.get("meta", {}).get("tag", ())
    return any(tag.get("system") == TAG_SYSTEM and tag.get("code") == DELETED for tag in tags)
