"""Digests of mapped records as lines of JSON, and their comparison with an earlier file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from medplum_migration.cli.session import Session
from medplum_migration.domain.errors import ConfigurationError
from medplum_migration.domain.identity import keyed_hash
from medplum_migration.mapping.mapping import Mapping
from medplum_migration.runtime.secrets import hash_key
from medplum_migration.verification import blast_radius
from medplum_migration.verification.blast_radius import Seen, Touched
from medplum_migration.verification.reading import records

_HEAD = "register digests"


def digest_lines(session: Session, mappings: Sequence[Mapping[Any]]) -> Iterator[str]:
    """Map all records; the first line tells with which secret they are hashed."""
    yield json.dumps({"hash_key": _mark(session)})
    for mapping in mappings:
        for one in _seen(session, mapping):
            yield json.dumps({"element": mapping.element, **one._asdict()})


def compare_records(
    session: Session, mappings: Sequence[Mapping[Any]], path: Path
) -> Iterator[tuple[str, dict[Touched, int]]]:
    """Map all records of the elements in a file again, and count them by what became of them.

    The file is read once per element: memory holds the lines of one.

    Raises:
        ConfigurationError: the file is none of `digest_lines`, or hashed with another secret.

    """
    told = {element for element, _ in _lines(session, path)}
    for mapping in (mapping for mapping in mappings if mapping.element in told):
        lines = _lines(session, path)
        before = {one.record: one for name, one in lines if name == mapping.element}
        counted = blast_radius.count(blast_radius.touched(before, _seen(session, mapping)))
        yield mapping.element, {what: counted[what] for what in Touched}


def _seen(session: Session, mapping: Mapping[Any]) -> Iterator[Seen]:
    wired = session.wired
    size = wired.settings.page_size
    read = records(wired.legacy, mapping.element, page_size=size)
    return blast_radius.seen(mapping, read, hash_key(wired.settings))


def _lines(session: Session, path: Path) -> Iterator[tuple[str, Seen]]:
    try:
        with path.open() as file:
            head = json.loads(next(file, "{}"))
            if head != {"hash_key": _mark(session)}:
                reason = (
                    "the file was not written with this HASH_KEY; `register digests` writes one"
                )
                raise ConfigurationError(reason, file=str(path))
            for line in file:
                told = json.loads(line)
                yield told["element"], Seen(told["record"], told["version"], told["content"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = "cannot read the digests of records"
        raise ConfigurationError(reason, file=str(path), error=type(error).__name__) from None


def _mark(session: Session) -> str:
    return keyed_hash(hash_key(session.wired.settings), _HEAD)
