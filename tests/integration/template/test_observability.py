"""Alarms, runbooks and metrics agree: what an alarm looks at is counted, and a page says more."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from medplum_migration.cli.main import app
from medplum_migration.domain import errors
from medplum_migration.domain.errors import MigrationError, MissingParentError, PermanentError
from medplum_migration.phases.deferral import ANY
from medplum_migration.phases.quarantine import GAVE_UP
from sandbox.aws.tools import ROOT

Template = dict[str, Any]
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path.stem != "README")
INDEX = (RUNBOOKS / "README.md").read_text()
METRICS = (ROOT / "docs" / "metrics.md").read_text()
STORES = {"medplum", "legacy", "dynamodb", "sqs", "secretsmanager"}
# Parked children are tried again by themselves. What is wrong with an event or a setting, and what
# a compare-and-set has lost, never ends in quarantine.
_HARMLESS = {"MissingParent", "Event", "Configuration"}
_OF_AWS = {
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesNotVisible"},
    "AWS/Lambda": {"Errors", "Throttles", "Duration"},
}
Metric = tuple[str, frozenset[str]]


@pytest.fixture(scope="session")
def alarms(nested: dict[str, Template]) -> dict[str, Template]:
    """Every alarm's properties by its name without the stack's."""
    resources = nested["observability"]["Resources"].values()
    assert {"AWS::CloudWatch::Alarm"} == {resource["Type"] for resource in resources}
    found = [resource["Properties"] for resource in resources]
    names = [made["AlarmName"]["Fn::Sub"].removeprefix("${Prefix}-") for made in found]
    return dict(zip(names, found, strict=True))


def test_every_alarm_names_its_page(alarms: dict[str, Template]) -> None:
    """The description ends with a runbook that exists, and that names the alarm."""
    for name, alarm in alarms.items():
        page = re.search(r"Runbook: (docs/runbooks/[a-z-]+\.md)$", alarm["AlarmDescription"])
        assert page, name
        assert f"`{name}`" in _alarm_line((ROOT / page[1]).read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_has_an_alarm_or_says_why_not(page: Any, alarms: dict[str, Template]) -> None:
    """A page names only alarms that exist and lead to it; so does its row of the index."""
    line = _alarm_line(page.read_text())
    leading = {n for n, a in alarms.items() if a["AlarmDescription"].endswith(f"/{page.name}")}
    row = next(row for row in INDEX.splitlines() if row.startswith(f"| [{page.stem}]"))

    assert leading == set(re.findall(r"`([a-z-]+)`", line))
    assert leading == set(re.findall(r"`([a-z-]+)`", row))
    assert leading or line.startswith("No alarm: ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_can_be_typed(page: Any) -> None:
    """Verbs and options exist; what follows them is up to the reader."""
    for typed in re.findall(r"\bmedplum-migrate ([^`\n#]+)", page.read_text()):
        command, words = get_command(app), typed.split()
        while words and isinstance(command, TyperGroup):
            assert words[0] in command.commands, typed
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        assert not isinstance(command, TyperGroup), typed
        assert {word for word in words if word.startswith("--")} <= known, typed


def test_every_metric_of_ours_is_counted(alarms: dict[str, Template]) -> None:
    """An alarm's metric is counted somewhere in the code, under just these dimensions."""
    counted = set(_counted())
    own = [a for a in alarms.values() if a["Namespace"] == {"Ref": "Namespace"}]

    assert own
    for alarm in own:
        names = frozenset(dimension["Name"] for dimension in alarm["Dimensions"])
        assert (alarm["MetricName"], names) in counted
        assert (alarm["MetricName"] in _counted_for_all()) == (ANY == _value(alarm, "service"))


