"""No exception carries a record's values out of a function: Lambda logs whatever reaches it."""

import functools
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import ParamSpec, TypeVar

from medplum_migration.domain.errors import MigrationError

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class UnexpectedError(Exception):
    """A bug of ours: the type of the exception and where it was raised, and nothing else."""


def contained(handler: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Replace exceptions that were not raised on purpose, whose text may quote a record."""

    @functools.wraps(handler)
    def guarded(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        try:
            return handler(*arguments, **named)
        except MigrationError as error:
            raise error.with_traceback(None) from None
        except Exception as error:  # noqa: BLE001 because any exception may quote a record
            raise UnexpectedError(describe(error)) from None

    return guarded


def describe(error: Exception) -> str:
    """Name an exception's type and the lines that led to it, innermost last."""
    frames = extract_tb(error.__traceback__)[-4:]
    where = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {where}"
