"""A call of a function whose SQL depends on more than the types of its arguments."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect.typed import Typed
from trino_duckdb.errors import ON_AWS, QueryError, not_supported


@dataclass(frozen=True)
class Call:
    """One call: the function's name, its compiled arguments and the node for error positions."""

    name: str
    arguments: list[Typed]
    node: exp.Expr

    def count(self, *allowed: int) -> None:
        """Check the number of arguments. Raises QueryError (FUNCTION_NOT_FOUND)."""
        if len(self.arguments) not in allowed:
            raise unexpected_parameters(self)

    def constant(self, place: int) -> str:
        """Return an argument that is a string literal. Raises QueryError (NOT_SUPPORTED)."""
        text = self.arguments[place].constant
        if text is None:
            raise not_supported(
                f"{self.name} with argument {place + 1} that is not a constant", self.node
            )
        return text

    def moment(self, place: int) -> Typed:
        """Return an argument that is a date or timestamp. Raises QueryError."""
        value = self.arguments[place]
        if value.type.name not in types.MOMENTS:
            raise unexpected_parameters(self)
        return value


def unexpected_parameters(call: Call) -> QueryError:
    """Build the error for arguments that match no signature of a function."""
    found = ", ".join(str(argument.type) for argument in call.arguments)
    message = (
        f"Unexpected parameters ({found}) for function {call.name} in the local Athena ({ON_AWS})"
    )
    return QueryError("FUNCTION_NOT_FOUND", message, call.node)