def test_every_value_of_a_dimension_can_be(alarms: dict[str, Template], template: Template) -> None:
    """No alarm waits for a code, a store, a function or a queue that never was."""
    codes = {error.code for error in _errors(MigrationError)} | {GAVE_UP}
    names = _names_of_functions(template)
    allowed = {
        "code": codes,
        "store": STORES,
        "service": {*(name.replace("-", "_") for name in names), ANY},
        "FunctionName": {f"${{Prefix}}-{name}" for name in names},
        "QueueName": {f"{kind}{dead}QueueName" for kind in _KINDS for dead in _DEAD},
    }
    for alarm in alarms.values():
        for dimension in alarm["Dimensions"]:
            value = dimension["Value"]
            told = value if isinstance(value, str) else next(iter(value.values()))
            assert told in allowed[dimension["Name"]]


def test_aws_counts_the_others(alarms: dict[str, Template]) -> None:
    """Metrics in AWS's namespaces are those that AWS documents there."""
    for alarm in alarms.values():
        if isinstance(alarm["Namespace"], str):
            assert alarm["MetricName"] in _OF_AWS[alarm["Namespace"]]


def test_no_record_is_held_back_in_silence(alarms: dict[str, Template]) -> None:
    """Every code with which a record can end in quarantine has an alarm, or needs nobody."""
    told = {_value(a, "code") for a in alarms.values() if a["MetricName"] == "RecordsHeldBack"}
    codes = {error.code for error in _errors(PermanentError)} | {GAVE_UP}

    assert MissingParentError(parent=("", ""), path="").code in _HARMLESS
    assert codes - _HARMLESS == told


def test_every_function_has_an_alarm(alarms: dict[str, Template], template: Template) -> None:
    """A function that ends in errors is noticed, a new one included."""
    watched = {
        alarm["Dimensions"][0]["Value"]["Fn::Sub"].removeprefix("${Prefix}-")
        for alarm in alarms.values()
        if alarm["MetricName"] == "Errors"
    }

    assert _names_of_functions(template) == watched


def test_every_metric_is_explained() -> None:
    """`docs/metrics.md` has a row for each metric that is counted, with its dimensions."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", METRICS, re.MULTILINE)
    explained = {(name, frozenset(re.findall(r"`(\w+)`", names))) for name, names in rows}

    assert set(_counted()) == explained


def test_alarms_look_where_the_functions_count(template: Template) -> None:
    """Both have the stack in their namespace, so that two stacks of one account are told apart."""
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    parameters = template["Resources"]["Observability"]["Properties"]["Parameters"]

    assert {"Fn::Sub": "MedplumMigration/${AWS::StackName}"} == parameters["Namespace"]
    assert parameters["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]


_KINDS, _DEAD = ("Events", "Chunks"), ("", "DeadLetter")


def _alarm_line(page: str) -> str:
    """Give the line below the title."""
    return page.splitlines()[2]


def _value(alarm: Template, name: str) -> str:
    return next(str(d["Value"]) for d in alarm["Dimensions"] if d["Name"] == name)


def _names_of_functions(template: Template) -> set[str]:
    functions = [
        resource["Properties"]["FunctionName"]["Fn::Sub"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    return {name.removeprefix("${AWS::StackName}-") for name in functions}


def _errors(base: type[MigrationError]) -> Iterator[Any]:
    """Make one of each kind without its arguments, for its code."""
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base:
            yield kind.__new__(kind)


def _counted() -> Iterator[Metric]:
    """Find what the engine counts, and under which dimensions; names are literals."""
    for call in _counts():
        [name, *_] = call.args
        assert isinstance(name, ast.Constant)
        yield str(name.value), frozenset({*(str(word.arg) for word in call.keywords), "service"})


def _counted_for_all() -> set[str]:
    """Find the metrics that do not tell functions apart."""
    return {
        ast.literal_eval(call.args[0])
        for call in _counts()
        if "service" in {word.arg for word in call.keywords}
    }


def _counts() -> Iterator[ast.Call]:
    """Find each `telemetry.count(name, value, dimension=...)`."""
    for path in (ROOT / "shared" / "medplum_migration").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("telemetry.count"):
                yield node
