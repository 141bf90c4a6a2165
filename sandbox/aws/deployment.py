"""Deploys the bundle to the emulator with the real `sam build` and `sam deploy`."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.aws.ministack import MiniStack
from sandbox.aws.tools import ROOT, tool

STACK = "medplum-migration"
# The emulator runs functions with its own Python, on this machine's processor.
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
BUILD = ROOT / ".aws-sam" / f"sandbox-{RUNTIME}-{ARCHITECTURE}"

# Plain HTTP, and nobody to collect traces.
_DEFAULTS = {
    "Runtime": RUNTIME,
    "Architecture": ARCHITECTURE,
    "RequireTls": "false",
    "TracingMode": "Disabled",
}
_INPUTS = ("template.yaml", "infra", "functions", "shared")
_BUCKET = "sandbox-artefacts"
_CONFIG = Path(__file__).with_name("samconfig.toml")


class DeploymentError(Exception):
    """`sam` failed; the message ends with what it printed last."""

    def __init__(self, verb: str, printed: str) -> None:
        super().__init__(f"sam {verb} failed:\n{printed[-4000:]}")


def build() -> Path:
    """Build layers and functions, unless nothing changed, and return the built template."""
    stamp = BUILD / "inputs.sha256"
    digest = _digest_of_inputs()
    template = BUILD / "out" / "template.yaml"
    if template.exists() and stamp.exists() and stamp.read_text() == digest:
        return template
    overrides = _overrides({"Runtime": RUNTIME, "Architecture": ARCHITECTURE})
    folders = ("--build-dir", str(BUILD / "out"), "--cache-dir", str(BUILD / "cache"))
    _sam("build", *folders, *overrides, environment=_build_environment())
    stamp.write_text(digest)
    return template


def deploy(stack: MiniStack, parameters: Mapping[str, str], *, name: str = STACK) -> dict[str, str]:
    """Build and deploy the bundle, and return the stack's outputs by name.

    Raises:
        DeploymentError: the build or the deployment failed.
    """
    template = build()
    stack.client("s3").create_bucket(Bucket=_BUCKET)
    _sam(
        "deploy",
        *("--template-file", str(template), "--stack-name", name, "--s3-bucket", _BUCKET),
        *_overrides({**_DEFAULTS, **parameters}),
        environment={**stack.environment(), "SAM_CLI_POLL_DELAY": "0.5"},
    )
    _restore_numbers(stack)
    _allow_batches(stack)
    described = stack.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def create_secret(stack: MiniStack, name: str, value: Mapping[str, str]) -> str:
    """Store a secret as JSON and return its ARN, which the stack's parameters ask for."""
    client = stack.client("secretsmanager")
    created = client.create_secret(Name=name, SecretString=json.dumps(dict(value)))
    return str(created["ARN"])


def _restore_numbers(stack: MiniStack) -> None:
    """Turn concurrency limits back into numbers.

    The emulator hands a template's number parameters on as strings, and its poller of queues
    fails on a string here.
    """
    client = stack.client("lambda")
    for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
        if "ScalingConfig" in mapping:  # boto3 has read the number out of the string
            client.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig=mapping["ScalingConfig"]
            )


def _allow_batches(stack: MiniStack) -> None:
    """Let every role that may send a message send several in a call, as on AWS.

    AWS knows no permission of the name `sqs:SendMessageBatch`, the emulator asks for it.
    """
    iam = stack.client("iam")
    for role in iam.list_roles()["Roles"]:
        names = {"RoleName": role["RoleName"]}
        for policy in iam.list_role_policies(**names)["PolicyNames"]:
            document = iam.get_role_policy(**names, PolicyName=policy)["PolicyDocument"]
            granted = [s for s in document["Statement"] if "sqs:SendMessage" in s["Action"]]
            for statement in granted:
                actions = statement["Action"]
                named = [actions] if isinstance(actions, str) else actions
                statement["Action"] = [*named, "sqs:SendMessageBatch"]
            if granted:
                changed = json.dumps(document)
                iam.put_role_policy(**names, PolicyName=policy, PolicyDocument=changed)


def _overrides(parameters: Mapping[str, str]) -> list[str]:
    return ["--parameter-overrides", *(f"{key}={value}" for key, value in parameters.items())]


def _build_environment() -> dict[str, str]:
    processor = "aarch64" if ARCHITECTURE == "arm64" else ARCHITECTURE
    system = "apple-darwin" if sys.platform == "darwin" else "manylinux_2_28"
    return {
        "UV": str(tool("uv", "uv")),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "RUNTIME": RUNTIME,
        "ARCHITECTURE": ARCHITECTURE,
        "PLATFORM": f"{processor}-{system}",
        "SAM_CLI_TELEMETRY": "0",
    }


def _sam(*arguments: str, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [str(tool("sam", "sam")), *arguments, "--config-file", str(_CONFIG)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeploymentError(arguments[0], done.stdout)


def _digest_of_inputs() -> str:
    digest = hashlib.sha256()
    for path in _input_files():
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _input_files() -> Iterator[Path]:
    for name in _INPUTS:
        root = ROOT / name
        found = [root] if root.is_file() else sorted(root.rglob("*"))
        yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts)
