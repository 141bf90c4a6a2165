"""A stack's settings: parameters and outputs by name, against botocore's own stub of the API."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from medplum_migration.domain.errors import ConfigurationError, UnavailableError
from medplum_migration.runtime.stack import stack_settings


@pytest.fixture
def cloudformation(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Answer for CloudFormation."""
    assert aws is None
    client = boto3.client("cloudformation")
    monkeypatch.setattr(boto3, "client", lambda _: client)
    with Stubber(client) as stub:
        yield stub


def test_parameters_and_outputs_become_settings(cloudformation: Stubber) -> None:
    """Known names in snake case; outputs win; empty values and foreign names are left out."""
    stack = {
        "StackName": "clinic",
        "CreationTime": "2026-01-01T00:00:00Z",
        "StackStatus": "UPDATE_COMPLETE",
        "Parameters": [
            {"ParameterKey": "MedplumBaseUrl", "ParameterValue": "https://medplum.example/"},
            {"ParameterKey": "PageSize", "ParameterValue": "50"},
            {"ParameterKey": "LeaseS", "ParameterValue": "30"},
            {"ParameterKey": "IdentifierBase", "ParameterValue": ""},
            {"ParameterKey": "BackfillConcurrency", "ParameterValue": "8"},
            {"ParameterKey": "ControlTable", "ParameterValue": "asked"},
        ],
        "Outputs": [{"OutputKey": "ControlTable", "OutputValue": "made"}],
    }
    cloudformation.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "clinic"})

    assert {
        "medplum_base_url": "https://medplum.example/",
        "page_size": "50",
        "lease_s": "30",
        "control_table": "made",
    } == stack_settings("clinic")


def test_an_unknown_stack_is_told(cloudformation: Stubber) -> None:
    """A misspelt name is the operator's to mend."""
    cloudformation.add_client_error("describe_stacks", "ValidationError")

    with pytest.raises(ConfigurationError, match="no such stack") as caught:
        stack_settings("clinik")

    assert {"stack": "clinik"} == caught.value.fields


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken", "Throttling"])
def test_a_refusal_names_its_code(cloudformation: Stubber, code: str) -> None:
    """What AWS refuses is told by AWS's own code."""
    cloudformation.add_client_error("describe_stacks", code)

    with pytest.raises(UnavailableError, match=code):
        stack_settings("clinic")


def test_no_answer_is_told(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network without a way to AWS is no traceback."""
    assert aws is None
    client = boto3.client("cloudformation")

    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://aws.example")

    monkeypatch.setattr(client, "describe_stacks", unreachable)
    monkeypatch.setattr(boto3, "client", lambda _: client)

    with pytest.raises(UnavailableError, match="EndpointConnectionError"):
        stack_settings("clinic")


def test_a_machine_without_aws_is_told() -> None:
    """No region: a setting, not a service."""
    with pytest.raises(ConfigurationError, match="set a region"):
        stack_settings("clinic")
