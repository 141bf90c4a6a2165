"""Run `medplum-migrate` in this process, through its real entry point."""

import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from medplum_migration.cli.main import main


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed; `both` as a terminal shows it."""

    code: int
    out: str
    err: str
    both: str = ""

    @property
    def json(self) -> Any:
        """Standard output, as a program reads it."""
        return json.loads(self.out)


class _Copied(io.StringIO):
    """A stream that writes to another one as well."""

    def __init__(self, copy: io.StringIO) -> None:
        super().__init__()
        self._copy = copy

    def write(self, text: str, /) -> int:
        """Write twice."""
        self._copy.write(text)
        return super().write(text)


def run(*arguments: str, stdin: str = "") -> Done:
    """Run a command with these arguments."""
    return run_line(arguments, stdin=stdin)


def run_line(arguments: Sequence[str], *, stdin: str = "") -> Done:
    """Run a command with a list of arguments."""
    both = io.StringIO()
    out, err, code = _Copied(both), _Copied(both), 0
    with (
        patch.object(sys, "argv", ["medplum-migrate", *arguments]),
        patch.object(sys, "stdin", io.StringIO(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue(), both.getvalue())
