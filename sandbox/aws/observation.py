"""Looks at what runs in the emulator: the processes of a function, and its logs."""

import psutil

from sandbox.aws.ministack import MiniStack


def function_processes(stack: MiniStack, function: str) -> list[int]:
    """Return the process ids of a function's warm execution environments, oldest first."""
    children = psutil.Process(stack.pid).children(recursive=True)
    found = [child for child in children if _function_of(child) == function]
    return [
        child.pid for child in sorted(found, key=lambda child: (child.create_time(), child.pid))
    ]


def logs(stack: MiniStack, function: str) -> list[str]:
    """Return the lines that a function has logged so far, in order."""
    pages = stack.client("logs").get_paginator("filter_log_events")
    group = f"/aws/lambda/{function}"
    return [
        str(event["message"]).rstrip("\n")
        for page in pages.paginate(logGroupName=group)
        for event in page["events"]
    ]


def _function_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("AWS_LAMBDA_FUNCTION_NAME")
    except psutil.Error:
        return None
