"""Errors that say who acts next: the queue (transient) or a person (permanent).

MigrationError
├── TransientError          the queue retries
│   ├── VersionBehindError  the legacy read is older than the event
│   ├── UnavailableError    a store did not answer, or answered that it cannot
│   │   └── UnansweredError a write may or may not be stored
│   ├── ThrottledError      a quota is used up; carries the seconds to wait
│   └── ConflictError       another worker won a compare-and-set
└── PermanentError          quarantine; a person acts
    ├── MappingError        a record cannot be mapped
    ├── InvalidResourceError a mapped resource is not valid FHIR
    ├── RefusedError        Medplum refused the resource
    ├── MissingParentError  a reference leads to a record that Medplum does not hold
    │   └── OrphanError     a reference leads to a record that does not exist
    ├── IdentityError       an identifier has several resources, or a foreign one
    ├── EventError          an event or task cannot be read
    └── ConfigurationError  a setting is missing or wrong

Fields, not prose, and never a value of a record: a message may reach a log.
"""


class MigrationError(Exception):
    """Base of all errors raised on purpose; `fields` is safe to log."""

    def __init__(self, reason: str, /, **fields: str | float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fields = fields

    @property
    def code(self) -> str:
        """Stable name for metrics, manifest and quarantine: the class name without `Error`."""
        return type(self).__name__.removesuffix("Error")

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{self.reason} ({details})" if details else self.reason


class TransientError(MigrationError):
    """Nothing is wrong with the record: the queue delivers it again."""


class VersionBehindError(TransientError):
    """The legacy store answered with a version lower than the event's: a replica lags."""


class UnavailableError(TransientError):
    """A store or service did not answer in time, or said that it cannot."""


class UnansweredError(UnavailableError):
    """The server could be searched, but a write's outcome is unknown."""


class ThrottledError(TransientError):
    """A quota is used up; `retry_after_s` seconds remain in its window."""

    def __init__(self, reason: str, /, *, retry_after_s: float) -> None:
        super().__init__(reason, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class ConflictError(TransientError):
    """Another worker won a compare-and-set."""


class PermanentError(MigrationError):
    """Trying again changes nothing: quarantine, and a person acts."""


class MappingError(PermanentError):
    """A record cannot be mapped; `path` is the legacy column or the FHIR path."""

    def __init__(self, *, element: str, path: str, reason: str) -> None:
        super().__init__(reason, element=element, path=path)
        self.path = path


class InvalidResourceError(PermanentError):
    """A resource is not valid FHIR; `path` is the FHIR path, `reason` never quotes the value."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(reason, path=path)
        self.path = path


class RefusedError(PermanentError):
    """Medplum refused a resource for what it contains."""

    def __init__(self, reason: str, /, *, status: int, path: str = "") -> None:
        super().__init__(reason, status=status, path=path)
        self.path = path


class IdentityError(PermanentError):
    """An identifier leads to several resources, or to one that is not ours."""


class MissingParentError(PermanentError):
    """A reference leads to a record that is not in Medplum; once it is, the child is tried again.

    `parent` is its element and key; the key is not among the fields, for it may be an MRN.
    """

    def __init__(
        self, *, parent: tuple[str, str], path: str, reason: str = "the parent is not in Medplum"
    ) -> None:
        super().__init__(reason, parent=parent[0], path=path)
        self.parent, self.path = parent, path


class OrphanError(MissingParentError):
    """A reference leads to a record that the legacy store does not have, and never captured."""

    def __init__(self, *, parent: tuple[str, str], path: str) -> None:
        super().__init__(parent=parent, path=path, reason="the parent does not exist")


class EventError(PermanentError):
    """A change event or a task cannot be read."""


class ConfigurationError(PermanentError):
    """A setting, a command's argument or a declaration is missing or wrong."""
