"""Compiles all function calls: scalar, aggregate, window, and those with lambdas.

Moves FILTER, WITHIN GROUP, IGNORE NULLS and OVER of a call to the positions that DuckDB requires.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from localaws.athena import types
from localaws.athena.dialect.arithmetic import scaled, unscaled
from localaws.athena.dialect.calls import (
    AGGREGATE_CALLS,
    WINDOW_CALLS,
    compile_call,
    fill,
)
from localaws.athena.dialect.dispatch import HANDLERS, compile_expression
from localaws.athena.dialect.environment import Env
from localaws.athena.dialect.functions.call import Call, unexpected_parameters
from localaws.athena.dialect.functions.lambdas import LAMBDAS, LambdaCall
from localaws.athena.dialect.functions.signature import Overloads, choose
from localaws.athena.dialect.typed import Typed, boolean, coerce, sortable
from localaws.athena.errors import QueryError, not_supported
from localaws.athena.types import BIGINT, LONG_MAX

INNER_CALL = re.compile(r"<(\w+)\((.*?)\)>", re.DOTALL)
NULL_SKIPPING = ("lag", "lead", "first_value", "last_value", "nth_value")
BOUNDS = {
    "approx_percentile": (0, 1),
    "approx_distinct": (0.0040625, 0.26),
    "lag": (0, LONG_MAX),
    "lead": (0, LONG_MAX),
    "nth_value": (1, LONG_MAX),
}
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


def compile_invocation(node: exp.Expr, env: Env) -> Typed:
    """Compile a function call with its clauses. Raises QueryError."""
    call, modifiers = _unwrap(node, env)
    name = call.name.lower()
    arguments: list[exp.Expr] = list(call.expressions)
    _check_modifiers(name, modifiers, call)
    if name in WINDOW_CALLS:
        if not modifiers.over:
            message = f"Window function {name} requires an OVER clause"
            raise QueryError("MISSING_OVER", message, node)
        return _modified(WINDOW_CALLS, name, arguments, modifiers, call, env)
    if name in AGGREGATE_CALLS:
        return _aggregate(name, arguments, modifiers, call, env)
    if modifiers != Modifiers():
        raise QueryError("FUNCTION_NOT_FOUND", f"Function '{name}' is no aggregate", call)
    if name in LAMBDAS and any(isinstance(part, exp.Lambda) for part in arguments):
        return _with_lambdas(name, arguments, call, env)
    if name == "try" and len(arguments) == 1 and type(arguments[0]) is exp.Cast:
        return compile_expression(_tried_cast(arguments[0]), env)
    if name == "row":
        return compile_expression(exp.Tuple(expressions=arguments), env)
    return compile_call(name, [compile_expression(part, env) for part in arguments], call)


def _check_modifiers(name: str, modifiers: Modifiers, node: exp.Expr) -> None:
    """Refuse clauses that DuckDB accepts for a call and Trino does not."""
    if modifiers.over and modifiers.condition:
        raise QueryError("NOT_SUPPORTED", "FILTER is not yet supported for window functions", node)
    if name in ("lag", "lead") and modifiers.over and "ORDER BY" not in modifiers.over:
        message = f"{name} function requires an ORDER BY window clause"
        raise QueryError("MISSING_ORDER_BY", message, node)
    if name == "listagg" and not modifiers.order:
        raise QueryError("SYNTAX_ERROR", "listagg needs WITHIN GROUP (ORDER BY ...)", node)


def _check_arguments(name: str, arguments: list[exp.Expr], node: exp.Expr) -> None:
    """Check constant arguments of aggregates and window functions."""
    if name not in BOUNDS or len(arguments) < 2:
        return
    number, (low, high) = _constant_number(arguments[1]), BOUNDS[name]
    if number is not None and not low <= number <= high:
        message = f"The second argument of {name} must be between {low} and {high}"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", message, node)


def _constant_number(node: exp.Expr) -> float | None:
    """Return the value of a numeric literal with or without a sign; None for anything else."""
    inner, sign = (node.this, -1) if isinstance(node, exp.Neg) else (node, 1)
    is_number = isinstance(inner, exp.Literal) and not inner.is_string
    return sign * float(inner.name) if is_number else None


def _tried_cast(cast: exp.Cast) -> exp.Expr:
    """Compile TRY of a cast as TRY_CAST: DuckDB takes 90 µs for each row on which TRY fails."""
    inner = cast.this
    if not isinstance(inner, exp.Column | exp.Literal):
        inner = exp.Anonymous(this="try", expressions=[inner])
    return exp.TryCast(this=inner, to=cast.args["to"])


def _unwrap(node: exp.Expr, env: Env) -> tuple[exp.Anonymous, Modifiers]:
    """Separate a call from its clauses."""
    modifiers = Modifiers()
    while not isinstance(node, exp.Anonymous):
        if isinstance(node, exp.Window):
            modifiers = replace(modifiers, over=f" OVER ({window(node, env)})")
        elif isinstance(node, exp.Filter):
            test = boolean(compile_expression(node.expression.this, env), node)
            modifiers = replace(modifiers, condition=test.sql)
        elif isinstance(node, exp.WithinGroup):
            modifiers = replace(modifiers, order=order_list(node.expression.expressions, env))
        elif isinstance(node, exp.IgnoreNulls):
            modifiers = replace(modifiers, ignore_nulls=True)
        elif not isinstance(node, exp.RespectNulls):
            raise not_supported(f"{node.sql('trino')} with OVER, FILTER or WITHIN GROUP", node)
        node = node.this
    return node, modifiers


def _aggregate(
    name: str, arguments: list[exp.Expr], modifiers: Modifiers, call: exp.Expr, env: Env
) -> Typed:
    arguments, modifiers = _inner_modifiers(arguments, modifiers, env)
    if name == "count" and len(arguments) <= 1 and all(isinstance(a, exp.Star) for a in arguments):
        return Typed(modifiers.render("count", "*"), BIGINT)
    if modifiers.distinct and name == "approx_distinct":
        raise not_supported("approx_distinct(DISTINCT ...)", call)
    if modifiers.ignore_nulls:
        raise not_supported(f"{name} with IGNORE NULLS", call)
    if name in ("avg", "sum") and len(arguments) == 1:
        value = compile_expression(arguments[0], env)
        if value.type.name == "decimal":
            return _of_decimals(name, value, modifiers)
    if name in ("max_by", "min_by") and len(arguments) == 3:
        return _top_by(name, arguments, modifiers, call, env)
    return _modified(AGGREGATE_CALLS, name, arguments, modifiers, call, env)


def _inner_modifiers(
    arguments: list[exp.Expr], modifiers: Modifiers, env: Env
) -> tuple[list[exp.Expr], Modifiers]:
    """Take ORDER BY and DISTINCT out of the parentheses of a call."""
    if arguments and isinstance(arguments[-1], exp.Order):
        order = arguments[-1]
        modifiers = replace(modifiers, order=order_list(order.expressions, env))
        arguments = [*arguments[:-1], order.this]
    if arguments and isinstance(arguments[0], exp.Distinct):
        modifiers = replace(modifiers, distinct=True)
        arguments = [*arguments[0].expressions, *arguments[1:]]
    return arguments, modifiers


def _modified(
    table: Mapping[str, Overloads],
    name: str,
    arguments: list[exp.Expr],
    modifiers: Modifiers,
    node: exp.Expr,
    env: Env,
) -> Typed:
    """Compile a call of a function in the tables of aggregates or window functions."""
    if modifiers.ignore_nulls and name not in NULL_SKIPPING:
        raise not_supported(f"{name} with IGNORE NULLS", node)
    _check_arguments(name, arguments, node)
    values = [compile_expression(part, env) for part in arguments]
    if name in ("sum", "avg") and [value.type.name for value in values] == ["unknown"]:
        message = f"Could not choose a best candidate for {name}(NULL). Add an explicit cast."
        raise QueryError("AMBIGUOUS_FUNCTION_CALL", message, node)
    chosen = choose(table[name], values)
    if chosen is None:
        raise unexpected_parameters(Call(name, values, node))
    template, converted, kind = chosen
    sql, place = "", 0
    for inner in INNER_CALL.finditer(template):
        sql += template[place : inner.start()]
        sql += modifiers.render(inner[1], fill(inner[2], converted))
        place = inner.end()
    return Typed(sql + template[place:], kind)


def _of_decimals(name: str, value: Typed, modifiers: Modifiers) -> Typed:
    """Correct decimals: sums have precision 38; averages keep the scale, rounded half up."""
    total = modifiers.render("sum", value.sql)
    if name == "sum":
        return Typed(total, types.decimal(types.MAX_PRECISION, value.type.numbers[1]))
    count = modifiers.render("count", value.sql)
    mean = f"trino_half_up({unscaled(total)}, CAST(nullif({count}, 0) AS HUGEINT))"
    return Typed(scaled(mean, value.type), value.type)


def _top_by(
    name: str, arguments: list[exp.Expr], modifiers: Modifiers, node: exp.Expr, env: Env
) -> Typed:
    """max_by(x, y, n), min_by(x, y, n): the first n of x in the order of y."""
    value, key, count = (compile_expression(part, env) for part in arguments)
    known = f"{key.sql} IS NOT NULL"
    both = f"{known} AND {modifiers.condition}" if modifiers.condition else known
    direction = "DESC" if name == "max_by" else "ASC"
    ordered = replace(modifiers, order=f"{key.sql} {direction}", condition=both)
    call = ordered.render("array_agg", value.sql)
    limit = coerce(count, BIGINT, node).sql
    return Typed(f"list_slice({call}, 1, {limit})", types.array(value.type))


def _with_lambdas(name: str, arguments: list[exp.Expr], node: exp.Expr, env: Env) -> Typed:
    def compile_body(body: exp.Lambda, parameters: list[Typed]) -> Typed:
        names = [part.name.lower() for part in body.expressions]
        scope = env.scope.with_variables(dict(zip(names, parameters, strict=True)))
        return compile_expression(body.this, env.within(scope))

    bodies = [part for part in arguments if isinstance(part, exp.Lambda)]
    values = [
        compile_expression(part, env) for part in arguments if not isinstance(part, exp.Lambda)
    ]
    return LAMBDAS[name](LambdaCall(name, values, node, bodies, compile_body))


def order_list(items: list[exp.Expr], env: Env) -> str:
    """ORDER BY items; NULLs come last unless the statement says otherwise."""
    return ", ".join(ordering(compile_expression(item.this, env), item) for item in items)


def ordering(key: Typed, item: exp.Expr) -> str:
    """Compile one ORDER BY item with its direction and the position of NULLs."""
    direction = "DESC" if item.args.get("desc") else "ASC"
    nulls = "FIRST" if item.args.get("nulls_first") else "LAST"
    return f"{sortable(key).sql} {direction} NULLS {nulls}"


def window(node: exp.Expr, env: Env) -> str:
    """Compile the content of OVER (...); a named window is inserted."""
    parts = []
    reference = node.args.get("alias")
    if reference is not None:
        named = env.windows.get(reference.name.lower())
        if named is None:
            raise QueryError("SYNTAX_ERROR", f"Cannot resolve WINDOW name {reference.name}", node)
        parts.append(window(named, env))
    if partition := node.args.get("partition_by"):
        keys = ", ".join(compile_expression(key, env).sql for key in partition)
        parts.append(f"PARTITION BY {keys}")
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
        text = (
            bound if isinstance(bound, str) or bound is None else compile_expression(bound, env).sql
        )
        bounds.append(f"{text or 'CURRENT ROW'} {side}".strip())
    return f"{spec.args['kind']} BETWEEN {bounds[0]} AND {bounds[1]}"


CALL_NODES: tuple[type[exp.Expr], ...] = (
    exp.Anonymous,
    exp.Window,
    exp.Filter,
    exp.WithinGroup,
    exp.IgnoreNulls,
    exp.RespectNulls,
)
HANDLERS.update(dict.fromkeys(CALL_NODES, compile_invocation))
