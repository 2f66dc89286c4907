"""Calls of functions, by their names in Trino; a function that is not listed here is refused.

The list has the macros of ``functions.sql``, the aggregates and window functions that are the same
in DuckDB, and the functions of `CALLS`, which need more than a macro.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from zoneinfo import available_timezones

from sqlglot import exp

from trino_duckdb.errors import QueryError, not_supported

FUNCTIONS_SQL = Path(__file__).with_name("functions.sql").read_text(encoding="utf-8")
MACROS = frozenset(re.findall(r"^create macro trino_(\w+)", FUNCTIONS_SQL, re.MULTILINE))
INTERNAL = frozenset(
    "kind decimal_kind bool sum summand whole divide mod concat shift subscript map_value rounded"
    " whitespace local_now local_time".split()
)
"""Macros that a statement can't call by their names; `mod` is called by its operator as well."""
NO_DECIMALS = dict(
    re.findall(
        r"macro trino_(\w+)(?:(?!create).)*?\(a decimal\(38, 18\)[^\n]*?\) as "
        r"error\('NOT_SUPPORTED: The local Athena has no ([\w ]+ decimals)",
        FUNCTIONS_SQL,
        re.DOTALL,
    )
)
"""Macros that refuse decimals, with what they are; in `check`, DuckDB must refuse them, too."""

OTHER_NAMES = {
    "ceiling": "ceil",
    "date": "as_date",
    "day_of_month": "day",
    "dow": "day_of_week",
    "doy": "day_of_year",
    "pow": "power",
    "substring": "substr",
    "week_of_year": "week",
}
UNITS = ("millisecond", "second", "minute", "hour", "day", "week")
LONG_UNITS = ("month", "quarter", "year")
DATE_FORMATS = {
    **{f"%{letter}": f"%{letter}" for letter in "YmdHSfj"},
    "%i": "%M",
    "%s": "%S",
    "%T": "%H:%M:%S",
}
"""Parts of MySQL's date formats that DuckDB has, too."""

AGGREGATES = {
    "any_value": "any_value",
    "approx_distinct": "count",
    "approx_percentile": "quantile_disc",
    "arbitrary": "any_value",
    "array_agg": "array_agg",
    "avg": "avg",
    "bool_and": "bool_and",
    "bool_or": "bool_or",
    "count": "count",
    "count_if": "count",
    "max": "max",
    "max_by": "arg_max_null",
    "min": "min",
    "min_by": "arg_min_null",
    "sum": "sum",
}
"""Trino's aggregates with their names in DuckDB. `_aggregate` adapts arguments and results."""
WINDOWS = frozenset("row_number rank dense_rank ntile lag lead first_value last_value".split())
REGULAR_PART = re.compile(
    r"(\[\^?(?:\\[.\-\]\[/d]|[^\\\[\]&])+\]|\\[dDwW./\-+*?()\[\]{}^$|]|[^\\\[\].$])|(\.)|(\$\Z)"
)
"""Parts of regular expressions with one meaning in Java and in RE2, then ``.`` and ``$``."""
ANY = r"[^\n\r\x{85}\x{2028}\x{2029}]"
END_OF_TEXT = r"(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z"
"""Java's ``$``: the end of the text, or a line break there."""


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of a function of DuckDB, or of a macro of ``functions.sql``.

    DuckDB can't choose an overload for an argument with an aggregate or a window function, but it
    can for the parameter of a lambda. So the argument becomes an array of one element, or several
    become an array of one struct.
    """
    aggregated = [position for position, part in enumerate(arguments) if _is_aggregated(part)]
    if not name.startswith("trino_") or not aggregated:
        return exp.Anonymous(this=name, expressions=[*arguments])
    inner, element = [*arguments], arguments[aggregated[0]]
    inner[aggregated[0]] = exp.to_identifier("given")
    if len(aggregated) > 1:
        element = struct((f"p{position}", arguments[position]) for position in aggregated)
        for position in aggregated:
            inner[position] = field(exp.to_identifier("given"), f"p{position}")
    body = exp.Anonymous(this=name, expressions=inner)
    results = call("list_transform", exp.Array(expressions=[element]), function(body, "given"))
    return call("list_extract", results, exp.Literal.number(1))


def _is_aggregated(node: exp.Expr) -> bool:
    parts = node.walk(prune=lambda part: isinstance(part, exp.Query))
    return any(isinstance(part, exp.Window) or part.meta.get("is_written") for part in parts)


def when(condition: exp.Expr, value: exp.Expr, otherwise: exp.Expr | None = None) -> exp.Case:
    """``CASE WHEN condition THEN value ELSE otherwise END``."""
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=otherwise)


def is_null(value: exp.Expr) -> exp.Is:
    """``value IS NULL``."""
    return exp.Is(this=value, expression=exp.Null())


def struct(fields: Iterable[tuple[str, exp.Expr]]) -> exp.Struct:
    """A struct of named values: ``{'name': value, …}``."""
    return exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name), expression=value) for name, value in fields
        ]
    )


def field(value: exp.Expr, name: str) -> exp.Dot:
    """``value.name``, the field of a struct."""
    return exp.Dot(this=value, expression=exp.to_identifier(name))


def function(body: exp.Expr, *parameters: str) -> exp.Lambda:
    """A lambda: ``(parameters) -> body``."""
    return exp.Lambda(this=body, expressions=[exp.to_identifier(name) for name in parameters])


def text(value: str) -> exp.Expr:
    """A constant text, which DuckDB converts to no other type."""
    kind = exp.DataType(this=exp.DataType.Type.VARCHAR)
    return exp.Cast(this=exp.Literal.string(value), to=kind)


def constant(node: exp.Expr | None, argument: str) -> str:
    """Return a text of the statement. Raises QueryError if it is an expression."""
    inner = node.this if isinstance(node, exp.Cast) else node
    if not (isinstance(inner, exp.Literal) and inner.is_string):
        raise not_supported(f"{argument} that is not a text in the statement", node)
    return inner.name


def kinds(*nodes: exp.Expr) -> exp.Expr:
    """In `check`: an expression that DuckDB refuses if Trino can't compare the values."""
    kinds = [call("trino_kind", node.copy()) for node in nodes]
    return exp.Paren(this=is_null(call("coalesce", *kinds)))


