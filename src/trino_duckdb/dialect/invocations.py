"""Compiles all function calls: scalar, aggregate, window, and those with lambdas.

Moves FILTER, IGNORE NULLS and OVER of a call to the positions that DuckDB requires.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect.arithmetic import decimal_of_digits, digits_of
from trino_duckdb.dialect.calls import (
    AGGREGATE_CALLS,
    WINDOW_CALLS,
    compile_call,
    fill,
    require_function,
)
from trino_duckdb.dialect.environment import Env
from trino_duckdb.dialect.ordering import order_list
from trino_duckdb.dialect.typed import Typed, boolean
from trino_duckdb.errors import QueryError, not_supported
from trino_duckdb.functions.call import Call, unexpected_parameters
from trino_duckdb.functions.lambdas import LAMBDAS, LambdaCall
from trino_duckdb.functions.signature import choose
from trino_duckdb.types import BIGINT, LONG_MAX

INNER_CALL = re.compile(r"<(\w+)\((.*?)\)>", re.DOTALL)
NULL_SKIPPING = ("lag", "lead", "first_value", "last_value")
BOUNDS = {"approx_percentile": (0, 1), "lag": (0, LONG_MAX), "lead": (0, LONG_MAX)}
"""The least and largest second argument of aggregates and window functions."""

FRAME_KINDS = ("ROWS", "RANGE", "GROUPS")


@dataclass(frozen=True)
class Modifiers:
    """The compiled clauses of an aggregate or window call, such as FILTER and OVER."""

    distinct: bool = False
    order: str = ""
    condition: str = ""
    ignore_nulls: bool = False
    over: str = ""

    def render(self, name: str, arguments: str) -> str:
        """Return SQL of the call with its clauses."""
        inside = f"{'DISTINCT ' if self.distinct else ''}{arguments}"
        inside += f" ORDER BY {self.order}" if self.order else ""
        inside += " IGNORE NULLS" if self.ignore_nulls else ""
        condition = f" FILTER (WHERE {self.condition})" if self.condition else ""
        return f"{name}({inside}){condition}{self.over}"


@dataclass(frozen=True)
class Invocation:
    """A call as the statement has it: name, arguments, clauses, and the context of all of them."""

    name: str
    arguments: list[exp.Expr]
    modifiers: Modifiers
    node: exp.Expr
    env: Env

    def values(self) -> list[Typed]:
        """Compile the arguments except lambdas."""
        return [
            self.env.expression(part) for part in self.arguments if not isinstance(part, exp.Lambda)
        ]


def compile_invocation(node: exp.Expr, env: Env) -> Typed:
    """Compile a function call with its clauses. Raises QueryError."""
    call = _without_clauses(node, env)
    if call.name == "row":
        return env.expression(exp.Tuple(expressions=call.arguments))
    require_function(call.name, call.node)
    if call.name in WINDOW_CALLS or call.name in AGGREGATE_CALLS:
        return _compile_aggregate(_without_inner_clauses(call))
    if call.modifiers != Modifiers():
        raise QueryError("FUNCTION_NOT_FOUND", f"Function '{call.name}' is no aggregate", call.node)
    if any(isinstance(part, exp.Lambda) for part in call.arguments):
        return _compile_lambdas(call)
    if call.name == "try" and [type(part) for part in call.arguments] == [exp.Cast]:
        return env.expression(_tried_cast(call.arguments[0]))
    return compile_call(call.name, call.values(), call.node)


def _without_clauses(node: exp.Expr, env: Env) -> Invocation:
    """Separate a call from the clauses around it."""
    modifiers = Modifiers()
    while not isinstance(node, exp.Anonymous):
        if isinstance(node, exp.Window):
            modifiers = replace(modifiers, over=f" OVER ({_window(node, env)})")
        elif isinstance(node, exp.Filter):
            test = boolean(env.expression(node.expression.this), node)
            modifiers = replace(modifiers, condition=test.sql)
        elif isinstance(node, exp.IgnoreNulls):
            modifiers = replace(modifiers, ignore_nulls=True)
        else:
            raise not_supported(f"{node.sql('trino')} with OVER or FILTER", node)
        node = node.this
    return Invocation(node.name.lower(), list(node.expressions), modifiers, node, env)


def _without_inner_clauses(call: Invocation) -> Invocation:
    """Take ORDER BY and DISTINCT out of the parentheses of a call."""
    arguments, modifiers = call.arguments, call.modifiers
    if arguments and isinstance(arguments[-1], exp.Order):
        order = arguments[-1]
        modifiers = replace(modifiers, order=order_list(order.expressions, call.env))
        arguments = [*arguments[:-1], order.this]
    if arguments and isinstance(arguments[0], exp.Distinct):
        modifiers = replace(modifiers, distinct=True)
        arguments = [*arguments[0].expressions, *arguments[1:]]
    return replace(call, arguments=arguments, modifiers=modifiers)


def _compile_aggregate(call: Invocation) -> Typed:
    """Compile an aggregate or window function."""
    _check_clauses(call)
    stars = [isinstance(part, exp.Star) for part in call.arguments]
    if call.name == "count" and stars in ([], [True]):
        return Typed(call.modifiers.render("count", "*"), BIGINT)
    _check_bounds(call)
    values = call.values()
    _check_types(call, values)
    if call.name in ("sum", "avg") and [value.type.name for value in values] == ["decimal"]:
        return _of_decimals(call.name, values[0], call.modifiers)
    chosen = choose((WINDOW_CALLS.get(call.name) or AGGREGATE_CALLS[call.name]), values)
    if chosen is None:
        raise unexpected_parameters(Call(call.name, values, call.node))
    template, converted, kind = chosen
    sql, place = "", 0
    for inner in INNER_CALL.finditer(template):
        sql += template[place : inner.start()]
        sql += call.modifiers.render(inner[1], fill(inner[2], converted))
        place = inner.end()
    return Typed(sql + template[place:], kind)


def _check_clauses(call: Invocation) -> None:
    """Refuse clauses that DuckDB accepts for a call and Trino does not, and those of AWS only."""
    name, modifiers = call.name, call.modifiers
    if name in WINDOW_CALLS and not modifiers.over:
        message = f"Window function {name} requires an OVER clause"
        raise QueryError("MISSING_OVER", message, call.node)
    if modifiers.over and modifiers.condition:
        message = "FILTER is not yet supported for window functions"
        raise QueryError("NOT_SUPPORTED", message, call.node)
    if name in ("lag", "lead") and "ORDER BY" not in modifiers.over:
        message = f"{name} function requires an ORDER BY window clause"
        raise QueryError("MISSING_ORDER_BY", message, call.node)
    if modifiers.ignore_nulls and name not in NULL_SKIPPING:
        raise not_supported(f"{name} with IGNORE NULLS", call.node)
    if modifiers.distinct and name == "approx_distinct":
        raise not_supported("approx_distinct(DISTINCT ...)", call.node)


def _check_bounds(call: Invocation) -> None:
    """Check the second argument if it is a constant."""
    if call.name not in BOUNDS or len(call.arguments) < 2:
        return
    number, (low, high) = _constant_number(call.arguments[1]), BOUNDS[call.name]
    if number is not None and not low <= number <= high:
        message = f"The second argument of {call.name} must be between {low} and {high}"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", message, call.node)


def _check_types(call: Invocation, values: list[Typed]) -> None:
    first = values[0].type.name if values else ""
    if call.name in ("sum", "avg") and first == "unknown":
        message = f"Could not choose a best candidate for {call.name}(NULL). Add an explicit cast."
        raise QueryError("AMBIGUOUS_FUNCTION_CALL", message, call.node)
    if call.name == "approx_percentile" and first == "decimal":
        raise not_supported("approx_percentile of decimals; cast them to double", call.node)


def _constant_number(node: exp.Expr) -> float | None:
    """Return the value of a numeric literal with or without a sign; None for anything else."""
    inner, sign = (node.this, -1) if isinstance(node, exp.Neg) else (node, 1)
    is_number = isinstance(inner, exp.Literal) and not inner.is_string
    return sign * float(inner.name) if is_number else None


def _of_decimals(name: str, value: Typed, modifiers: Modifiers) -> Typed:
    """Correct decimals: sums have precision 38; averages keep the scale, rounded half up."""
    total = modifiers.render("sum", value.sql)
    if name == "sum":
        return Typed(total, types.decimal(types.MAX_PRECISION, value.type.numbers[1]))
    count = modifiers.render("count", value.sql)
    mean = f"trino_half_up({digits_of(total)}, CAST(nullif({count}, 0) AS HUGEINT))"
    return Typed(decimal_of_digits(mean, value.type), value.type)


def _tried_cast(cast: exp.Expr) -> exp.Expr:
    """Compile TRY of a cast as TRY_CAST: DuckDB takes 90 µs for each row on which TRY fails."""
    inner = cast.this
    if not isinstance(inner, exp.Column | exp.Literal):
        inner = exp.Anonymous(this="try", expressions=[inner])
    return exp.TryCast(this=inner, to=cast.args["to"])


def _compile_lambdas(call: Invocation) -> Typed:
    if call.name not in LAMBDAS:
        raise not_supported(f"{call.name} with a lambda", call.node)
    env = call.env

    def compile_body(body: exp.Lambda, parameters: list[Typed]) -> Typed:
        names = [part.name.lower() for part in body.expressions]
        scope = env.scope.with_variables(dict(zip(names, parameters, strict=True)))
        return env.within(scope).expression(body.this)

    bodies = [part for part in call.arguments if isinstance(part, exp.Lambda)]
    lambda_call = LambdaCall(call.name, call.values(), call.node, bodies, compile_body)
    return LAMBDAS[call.name](lambda_call)


def _window(node: exp.Expr, env: Env) -> str:
    """Compile the content of OVER (...); a named window is inserted."""
    parts = []
    if reference := node.args.get("alias"):
        named = env.windows.get(reference.name.lower())
        if named is None:
            raise QueryError("SYNTAX_ERROR", f"Cannot resolve WINDOW name {reference.name}", node)
        parts.append(_window(named, env))
    if partition := node.args.get("partition_by"):
        parts.append(f"PARTITION BY {', '.join(env.expression(key).sql for key in partition)}")
    if order := node.args.get("order"):
        parts.append(f"ORDER BY {order_list(order.expressions, env)}")
    if frame := node.args.get("spec"):
        parts.append(_frame(frame, env))
    return " ".join(part for part in parts if part)


def _frame(spec: exp.Expr, env: Env) -> str:
    if spec.args.get("kind", "").upper() not in FRAME_KINDS:
        raise not_supported(f"the window frame {spec.sql('trino')}", spec)
    bounds = []
    for edge in ("start", "end"):
        bound, side = spec.args.get(edge), spec.args.get(f"{edge}_side") or ""
        text = bound if isinstance(bound, str | None) else env.expression(bound).sql
        bounds.append(f"{text or 'CURRENT ROW'} {side}".strip())
    return f"{spec.args['kind']} BETWEEN {bounds[0]} AND {bounds[1]}"
