"""What a boto3 call was refused with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError


def error_code(call: Callable[..., Any], **parameters: Any) -> str | None:
    """Code of the error the call raises, or None if it succeeds."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


@dataclass
class Refusal:
    """The message of a refused call, known when the ``with`` block has ended."""

    message: str = ""


@contextmanager
def refused(code: str, status: int) -> Iterator[Refusal]:
    """Expects the block to raise boto3's error with that code and HTTP status."""
    refusal = Refusal()
    with pytest.raises(ClientError) as caught:
        yield refusal
    response = caught.value.response
    refusal.message = response["Error"].get("Message", "")
    assert response["Error"]["Code"] == code, refusal.message
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
