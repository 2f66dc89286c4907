"""Functions that take lambdas: the body is compiled with the parameters as typed variables.

DuckDB has no lambda functions on maps, so maps are converted to lists of entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from localaws.athena.dialect.functions.call import Call, unexpected_parameters
from localaws.athena.dialect.typed import Typed, coerce
from localaws.athena.errors import QueryError, not_supported
from localaws.athena.types import BOOLEAN, array, map_of


@dataclass(frozen=True)
class LambdaCall(Call):
    """A call with lambdas; ``arguments`` has the other arguments, compiled and in order."""

    bodies: list[exp.Lambda]
    compile_body: Callable[[exp.Lambda, list[Typed]], Typed]
    """Compiles a lambda's body for the given parameters."""

    def first(self, kind: str) -> Typed:
        """The first argument, an array or a map. Raises QueryError (FUNCTION_NOT_FOUND)."""
        if not self.arguments or self.arguments[0].type.name != kind:
            raise unexpected_parameters(self)
        return self.arguments[0]

    def variable(self) -> str:
        """Return a name for a lambda's parameter that no enclosing lambda has."""
        return f"v{self.bodies[0].depth}"

    def body(self, *parameters: Typed, place: int = 0) -> Typed:
        """Compile a lambda's body. Raises QueryError (SYNTAX_ERROR)."""
        node, count = self.bodies[place], len(parameters)
        if len(node.expressions) != count:
            raise QueryError("SYNTAX_ERROR", f"{self.name} needs a lambda of {count}", self.node)
        return self.compile_body(node, list(parameters))


def _each(call: LambdaCall) -> tuple[Typed, Typed, str]:
    """Return the array, the body of the lambda over its elements, and the lambda in DuckDB SQL."""
    values, name = call.first("array"), call.variable()
    body = call.body(Typed(name, values.type.args[0]))
    if call.name != "transform" and body.type != BOOLEAN:
        # Trino does not accept NULL as a condition here.
        raise unexpected_parameters(Call(call.name, [*call.arguments, body], call.node))
    return values, body, f"{values.sql}, lambda {name}: {body.sql}"


def filter_array(call: LambdaCall) -> Typed:
    """Elements for which the lambda is true."""
    values, _, each = _each(call)
    return Typed(f"list_filter({each})", values.type)


def transform(call: LambdaCall) -> Typed:
    """The lambda's value for each element."""
    _, body, each = _each(call)
    return Typed(f"list_transform({each})", array(body.type))


def match(call: LambdaCall) -> Typed:
    """any_match, all_match, none_match; NULL if the result depends on an unknown test."""
    return Typed(f"trino_{call.name}(list_transform({_each(call)[2]}))", BOOLEAN)


def reduce(call: LambdaCall) -> Typed:
    """Fold an array; the state has the type of the initial value."""
    values, name = call.first("array"), call.variable()
    element, initial = values.type.args[0], call.arguments[1]
    step = call.body(Typed(f"{name}_state", initial.type), Typed(f"{name}_item", element))
    if initial.type != element:
        advice = "transform the array to the state's type first"
        raise not_supported(f"reduce of {element} into {initial.type}; {advice}", call.node)
    merge = f"lambda {name}_state, {name}_item: {coerce(step, initial.type, call.node).sql}"
    folded = f"list_reduce({values.sql}, {merge}, {initial.sql})"
    return call.body(Typed(folded, initial.type), place=1)


def zip_with(call: LambdaCall) -> Typed:
    """The lambda's value for each pair of elements of two arrays."""
    left, right, pair = call.first("array"), call.arguments[1], call.variable()
    sides = ((1, left), (2, right))
    body = call.body(*(Typed(f"{pair}[{place}]", side.type.args[0]) for place, side in sides))
    zipped = f"list_zip({left.sql}, {right.sql})"
    return Typed(f"list_transform({zipped}, lambda {pair}: {body.sql})", array(body.type))


def _entries(call: LambdaCall) -> tuple[Typed, Typed, Typed, Typed]:
    """Return the map, key and value of an entry, and the body of the lambda over them."""
    values, entry = call.first("map"), call.variable()
    key, value = (
        Typed(f"{entry}.{part}", kind)
        for part, kind in zip(("key", "value"), values.type.args, strict=True)
    )
    return values, key, value, call.body(key, value)


def map_filter(call: LambdaCall) -> Typed:
    """Entries for which the lambda is true."""
    values, _, _, body = _entries(call)
    kept = f"list_filter(map_entries({values.sql}), lambda {call.variable()}: {body.sql})"
    return Typed(f"map_from_entries({kept})", values.type)


def transform_map(call: LambdaCall) -> Typed:
    """transform_keys and transform_values: replace all keys or all values of a map."""
    values, key, value, body = _entries(call)
    key, value = (body, value) if call.name == "transform_keys" else (key, body)
    pair = f"{{'key': {key.sql}, 'value': {value.sql}}}"
    changed = f"list_transform(map_entries({values.sql}), lambda {call.variable()}: {pair})"
    return Typed(f"map_from_entries({changed})", map_of(key.type, value.type))


LAMBDAS: dict[str, Callable[[LambdaCall], Typed]] = {
    "filter": filter_array,
    "transform": transform,
    **dict.fromkeys(("any_match", "all_match", "none_match"), match),
    "reduce": reduce,
    "zip_with": zip_with,
    "map_filter": map_filter,
    **dict.fromkeys(("transform_keys", "transform_values"), transform_map),
}
