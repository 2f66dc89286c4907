"""Errors of AWS become errors of ours: which of them may pass, and without the libraries' chain."""

from __future__ import annotations

import sys
import traceback
from itertools import product

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from clickstream.core import errors
from clickstream.lake import aws_errors

RETRIED_BY_BOTOCORE = sorted(
    {
        *ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
        *TransientRetryableChecker._TRANSIENT_ERROR_CODES,
    }
)
REFUSALS = [
    *("AccessDenied", "AccessDeniedException", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    *("UnrecognizedClientException", "NoSuchBucket", "EntityNotFoundException"),
    *("InvalidRequestException", "ValidationException"),
]


def client_error(code: str, status: int) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": "on\npurpose."},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "GetTables")


def translated(error: Exception) -> errors.ClickstreamError:
    with pytest.raises(errors.ClickstreamError) as caught, aws_errors.translate_errors():
        raise error
    return caught.value


TEMPORARY = [
    *(client_error(code, 400) for code in RETRIED_BY_BOTOCORE),
    *(client_error(f"Code{status}", status) for status in (429, 500, 502, 503, 504)),
    *(client_error(code, 400) for code in ("ExpiredToken", "ExpiredTokenException")),
    *(client_error(code, 409) for code in ("OperationAborted", "ConditionalRequestConflict")),
    boto.EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    boto.ConnectTimeoutError(endpoint_url="http://127.0.0.1:1"),
    boto.ReadTimeoutError(endpoint_url="http://127.0.0.1:1"),
    boto.ConnectionClosedError(endpoint_url="http://127.0.0.1:1"),
    boto.IncompleteReadError(actual_bytes=1, expected_bytes=2),
    OSError("When getting x: AWS Error NETWORK_CONNECTION during GetObject operation: curl 7"),
]
PERMANENT = [
    *(client_error(code, status) for code, status in product(REFUSALS, (400, 403, 404))),
    boto.NoCredentialsError(),
    boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
    boto.ProfileNotFound(profile="nobody"),
    boto.NoRegionError(),
    boto.ParamValidationError(report="Invalid bucket name"),
    ValueError("Invalid endpoint: cafe"),
    OSError("When getting x: AWS Error ACCESS_DENIED during GetObject operation: no"),
]


@pytest.mark.parametrize("error", TEMPORARY, ids=repr)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    ours = translated(error)
    assert isinstance(ours, errors.AwsUnavailable)
    assert not ours.is_permanent


@pytest.mark.parametrize("error", PERMANENT, ids=repr)
def test_what_needs_a_person_is_not_tried_again(error: Exception) -> None:
    assert translated(error).is_permanent


@pytest.mark.parametrize("error", [*TEMPORARY, *PERMANENT], ids=repr)
def test_the_message_is_one_line_with_a_remedy_and_no_chain(error: Exception) -> None:
    ours = translated(error)
    assert "\n" not in str(ours)
    assert "clear the task" in str(ours) or "Set credentials" in str(ours)
    assert type(error).__name__ not in "".join(traceback.format_exception(ours)[:-1])


def test_other_errors_pass_as_they_are() -> None:
    error = KeyError("a fault of ours")
    with pytest.raises(KeyError) as caught, aws_errors.translate_errors():
        raise error
    assert caught.value is error


def test_an_error_of_a_process_without_aws_imports_no_botocore(monkeypatch) -> None:
    """`clickstream open` shares code with the dashboard of a lake, but may lack botocore."""
    monkeypatch.delitem(sys.modules, "botocore")
    with pytest.raises(KeyError), aws_errors.translate_errors():
        raise KeyError("a bug")
    assert "botocore" not in sys.modules
