"""Containment: what leaves a function never quotes a record."""

import traceback

import pytest

from medplum_migration.domain.errors import UnavailableError
from medplum_migration.runtime.containment import UnexpectedError, contained

VALUE = "Jane Doe"


@contained
def failing(value: str) -> int:
    """Fail as careless code does."""
    try:
        return int(value)
    except ValueError as error:
        raise KeyError(value) from error


def test_an_unexpected_exception_loses_its_text() -> None:
    """Type and place are told; the value is in no part of the traceback."""
    with pytest.raises(UnexpectedError, match=r"KeyError at .*test_containment\.py:") as caught:
        failing(VALUE)

    assert VALUE not in "".join(traceback.format_exception(caught.value))


def test_an_error_on_purpose_passes() -> None:
    """Our own errors are safe, and say who acts next; what led to them is cut off."""

    @contained
    def refusing() -> None:
        try:
            int(VALUE)
        except ValueError as error:
            reason = "down"
            raise UnavailableError(reason) from error

    with pytest.raises(UnavailableError) as caught:
        refusing()

    assert VALUE not in "".join(traceback.format_exception(caught.value))


def test_an_answer_passes() -> None:
    """A handler that does not fail is left alone."""
    assert 3 == contained(lambda: 3)()
