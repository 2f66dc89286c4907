"""Checks the members of a JSON request against the service's description.

The descriptions are those of botocore. Members that a description lacks are ignored, as at AWS.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel, Shape

from localaws.errors import AwsError

TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float, str),
    "boolean": (bool,),
    "blob": (str,),
}
"""The Python types of JSON values that each type of a shape accepts."""

RANGE_ERRORS = {
    "athena": "InvalidRequestException",
    "glue": "InvalidInputException",
    "secretsmanager": "InvalidParameterException",
}
_LARGEST = 2**63 - 1


def parse_body(body: bytes) -> dict[str, Any]:
    """Parse the JSON object of a request and drop members that are null.

    Raises AwsError (SerializationException) for invalid JSON, for numbers outside all types of AWS,
    for null in a list, and for unpaired surrogates.
    """
    try:
        parsed = json.loads(
            body or b"{}", parse_int=_integer, parse_float=_float, parse_constant=_float
        )
        json.dumps(parsed, ensure_ascii=False).encode()
        members = _without_null(parsed)
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"The request body is not JSON: {type(error).__name__}.") from None
    if not isinstance(members, dict):
        raise _unreadable("The request body is not a JSON object.")
    return members


def check_members(service: str, operation: str, body: dict[str, Any]) -> None:
    """Raise AwsError if a member has the wrong type for the operation, or is out of range."""
    try:
        shape = _model(service).operation_model(operation).input_shape
    except OperationNotFoundError:  # the service refuses it by name
        return
    if shape is not None:
        _check(service, body, shape, "")


@lru_cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _check(service: str, value: Any, shape: Any, path: str) -> None:
    kind = shape.type_name
    expected = TYPES[kind]
    if not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean"):
        raise _unreadable(f"{path or 'The request'} is {type(value).__name__}, not {kind}.")
    if kind in ("integer", "long"):
        _check_range(service, value, shape, path)
    for name, one, below in _members(value, shape):
        _check(service, one, below, f"{path}.{name}".lstrip("."))


def _members(value: Any, shape: Any) -> list[tuple[object, Any, Any]]:
    """Return name, value and shape of each part of a structure, map or list."""
    if shape.type_name == "structure":
        return [(n, value[n], below) for n, below in shape.members.items() if n in value]
    if shape.type_name == "map":
        return [(name, one, shape.value) for name, one in value.items()]
    if shape.type_name == "list":
        return [(number, one, shape.member) for number, one in enumerate(value)]
    return []


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        if None in value:
            raise ValueError
        return [_without_null(one) for one in value]
    return value


def _check_range(service: str, value: Any, shape: Shape, path: str) -> None:
    low, high = shape.metadata.get("min", -_LARGEST), shape.metadata.get("max", _LARGEST)
    if not low <= value <= high:
        code = RANGE_ERRORS.get(service, "ValidationException")
        raise AwsError(code, f"{path} is {value}, and must be from {low} to {high}.")


def _integer(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > _LARGEST:
        raise ValueError
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _unreadable(message: str) -> AwsError:
    return AwsError("SerializationException", message)
