"""What neither SAM nor the emulator notices: names, schedules, retentions, permissions."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.aws.tools import ROOT

Template = dict[str, Any]
_RETENTIONS = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192}
# AWS cannot narrow these to a resource.
_EVERYWHERE = ("xray:Put", "ec2:")


def test_every_function_folder_has_its_resource(template: Template) -> None:
    """`functions/dual_write` is `DualWriteFunction`, named `<stack>-dual-write`, in all places."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    functions = dict(_of_type(template, "AWS::Serverless::Function"))

    assert {f"{_pascal(folder)}Function" for folder in folders} == set(functions)
    for folder in folders:
        properties = functions[f"{_pascal(folder)}Function"]["Properties"]
        kebab = folder.replace("_", "-")
        variables = properties["Environment"]["Variables"]
        assert folder == variables["POWERTOOLS_SERVICE_NAME"]
        assert f"${{AWS::StackName}}-{kebab}" == properties["FunctionName"]["Fn::Sub"]
        assert f"Access.Outputs.{_pascal(folder)}RoleArn" == ".".join(
            properties["Role"]["Fn::GetAtt"]
        )
        group = template["Resources"][f"{_pascal(folder)}LogGroup"]["Properties"]
        assert f"/aws/lambda/${{AWS::StackName}}-{kebab}" == group["LogGroupName"]["Fn::Sub"]


def test_schedules_are_expressions_that_aws_accepts(template: Template) -> None:
    """The emulator takes any text for a schedule; AWS takes `rate(1 minute)`, `rate(5 minutes)`."""
    schedules = [
        event["Properties"]["Schedule"]
        for _, function in _of_type(template, "AWS::Serverless::Function")
        for event in function["Properties"]["Events"].values()
        if event["Type"] == "Schedule"
    ]

    assert schedules
    for schedule in schedules:
        pattern = r"rate\((1 (minute|hour|day)|([2-9]|\d{2,}) (minutes|hours|days))\)|cron\(.+\)"
        assert re.fullmatch(pattern, schedule)


def test_log_retention_is_a_number_of_days_that_aws_accepts(template: Template) -> None:
    """Every log group expires, after one of the periods that CloudWatch knows."""
    parameter = template["Parameters"]["LogRetentionDays"]
    groups = dict(_of_type(template, "AWS::Logs::LogGroup"))

    assert {parameter["Default"], *parameter["AllowedValues"]} <= _RETENTIONS
    assert all(g["Properties"]["RetentionInDays"] for g in groups.values())


def test_no_role_may_do_more_than_is_written_out(nested: dict[str, Template]) -> None:
    """No action has a wildcard; `*` is the resource only where AWS leaves no choice."""
    statements = list(_allowed(nested["access"]))

    assert statements
    for statement in statements:
        assert [] == [action for action in statement["Action"] if "*" in action]
        if statement["Resource"] == "*":
            assert all(action.startswith(_EVERYWHERE) for action in statement["Action"])


def test_state_outlives_the_stack(template: Template, nested: dict[str, Template]) -> None:
    """Tables and the hash key are kept when a stack or a resource goes."""
    kept = [*nested["data"]["Resources"].values(), template["Resources"]["Data"]]

    assert {"Retain"} == {resource["DeletionPolicy"] for resource in kept}
    assert {"Retain"} == {resource["UpdateReplacePolicy"] for resource in kept}


def test_queues_wait_six_times_as_long_as_their_functions(template: Template) -> None:
    """The default visibility timeouts are those that AWS advises for event source mappings."""
    default = {name: value.get("Default") for name, value in template["Parameters"].items()}

    assert 6 * default["DualWriteTimeoutS"] == default["EventsVisibilityS"]
    assert 6 * default["BackfillTimeoutS"] == default["ChunksVisibilityS"]
    assert 6 * default["QuarantineTimeoutS"] == default["DeadLetterVisibilityS"]


def test_dead_letters_wait_as_long_as_sqs_lets_them(nested: dict[str, Template]) -> None:
    """A dead letter is not lost in the 14 days in which a person may look."""
    queues = dict(_of_type(nested["messaging"], "AWS::SQS::Queue"))

    for name in ("EventsDeadLetterQueue", "ChunksDeadLetterQueue"):
        assert 14 * 24 * 3600 == queues[name]["Properties"]["MessageRetentionPeriod"]


def test_one_set_of_python_versions(template: Template) -> None:
    """Defaults of the template, the Makefiles and the floor of pyproject.toml agree."""
    runtime = template["Parameters"]["Runtime"]
    makefiles = (ROOT / "Makefile", ROOT / "infra" / "dependencies" / "Makefile")
    floor = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())

    for makefile in makefiles:
        assert f"RUNTIME ?= {runtime['Default']}" in makefile.read_text()
    assert floor
    assert f"python{floor[1]}" == runtime["AllowedValues"][0]


def _pascal(folder: str) -> str:
    return "".join(word.capitalize() for word in folder.split("_"))


def _of_type(template: Template, kind: str) -> Iterator[tuple[str, Template]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource


def _allowed(template: Template) -> Iterator[Template]:
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        inline = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        for document in [*inline, properties.get("PolicyDocument", {"Statement": []})]:
            yield from document["Statement"]


@pytest.fixture(autouse=True)
def _folders_are_there() -> None:
    if not list((ROOT / "functions").glob("*/app.py")):
        pytest.skip("functions have no handlers yet")