def checked_number(node: exp.Expr) -> exp.Expr:
    """In `check`: the value itself, which DuckDB refuses if it is not a number."""
    number = exp.Literal.number(1)
    kind = call("coalesce", call("trino_kind", node.copy()), number)
    return when(exp.EQ(this=kind, expression=number.copy()), node.copy(), node.copy())


def rewrite_call(node: exp.Anonymous, checking: bool) -> exp.Expr:
    """A call by its name in Trino. Calls that were written here are not visited."""
    name = node.name.lower()
    top: exp.Expr = node
    while isinstance(top.parent, exp.Filter | exp.Window) and top is top.parent.this:
        top = top.parent
    if name in AGGREGATES:
        return _aggregate(node, name, top is not node, checking)
    if name in WINDOWS and isinstance(top, exp.Window):
        node.meta["is_written"] = True
        return node
    if name not in FUNCTIONS or top is not node:
        raise QueryError(
            "FUNCTION_NOT_FOUND", f"The local Athena has no {name}; AWS may have", node
        )
    handler = CALLS.get(name)
    if handler is not None:
        return handler(node, checking)
    return _macro(node, OTHER_NAMES.get(name, name), checking)


def _macro(node: exp.Anonymous, name: str, checking: bool) -> exp.Expr:
    """A call of a macro, whose units, zones and regular expressions are constants."""
    parts = [part.copy() for part in node.expressions]
    if name in ("date_trunc", "date_diff"):
        unit = constant(parts[0] if parts else None, f"a unit of {name}").lower()
        if unit not in (*UNITS, *(LONG_UNITS if name == "date_trunc" else ())):
            raise not_supported(f"{name} of the unit {unit}", node)
        parts[0] = exp.Literal.string(unit)
    elif name in ("at_timezone", "with_timezone"):
        parts[1] = text(zone_name(constant(parts[1], "a time zone"), node))
    elif name == "regexp_like":
        parts[1] = text(_pattern(constant(parts[1], "a regular expression"), node))
    elif name == "contains" and checking:
        first = exp.Bracket(this=parts[0].copy(), expressions=[exp.Literal.number(0)])
        return when(kinds(first, parts[1]), call("trino_contains", *parts))
    return call(f"trino_{name}", *parts)


