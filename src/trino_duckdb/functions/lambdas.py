"""Functions that take lambdas: the body is compiled with the parameters as typed variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from trino_duckdb.dialect.typed import Typed, coerce
from trino_duckdb.errors import QueryError, not_supported
from trino_duckdb.functions.call import Call, unexpected_parameters
from trino_duckdb.types import BOOLEAN, array


@dataclass(frozen=True)
class LambdaCall(Call):
    """A call with lambdas; ``arguments`` has the other arguments, compiled and in order."""

    bodies: list[exp.Lambda]
    compile_body: Callable[[exp.Lambda, list[Typed]], Typed]
    """Compiles a lambda's body for the given parameters."""

    def first(self) -> Typed:
        """The first argument, an array. Raises QueryError (FUNCTION_NOT_FOUND)."""
        if not self.arguments or self.arguments[0].type.name != "array":
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


def filter_array(call: LambdaCall) -> Typed:
    """Elements for which the lambda is true."""
    values, name = call.first(), call.variable()
    body = call.body(Typed(name, values.type.args[0]))
    if body.type != BOOLEAN:
        # Trino does not accept NULL as a condition here.
        raise unexpected_parameters(Call(call.name, [*call.arguments, body], call.node))
    return Typed(f"list_filter({values.sql}, lambda {name}: {body.sql})", values.type)


def transform(call: LambdaCall) -> Typed:
    """The lambda's value for each element."""
    values, name = call.first(), call.variable()
    body = call.body(Typed(name, values.type.args[0]))
    return Typed(f"list_transform({values.sql}, lambda {name}: {body.sql})", array(body.type))


def reduce(call: LambdaCall) -> Typed:
    """Fold an array; the state has the type of the initial value."""
    values, name = call.first(), call.variable()
    element, initial = values.type.args[0], call.arguments[1]
    step = call.body(Typed(f"{name}_state", initial.type), Typed(f"{name}_item", element))
    if initial.type != element:
        advice = "transform the array to the state's type first"
        raise not_supported(f"reduce of {element} into {initial.type}; {advice}", call.node)
    merge = f"lambda {name}_state, {name}_item: {coerce(step, initial.type, call.node).sql}"
    folded = f"list_reduce({values.sql}, {merge}, {initial.sql})"
    return call.body(Typed(folded, initial.type), place=1)


LAMBDAS: dict[str, Callable[[LambdaCall], Typed]] = {
    "filter": filter_array,
    "transform": transform,
    "reduce": reduce,
}
