"""Import discipline: loading a handler loads no library that only some functions need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
HANDLERS = sorted((ROOT / "functions").glob("*/app.py"))
# Not avoidable: Powertools' user agent imports `botocore` (two milliseconds, no submodule), and its
# tracer `aws_xray_sdk`. Outside Lambda the SDK's sampler imports botocore's client on top; inside
# it does not, which the case `lambda` holds.
HEAVY = ("boto3", "fhir.resources", "httpx", "sqlalchemy", "hypothesis")
LOAD = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("app", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
assert callable(module.handler)
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


@pytest.mark.parametrize("where", ["laptop", "lambda"])
@pytest.mark.parametrize("handler", HANDLERS, ids=lambda path: str(path.parent.name))
def test_a_handler_loads_nothing_heavy(handler: Path, where: str) -> None:
    """A cold start pays for a library in the first call that needs it; on Lambda tracing is on."""
    heavy = [*HEAVY, "botocore.client"] if where == "lambda" else HEAVY
    environment = {"PATH": os.environ["PATH"], "POWERTOOLS_SERVICE_NAME": "service"}
    if where == "lambda":
        environment |= {"LAMBDA_TASK_ROOT": "/var/task", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR"}
    done = subprocess.run(  # noqa: S603 because the program is our own
        [sys.executable, "-c", LOAD, str(handler), *heavy],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert [] == json.loads(done.stdout)
