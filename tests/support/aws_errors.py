"""What a boto3 call was refused with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError


def error_code(call: Callable[..., Any], **parameters: Any) -> str | None:
    """Code of the error the call raises, or None if it succeeds."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None
