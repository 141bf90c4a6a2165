"""Who a record is on both sides: legacy key, FHIR identifier, fence, and a keyed hash to log."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Self

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_SAFE_VALUE = re.compile(r"[A-Za-z0-9._~-]{1,1024}")
_FENCE = re.compile(
    r"urn:legacy:(?P<source>[a-z0-9-]+):(?P<element>[a-z][a-z0-9_]*):(?P<key>[A-Za-z0-9._~-]+)"
    r"#v=(?P<version>\d{1,19})&m=(?P<mapping_version>\d{1,9})",
    re.ASCII,
)


def encode_key(legacy_key: str) -> str:
    """Spell a legacy key in the alphabet `[A-Za-z0-9._~-]`; different keys stay different.

    Bytes outside `[A-Za-z0-9._-]` become `~` and two hex digits, so that commas, bars, blanks and
    letters outside ASCII survive a FHIR token search unharmed.
    """
    return _UNSAFE.sub(lambda m: "".join(f"~{b:02x}" for b in m[0].encode()), legacy_key)


def decode_key(value: str) -> str:
    """Undo `encode_key`."""
    raw = re.sub(rb"~([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), value.encode("ascii"))
    return raw.decode()


def is_safe_value(value: str) -> bool:
    """Tell whether an identifier value stays inside the alphabet that conditional URLs survive."""
    return _SAFE_VALUE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """A FHIR business identifier (https://hl7.org/fhir/R4/datatypes.html#Identifier)."""

    system: str
    value: str

    def token(self) -> str:
        r"""Render as a search token `system|value` with `\`, `,`, `$` and `|` escaped."""
        return "|".join(re.sub(r"([\\,$|])", r"\\\1", part) for part in (self.system, self.value))


@dataclass(frozen=True, slots=True)
class Fence:
    """What a resource's `meta.source` says: which record, at which version, by which mapping.

    The pair (version, mapping version) only ever grows in a resource; a write that would lower it
    is superseded.
    """

    source: str
    element: str
    key: str
    version: int
    mapping_version: int

    @property
    def order(self) -> tuple[int, int]:
        """The part that is compared."""
        return self.version, self.mapping_version

    @property
    def record(self) -> tuple[str, str, str]:
        """The part that names the record."""
        return self.source, self.element, self.key

    def uri(self) -> str:
        """Render for `meta.source`."""
        record = f"urn:legacy:{self.source}:{self.element}:{encode_key(self.key)}"
        return f"{record}#v={self.version}&m={self.mapping_version}"

    @classmethod
    def parse(cls, uri: object) -> Self | None:
        """Read `meta.source`; None when it is absent or somebody else's."""
        found = _FENCE.fullmatch(uri) if isinstance(uri, str) else None
        try:
            key = decode_key(found["key"]) if found else ""
        except UnicodeDecodeError:
            return None
        if found is None:
            return None
        return cls(
            source=found["source"],
            element=found["element"],
            key=key,
            version=int(found["version"]),
            mapping_version=int(found["mapping_version"]),
        )


def keyed_hash(secret: bytes, *parts: str) -> str:
    """Hash values so that they can be told apart but not guessed: HMAC-SHA256, 32 hex digits."""
    return hmac.new(secret, "\x00".join(parts).encode(), hashlib.sha256).hexdigest()[:32]
