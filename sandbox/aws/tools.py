"""Finds the AWS tools, each of which lives in an environment of its own under `.tools`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ToolMissingError(Exception):
    """A tool environment has not been made yet."""

    def __init__(self, program: Path) -> None:
        super().__init__(f"{program.relative_to(ROOT)} is missing; run `make tools`")


def tool(environment: str, program: str) -> Path:
    """Return the path of a program in one of the tool environments.

    Raises:
        ToolMissingError: `make tools` has not been run.
    """
    path = ROOT / ".tools" / environment / "bin" / program
    if not path.exists():
        raise ToolMissingError(path)
    return path