def _aggregate(node: exp.Anonymous, name: str, has_clauses: bool, checking: bool) -> exp.Expr:
    """An aggregate with DISTINCT, ORDER BY, FILTER or OVER."""
    parts = [part.copy() for part in node.expressions]
    width = 2 if name in ("max_by", "min_by", "approx_percentile") else 1
    if len(parts) != width and (name, parts) != ("count", []):
        raise not_supported(f"{name} of {len(parts)} arguments", node)
    adapt = ARGUMENTS.get(name)
    if adapt is not None and isinstance(parts[0], exp.Distinct):
        inner = parts[0].expressions[0]
        parts[0] = exp.Distinct(expressions=[adapt(inner.copy(), checking)])
    elif adapt is not None:
        parts[0] = adapt(parts[0], checking)
    if name == "approx_percentile":
        share = parts[1]
        if not isinstance(share, exp.Literal) or not 0 <= float(share.name) <= 1:
            raise not_supported("approx_percentile of anything but a number from 0 to 1", node)
        # Trino returns the upper value if the position is between two values.
        parts[1] = exp.Literal.number(min(float(share.name) + 1e-9, 1.0))
    result = call(AGGREGATES[name], *parts)
    result.meta["is_written"] = True
    return call("trino_sum", result) if name == "sum" and not has_clauses else result


def _comparable(node: exp.Expr, checking: bool) -> exp.Expr:
    """The argument of MAX and MIN; in `check`, one that DuckDB refuses if it is an array."""
    return when(is_null(call("trino_kind", node.copy())), node.copy(), node) if checking else node


ARGUMENTS: dict[str, Callable[[exp.Expr, bool], exp.Expr]] = {
    **dict.fromkeys(("max", "min"), _comparable),
    **dict.fromkeys(
        ("sum", "avg", "approx_percentile"), lambda node, _checking: call("trino_summand", node)
    ),
    **dict.fromkeys(("bool_and", "bool_or"), lambda node, _checking: call("trino_bool", node)),
    "approx_distinct": lambda node, _checking: exp.Distinct(expressions=[node]),
    "count_if": lambda node, _checking: when(call("trino_bool", node), exp.Literal.number(1)),
}
"""What each aggregate does with its first argument."""


def _pattern(pattern: str, node: exp.Expr) -> str:
    """Return a regular expression of Java for RE2. Raises QueryError (NOT_SUPPORTED)."""
    translated, position = "", 0
    while match := REGULAR_PART.match(pattern, position):
        translated += match[1] or (ANY if match[2] else END_OF_TEXT)
        position = match.end()
    if position < len(pattern) or re.search(r"\(\?|[*+?}][+?]", pattern):
        raise not_supported(f"the regular expression {pattern}", node)
    return translated


