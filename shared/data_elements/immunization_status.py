"""What became of an immunization in OpenEMR: done or not, why not, and who says so."""

from typing import Any

from data_elements.clinic import LEGACY
from data_elements.options import Options
from medplum_migration.mapping.field import Pair, refuse

COMPLETION = f"{LEGACY}/Immunization_Completion_Status"
_NEW = "new_immunization_record"

REFUSAL = Options.packaged(
    "data_elements",
    "codes/immunization_refusal.csv",
    local=f"{LEGACY}/immunization_refusal_reason",
)
SOURCE = Options.packaged(
    "data_elements",
    "codes/immunization_source.csv",
    local=f"{LEGACY}/immunization_informationsource",
)

_DONE = {"Completed": "completed", "Partially_Administered": "completed"}
_NOT_DONE = {"Refused": "Refused", "Not_Administered": "Not Administered"}


def _status(
    erroneous: bool | None,  # noqa: FBT001 because it is a column's value
    completion: str | None,
    refusal: str | None,
) -> tuple[str | None, dict[str, Any] | None, bool | None]:
    """Give status, why it was not done, and whether only a part of the dose was given."""
    if completion is None and not erroneous:
        return None, None, None
    if completion not in (None, *_DONE, *_NOT_DONE):
        refuse("no completion status that is known", column="completion_status")
    if refusal is not None and completion not in _NOT_DONE:
        refuse("a reason to refuse what was not refused", column="refusal_reason")
    status = _DONE.get(str(completion), "not-done")
    part = True if completion == "Partially_Administered" else None
    reason = _refusal(str(completion), refusal) if completion in _NOT_DONE else None
    return "entered-in-error" if erroneous else status, reason, part


def _refusal(completion: str, refusal: str | None) -> dict[str, Any]:
    """Give the reason, with the completion status, which tells a refusal from other reasons."""
    own = {"system": COMPLETION, "code": completion, "display": _NOT_DONE[completion]}
    if refusal is None:
        return {"coding": [own], "text": _NOT_DONE[completion]}
    known = REFUSAL.forward.get(refusal)
    if known is None:
        refuse("no reason in the code table", column="refusal_reason")
    return {"coding": [*REFUSAL.codings(known), own], "text": known.display}


def _status_back(
    status: object,
    reason: dict[str, Any] | None,
    part: bool | None,  # noqa: FBT001 because it is the value at a path
) -> tuple[bool, str, str | None]:
    erroneous = status == "entered-in-error"
    if reason is None:
        if status not in ("completed", "entered-in-error"):
            refuse("not done, and no local code that says refused or not administered")
        return erroneous, "Partially_Administered" if part else "Completed", None
    held = reason.get("coding", [])
    own = [coding.get("code") for coding in held if coding.get("system") == COMPLETION]
    rest = [coding for coding in held if coding.get("system") != COMPLETION]
    if part or status == "completed" or len(own) != 1 or own[0] not in _NOT_DONE:
        refuse("a reason that the columns cannot hold")
    return erroneous, own[0], REFUSAL.chosen(rest) if rest else None


def _source(source: str) -> tuple[bool, dict[str, Any] | None]:
    if source == _NEW:
        return True, None
    if source not in SOURCE.forward:
        refuse("no source in the code table")
    return False, SOURCE.decode_option(source)


def _source_back(primary: object, origin: dict[str, Any] | None) -> str:
    if origin is None and primary is True:
        return _NEW
    if origin is None or primary is not False or not origin.get("coding"):
        refuse("neither a new record nor a known origin")
    return SOURCE.encode_option(origin)


STATUS = Pair(_status, _status_back)
"""Error flag, completion status and reason of refusal to status, its reason and `isSubpotent`."""

PRIMARY_SOURCE = Pair(_source, _source_back)
"""Source of the information to `primarySource` and `reportOrigin`."""
