"""Exit codes and the next step for each kind of failure; `docs/cli/README.md` lists them."""

from medplum_migration.domain.errors import (
    ConfigurationError,
    ConflictError,
    IdentityError,
    InvalidResourceError,
    MappingError,
    MigrationError,
    RefusedError,
    ThrottledError,
    TransientError,
)

EXIT_FOUND = 1
EXIT_CONFIGURATION = 3
EXIT_UNAVAILABLE = 4
EXIT_REFUSED = 5
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

_PLACES = {"CONTROL_TABLE", "MANIFEST_TABLE", "EVENTS_QUEUE_URL", "CHUNKS_QUEUE_URL"}
_STEPS: dict[type[MigrationError], str] = {
    ConflictError: "Somebody else changed it just now: look at `status`, then run it again.",
    ThrottledError: "Wait for the quota to return, then run it again.",
    TransientError: "Check that it is up and can be reached from here, then run it again.",
    MappingError: "Mend the row or the mapping; try it with `map`.",
    InvalidResourceError: "Mend the row or the mapping; try it with `map`.",
    RefusedError: "Medplum's answer will not change: mend the row or the mapping.",
    IdentityError: "Find out which resource is right; nothing is overwritten by itself.",
}


def exit_code(error: MigrationError) -> int:
    """Tell a shell who acts next."""
    if isinstance(error, ConfigurationError):
        return EXIT_CONFIGURATION
    if isinstance(error, TransientError):
        return EXIT_UNAVAILABLE
    return EXIT_REFUSED


def next_step(error: MigrationError) -> str:
    """Tell a person what to do; empty when the reason says it already."""
    fields = error.fields
    if fields.get("variable") in _PLACES:
        return "Choose a place: --stack NAME or --local FILE."
    names = fields.get("variable") or fields.get("variables")
    if names:
        return f"Set {names}; docs/settings.md explains it."
    if "known" in fields:
        return f"Choose one of: {fields['known']}."
    return next((step for kind, step in _STEPS.items() if isinstance(error, kind)), "")
