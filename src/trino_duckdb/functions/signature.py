"""Parses signatures such as ``element_at(array(T), bigint) -> T`` and matches argument types.

One capital letter means any type, and the same type at each occurrence. N is any type of numbers,
and O is any type with an order, except arrays and rows, which the compiler does not compare.
``timestamp`` and ``timestamp with time zone`` match any precision. ``...`` means repetition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trino_duckdb import types
from trino_duckdb.dialect.typed import Typed, coerce
from trino_duckdb.types import Type

ANY_PRECISION = ("timestamp", types.TIMESTAMP_TZ)
NUMBER, ORDERED = "N", "O"
Bindings = dict[str, Type]


@dataclass(frozen=True)
class Signature:
    """One overload of a function."""

    name: str
    parameters: tuple[Type, ...]
    result: Type
    variadic: bool = False

    def match(self, arguments: Sequence[Typed]) -> tuple[list[Typed], Type] | None:
        """Return the converted arguments and the result's type; None if there is no match."""
        parameters = self.parameters
        if self.variadic:
            extra = len(arguments) - len(parameters)
            parameters += parameters[-1:] * max(extra, 0)
        if len(parameters) != len(arguments):
            return None
        bindings: Bindings = {}
        for parameter, argument in zip(parameters, arguments, strict=True):
            if not _bind(parameter, argument.type, bindings):
                return None
        wanted = [_fill(parameter, bindings) for parameter in parameters]
        converted = [coerce(a, want) for a, want in zip(arguments, wanted, strict=True)]
        return converted, _fill(self.result, bindings)

    def exact(self, arguments: Sequence[Typed]) -> bool:
        """Whether every argument already has the parameter's type family."""
        return len(arguments) >= len(self.parameters) and all(
            _is_family(parameter, argument.type)
            for parameter, argument in zip(self.parameters, arguments, strict=False)
        )


Overloads = Mapping[Signature, str]
"""The forms of one function: signatures, each with its template of DuckDB's SQL."""


def signatures(template: str, names: Mapping[str, str]) -> dict[str, str]:
    """Build the rows of a table for functions with one template, in which ``NAME`` is their name.

    ``names`` maps the rest of a signature, parameters and result, to the names of functions.
    """
    return {
        f"{name}{rest}": template.replace("NAME", name)
        for rest, listed in names.items()
        for name in listed.split()
    }


def parse_signature(text: str) -> Signature:
    """Read ``name(type, type...) -> type``."""
    head, _, result = text.partition(" -> ")
    match = re.fullmatch(r"(\w+)\((.*)\)", head)
    if match is None:
        raise ValueError(f"Not a signature: {text}")
    variadic = match[2].endswith("...")
    parameters = types.split_top(match[2].removesuffix("..."))
    return Signature(match[1], tuple(map(_pattern, parameters)), _pattern(result), variadic)


def choose(
    overloads: Overloads, arguments: Sequence[Typed]
) -> tuple[str, list[Typed], Type] | None:
    """Choose the overload for arguments: one without conversions, otherwise the first that matches.

    Return its template, the converted arguments, and the type of the result.
    """
    for signature in sorted(overloads, key=lambda signature: not signature.exact(arguments)):
        if matched := signature.match(arguments):
            converted, kind = matched
            return overloads[signature], converted, kind
    return None


def _pattern(text: str) -> Type:
    text = text.strip()
    if re.fullmatch("[A-Z]", text) or text in ANY_PRECISION:
        return Type(text)
    if match := re.fullmatch(r"(array|map)\((.*)\)", text):
        return Type(match[1], tuple(map(_pattern, types.split_top(match[2]))))
    return types.parse_type(text)


def _is_variable(pattern: Type) -> bool:
    return len(pattern.name) == 1


def _is_family(pattern: Type, actual: Type) -> bool:
    """Whether a type and its element types belong to the families of the pattern."""
    if _is_variable(pattern):
        return True
    inner = zip(pattern.args, actual.args, strict=False)
    return pattern.name == actual.name and all(_is_family(*pair) for pair in inner)


def _bind(pattern: Type, actual: Type, bindings: Bindings) -> bool:
    """Whether a value of type ``actual`` may be passed; records the types of the letters."""
    if _is_variable(pattern) or (pattern.name in ANY_PRECISION and not pattern.numbers):
        return _bind_open(pattern, actual, bindings)
    if pattern.args:
        if actual == types.UNKNOWN:
            return all(_bind(part, actual, bindings) for part in pattern.args)
        return actual.name == pattern.name and all(
            _bind(part, inner, bindings)
            for part, inner in zip(pattern.args, actual.args, strict=True)
        )
    return types.common(actual, pattern) == pattern


def _bind_open(pattern: Type, actual: Type, bindings: Bindings) -> bool:
    opened = _open_type(pattern.name, actual)
    if opened is None:
        return False
    wider = types.common(bindings.get(pattern.name, types.UNKNOWN), opened)
    if wider is None:
        return False
    bindings[pattern.name] = wider
    return True


def _open_type(name: str, actual: Type) -> Type | None:
    """Return the type of family ``name`` to which ``actual`` is converted, or None."""
    if name == ORDERED:
        return None if actual.args or actual.name == "json" else actual
    if name == NUMBER:
        return actual if actual.name in (*types.NUMBERS, "unknown") else None
    if actual.name == name or len(name) == 1:
        return actual
    smallest = types.timestamp(0) if name == "timestamp" else types.timestamp_tz(0)
    wider = types.common(actual, smallest)
    return wider if wider is not None and wider.name == name else None


def _fill(pattern: Type, bindings: Bindings) -> Type:
    if pattern.name in bindings and not pattern.numbers and not pattern.args:
        return bindings[pattern.name]
    if pattern.args:
        return Type(pattern.name, tuple(_fill(part, bindings) for part in pattern.args))
    return pattern
