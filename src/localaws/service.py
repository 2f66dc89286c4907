"""What the services share: account, region, and the choice of an operation by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localaws.errors import NotSupportedError, UnknownOperationError

ACCOUNT_ID = "000000000000"
"""The only account; it owns all resources."""

REGION = "us-east-1"
"""The region in resource names (ARNs); clients may sign for any region."""

Json = dict[str, Any]
"""Members of a request or a response, as botocore describes them for the operation."""

Operations = Mapping[str, Callable[[Json], Json]]
"""The operations of a service by name."""


def find_operation(
    service: str, operations: Operations, operation: str, body: Json, refused: Sequence[str] = ()
) -> Callable[[Json], Json]:
    """Return what answers an operation. ``refused`` are members that a request must not use.

    Raises AwsError, with the name of the operation or of the member, for what localaws lacks.
    """
    if operation not in operations:
        raise UnknownOperationError(service, operation)
    for name in refused:
        if body.get(name):
            raise NotSupportedError(f"{name} in {service} {operation}")
    return operations[operation]