def _regexp_extract(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    """The text of a group that takes part in each match: elsewhere DuckDB has '' for NULL."""
    value, pattern, *group = node.expressions
    written = constant(pattern, "a regular expression")
    index = group[0] if group else exp.Literal.number(0)
    number = index.name if isinstance(index, exp.Literal) else ""
    if not number.isdigit() or int(number) > len(re.findall(r"(?<!\\)\(", written)):
        raise not_supported(f"the group {number} of a regular expression", node)
    if re.search(r"\)[?*{]|\|", written) or (number == "0" and written.endswith("$")):
        raise not_supported(f"regexp_extract with the regular expression {written}", node)
    translated = text(_pattern(written, node))
    extracted = call("regexp_extract", value.copy(), translated.copy(), exp.Literal.number(number))
    return when(call("trino_regexp_like", value.copy(), translated), extracted)


def _plain(node: exp.Anonymous, checking: bool) -> exp.Expr:
    """COALESCE and NULLIF are those of DuckDB, which mixes types as little as Trino."""
    parts = [part.copy() for part in node.expressions]
    if len(parts) < 2:
        raise QueryError("SYNTAX_ERROR", f"{node.name} needs two arguments", node)
    if node.name.lower() == "coalesce":
        return exp.Coalesce(this=parts[0], expressions=parts[1:])
    result = exp.Nullif(this=parts[0], expression=parts[1])
    return when(kinds(*parts), result) if checking else result


def _if(node: exp.Anonymous, checking: bool) -> exp.Expr:
    condition, *values = (part.copy() for part in node.expressions)
    if checking:
        condition = call("trino_bool", condition)
    return when(condition, *values[:2])


def _extreme(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    """GREATEST and LEAST are NULL if a value is; DuckDB skips NULL."""
    parts = [part.copy() for part in node.expressions]
    missing = exp.or_(*(is_null(part.copy()) for part in parts))
    return when(exp.Not(this=exp.Paren(this=missing)), call(node.name.lower(), *parts))


def _date_add(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    unit, amount, value = (part.copy() for part in node.expressions)
    name = constant(unit, "a unit of date_add").lower()
    if name not in (*UNITS, *LONG_UNITS) or name == "quarter":
        raise not_supported(f"date_add of the unit {name}", node)
    step = exp.Interval(this=exp.Literal.string("1"), unit=exp.Var(this=name.upper()))
    number = exp.cast(call("trino_whole", amount), "integer")
    return call("trino_shift", value, exp.Mul(this=exp.Paren(this=number), expression=step))


def _date_format(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    value, pattern = (part.copy() for part in node.expressions)
    written = constant(pattern, "a format")
    if unknown := set(re.findall(r"%.?", written)) - set(DATE_FORMATS):
        raise not_supported(f"{' '.join(sorted(unknown))} in a date format", node)
    translated = re.sub(r"%.", lambda match: DATE_FORMATS[match[0]], written)
    return call("strftime", call("trino_local_time", value), exp.Literal.string(translated))


def _array_join(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    values, separator, *replacement = (part.copy() for part in node.expressions)
    element: exp.Expr = call("trino_as_varchar", exp.column("element"))
    if replacement:
        element = exp.Coalesce(this=element, expressions=replacement)
    texts = call("list_transform", values, function(element, "element"))
    return call("array_to_string", texts, separator)


def _concat_call(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    first: exp.Expr
    first, *rest = (part.copy() for part in node.expressions)
    if not rest:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "concat needs two arguments", node)
    for operand in rest:
        first = call("trino_concat", first, operand)
    return first


def _lambda_call(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    name = {"filter": "list_filter", "transform": "list_transform"}[node.name.lower()]
    values, body = node.expressions
    if not isinstance(body, exp.Lambda) or len(body.expressions) != 1:
        raise not_supported(f"{node.name} without a lambda of one argument", node)
    body = body.copy()
    if name == "list_filter":
        if isinstance(body.this, exp.Null):
            raise not_supported("filter by NULL", node)
        body.this.replace(call("trino_bool", body.this.copy()))
    return call(name, values.copy(), body)


def _reduce(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    """REDUCE by list_reduce, whose state has the type of the elements: both are put in a struct."""
    values, initial, merge, finish = (part.copy() for part in node.expressions)
    if not (isinstance(merge, exp.Lambda) and isinstance(finish, exp.Lambda)):
        raise not_supported("reduce without two lambdas", node)

    def fill(body: exp.Lambda, *values: exp.Expr) -> exp.Expr:
        names = [parameter.name for parameter in body.expressions]
        replaced = dict(zip(names, values, strict=True))
        result: exp.Expr = body.this.transform(
            lambda part: (
                replaced[part.name].copy()
                if isinstance(part, exp.Column | exp.Identifier)
                and part.name in replaced
                and not isinstance(part.parent, exp.Column | exp.Dot)
                else part
            )
        )
        return result

    start = struct([("state", initial), ("item", exp.Null())])
    wrapped = struct([("state", exp.Null()), ("item", exp.to_identifier("item"))])
    elements = call("list_transform", values, function(wrapped, "item"))
    state = field(exp.to_identifier("before"), "state")
    item = field(exp.to_identifier("after"), "item")
    step = struct([("state", fill(merge, state, item)), ("item", item)])
    folded = call("list_reduce", elements, function(step, "before", "after"), start)
    return fill(finish, field(exp.Paren(this=folded), "state"))


def _row(node: exp.Anonymous, _checking: bool) -> exp.Expr:
    if not isinstance(node.parent, exp.Cast):
        raise not_supported("row without a cast that names its fields", node)
    return node


_available_zones = cache(available_timezones)
"""Names of the tz database; each call of the standard library lists its files again, in 20 ms."""


def zone_name(name: str, node: exp.Expr) -> str:
    """Return DuckDB's name of a zone: UTC, a region of the tz database, or an offset."""
    if re.fullmatch(r"[+-](0\d|1[0-3]):[0-5]\d", name):
        return f"GMT{name}"
    is_region = re.fullmatch(r"UTC|(?!Etc/)[A-Z]\w+/[\w/+-]+", name)
    if not is_region or name not in _available_zones():
        raise not_supported(f"the time zone {name}", node)
    return name


CALLS: dict[str, Callable[[exp.Anonymous, bool], exp.Expr]] = {
    "array_join": _array_join,
    "concat": _concat_call,
    **dict.fromkeys(("coalesce", "nullif"), _plain),
    "date_add": _date_add,
    "date_format": _date_format,
    **dict.fromkeys(("filter", "transform"), _lambda_call),
    **dict.fromkeys(("greatest", "least"), _extreme),
    "if": _if,
    "reduce": _reduce,
    "regexp_extract": _regexp_extract,
    "row": _row,
}
"""Functions that need more than a macro."""
FUNCTIONS = frozenset(
    {name for name in MACROS - INTERNAL if not name.startswith(("as_", "try_as_"))}
    | {"mod", *OTHER_NAMES, *CALLS}
)
"""All scalar functions."""
