"""The exceptions of localaws.

::

    StartError                  the server cannot start: port, folder or format of the data
    AwsError                    an answer to a client: code, message, HTTP status
    ├── UnknownOperationError   an operation of a JSON service that localaws lacks
    └── NotSupportedError       a feature of an operation that localaws lacks
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""


class AwsError(Exception):
    """An error that is returned to the client, in the format of the service's protocol.

    ``code`` is AWS's name of the error (``EntityNotFoundException``), ``status`` the HTTP status,
    and ``members`` has further fields of the error body, such as ``AthenaErrorCode``.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, members: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members: dict[str, Any] = dict(members or {})


class UnknownOperationError(AwsError):
    """A JSON service was asked for an operation that localaws does not implement."""

    def __init__(self, service: str, operation: str) -> None:
        super().__init__(
            "UnknownOperationException", f"localaws does not implement {service} {operation}."
        )


class NotSupportedError(AwsError):
    """A request needs functionality that localaws does not implement; ``what`` names it."""

    def __init__(self, operation: str) -> None:
        super().__init__("NotImplemented", f"localaws does not implement {operation}.", status=501)
