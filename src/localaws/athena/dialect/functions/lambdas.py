"""Functions that take lambdas: the body is compiled with the parameters as typed variables.

Maps have no lambda functions in DuckDB; they go through their list of entries.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from localaws.athena.dialect.functions.call import Call, unexpected_parameters
from localaws.athena.dialect.typed import Typed, coerce
from localaws.athena.errors import QueryError
from localaws.athena.types import BOOLEAN, Type, array, map_of

Body = Callable[[exp.Lambda, list[Typed]], Typed]
"""Compiles a lambda's body for the given parameters."""


class LambdaCall:
    """A call with lambdas among its arguments; ``values`` are the compiled others, in order."""

    def __init__(
        self, name: str, node: exp.Expr, values: list[Typed], bodies: list[exp.Lambda]
    ) -> None:
        self.name = name
        self.node = node
        self.values = values
        self.bodies = bodies

    def value(self, kind: str) -> Typed:
        """The first argument, an array or a map. Raises QueryError (FUNCTION_NOT_FOUND)."""
        if not self.values or self.values[0].type.name != kind:
            raise unexpected_parameters(Call(self.name, self.values, self.node))
        return self.values[0]


def _variables(call: LambdaCall, count: int, place: int = 0) -> list[str]:
    """Names for a lambda's parameters, unlike those of the lambdas around it."""
    body = call.bodies[place]
    if len(body.expressions) != count:
        raise QueryError("SYNTAX_ERROR", f"{call.name} needs a lambda of {count}", call.node)
    depth = sum(1 for _ in _ancestors(body))
    return [f"v{depth}_{number}" for number in range(count)]


def _ancestors(node: exp.Expr) -> list[exp.Expr]:
    found = []
    parent = node.parent
    while parent is not None:
        found.append(parent)
        parent = parent.parent
    return found


def _each(call: LambdaCall, compile_body: Body) -> tuple[Typed, str, Typed]:
    """The array, the parameter's name and the body of a lambda over elements."""
    values = call.value("array")
    (name,) = _variables(call, 1)
    return values, name, compile_body(call.bodies[0], [Typed(name, values.type.args[0])])


def _test(call: LambdaCall, body: Typed) -> str:
    """The SQL of a condition; Trino does not take NULL for one here."""
    if body.type != BOOLEAN:
        raise unexpected_parameters(Call(call.name, [*call.values, body], call.node))
    return body.sql


def filter_array(call: LambdaCall, compile_body: Body) -> Typed:
    """Elements for which the lambda is true."""
    values, name, body = _each(call, compile_body)
    test = _test(call, body)
    return Typed(f"list_filter({values.sql}, lambda {name}: {test})", values.type)


def transform(call: LambdaCall, compile_body: Body) -> Typed:
    """The lambda's value for each element."""
    values, name, body = _each(call, compile_body)
    return Typed(f"list_transform({values.sql}, lambda {name}: {body.sql})", array(body.type))


def match(call: LambdaCall, compile_body: Body) -> Typed:
    """any_match, all_match, none_match, with NULL where an unknown test decides."""
    values, name, body = _each(call, compile_body)
    test = _test(call, body)
    tests = f"list_transform({values.sql}, lambda {name}: {test})"
    return Typed(f"trino_{call.name}({tests})", BOOLEAN)


def reduce(call: LambdaCall, compile_body: Body) -> Typed:
    """Fold an array; the state has the type of the initial value."""
    values = call.value("array")
    element = values.type.args[0]
    initial = call.values[1]
    state, item = _variables(call, 2)
    step = compile_body(call.bodies[0], [Typed(state, initial.type), Typed(item, element)])
    if initial.type != element:
        raise QueryError(
            "NOT_SUPPORTED",
            f"The local Athena does not support reduce of {element} into {initial.type}; "
            "transform the array to the state's type first",
            call.node,
        )
    merged = coerce(step, initial.type, call.node)
    folded = f"list_reduce({values.sql}, lambda {state}, {item}: {merged.sql}, {initial.sql})"
    return compile_body(call.bodies[1], [Typed(folded, initial.type)])


def zip_with(call: LambdaCall, compile_body: Body) -> Typed:
    """The lambda's value for each pair of elements of two arrays."""
    left = call.value("array")
    right = call.values[1]
    _variables(call, 2)
    pair = f"z{len(_ancestors(call.bodies[0]))}"
    parameters = [
        Typed(f"{pair}[1]", left.type.args[0]),
        Typed(f"{pair}[2]", right.type.args[0]),
    ]
    body = compile_body(call.bodies[0], parameters)
    zipped = f"list_zip({left.sql}, {right.sql})"
    return Typed(f"list_transform({zipped}, lambda {pair}: {body.sql})", array(body.type))


def _entries(call: LambdaCall, compile_body: Body) -> tuple[Typed, str, Typed]:
    """The map, the name of an entry and the body of a lambda over key and value."""
    values = call.value("map")
    _variables(call, 2)
    entry = f"m{len(_ancestors(call.bodies[0]))}"
    key, value = values.type.args
    parameters = [Typed(f"{entry}.key", key), Typed(f"{entry}.value", value)]
    return values, entry, compile_body(call.bodies[0], parameters)


def map_filter(call: LambdaCall, compile_body: Body) -> Typed:
    """Entries for which the lambda is true."""
    values, entry, body = _entries(call, compile_body)
    kept = f"list_filter(map_entries({values.sql}), lambda {entry}: {body.sql})"
    return Typed(f"map_from_entries({kept})", values.type)


def transform_values(call: LambdaCall, compile_body: Body) -> Typed:
    """New values under the same keys."""
    values, entry, body = _entries(call, compile_body)
    return _mapped(values, entry, (f"{entry}.key", values.type.args[0]), (body.sql, body.type))


def transform_keys(call: LambdaCall, compile_body: Body) -> Typed:
    """The same values under new keys."""
    values, entry, body = _entries(call, compile_body)
    return _mapped(values, entry, (body.sql, body.type), (f"{entry}.value", values.type.args[1]))


def _mapped(values: Typed, entry: str, key: tuple[str, Type], value: tuple[str, Type]) -> Typed:
    pair = f"{{'key': {key[0]}, 'value': {value[0]}}}"
    changed = f"list_transform(map_entries({values.sql}), lambda {entry}: {pair})"
    return Typed(f"map_from_entries({changed})", map_of(key[1], value[1]))


LAMBDAS: dict[str, Callable[[LambdaCall, Body], Typed]] = {
    "filter": filter_array,
    "transform": transform,
    "any_match": match,
    "all_match": match,
    "none_match": match,
    "reduce": reduce,
    "zip_with": zip_with,
    "map_filter": map_filter,
    "transform_values": transform_values,
    "transform_keys": transform_keys,
}
