"""Compiles expressions other than function calls: operators, literals, names, CASE, CAST, ….

Each function compiles one kind of node; ``compiler`` lists them.
"""

from __future__ import annotations

import re

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect import arithmetic, casts
from trino_duckdb.dialect.calls import compile_call
from trino_duckdb.dialect.comparisons import (
    comparison_sql,
    refuse_correlated_unnest,
    unify_comparable,
)
from trino_duckdb.dialect.environment import Env
from trino_duckdb.dialect.parser import IS_LITERAL, TYPE_TEXT
from trino_duckdb.dialect.scopes import dereference
from trino_duckdb.dialect.typed import NULL, Typed, boolean, coerce, fail, quote, unify
from trino_duckdb.errors import QueryError, not_supported, type_mismatch
from trino_duckdb.types import BIGINT, BOOLEAN, DOUBLE, INT_MAX, INTEGER, LONG_MAX, VARCHAR

KNOWN_TYPES = frozenset(
    "array bigint boolean date decimal double int integer json map row smallint timestamp tinyint "
    "varchar".split()
)
ABSENT_TYPES = frozenset(
    "char time uuid ipaddress interval hyperloglog qdigest tdigest real varbinary".split()
)
"""Types of Trino that the compiler does not have."""


def literal(node: exp.Expr, _env: Env) -> Typed:
    """A number or a text."""
    text: str = node.this
    if node.is_string:
        return Typed(quote(text), VARCHAR, text)
    if re.search("[eE]", text):
        return Typed(f"CAST({quote(text)} AS DOUBLE)", DOUBLE)
    if "." in text:
        return _decimal(text, *text.split("."))
    value = int(text)
    if value > LONG_MAX:
        raise QueryError("SYNTAX_ERROR", f"Invalid numeric literal: {text}", node)
    return Typed(text, INTEGER if value <= INT_MAX else BIGINT)


def negation(node: exp.Expr, env: Env) -> Typed:
    """Compile unary minus; the smallest integer is a valid literal only together with its sign."""
    if isinstance(node.this, exp.Literal) and node.this.name in (
        str(INT_MAX + 1),
        str(LONG_MAX + 1),
    ):
        kind = INTEGER if node.this.name == str(INT_MAX + 1) else BIGINT
        return Typed(f"CAST('-{node.this.name}' AS {types.duckdb_name(kind)})", kind)
    return arithmetic.negate(node, env.expression(node.this))


def null(_node: exp.Expr, _env: Env) -> Typed:
    """NULL."""
    return NULL


def truth_value(node: exp.Expr, _env: Env) -> Typed:
    """TRUE or FALSE."""
    return Typed("true" if node.this else "false", BOOLEAN)


def name_path(node: exp.Expr) -> list[str] | None:
    """Return the parts of a dotted name in lower case, as Trino compares; None for other nodes."""
    if isinstance(node, exp.Identifier):
        return [node.name.lower()]
    if isinstance(node, exp.Column):
        return [part.name.lower() for part in node.parts]
    if isinstance(node, exp.Dot):
        left, right = name_path(node.this), name_path(node.expression)
        return left + right if left and right else None
    return None


def name(node: exp.Expr, env: Env) -> Typed:
    """A column, variable or field of a row."""
    path = name_path(node)
    if path is None:
        return _dot(node, env)
    return env.scope.resolve(path, node)


def _dot(node: exp.Expr, env: Env) -> Typed:
    if not isinstance(node.expression, exp.Identifier):
        raise not_supported(node.sql("trino"), node)
    return dereference(env.expression(node.this), [node.expression.name.lower()], node)


def parenthesis(node: exp.Expr, env: Env) -> Typed:
    """An expression in parentheses."""
    return env.expression(node.this)


def condition(node: exp.Expr, env: Env) -> Typed:
    """AND and OR."""
    word = "AND" if isinstance(node, exp.And) else "OR"
    parts = (node.this, node.expression)
    left, right = (boolean(env.expression(part), node).sql for part in parts)
    return Typed(f"({left} {word} {right})", BOOLEAN)


def binary(node: exp.Expr, env: Env) -> Typed:
    """Arithmetic operators and ||."""
    operands = (env.expression(node.this), env.expression(node.expression))
    return arithmetic.compile_arithmetic(node, *operands)


def not_true(node: exp.Expr, env: Env) -> Typed:
    """NOT."""
    return Typed(f"(NOT {boolean(env.expression(node.this), node).sql})", BOOLEAN)


def case(node: exp.Expr, env: Env) -> Typed:
    """CASE with an operand or without, and IF, which is a CASE of one branch."""
    is_if = isinstance(node, exp.If)
    operand = None if is_if or node.this is None else env.expression(node.this)
    tests, values = [], []
    for branch in [node] if is_if else node.args["ifs"]:
        test = env.expression(branch.this)
        if operand is not None:
            left, right = unify_comparable([operand, test], node)
            tests.append(comparison_sql(left, "=", right))
        else:
            tests.append(boolean(test, node).sql)
        values.append(env.expression(branch.args["true"]))
    default = node.args.get("false" if is_if else "default")
    values.append(env.expression(default) if default is not None else NULL)
    unified, kind = unify(values, node)
    branches = [
        f"WHEN {test} THEN {value.sql}" for test, value in zip(tests, unified, strict=False)
    ]
    return Typed(f"(CASE {' '.join(branches)} ELSE {unified[-1].sql} END)", kind)


def cast(node: exp.Expr, env: Env) -> Typed:
    """CAST, TRY_CAST, and a literal of a type such as DATE '2026-11-20'."""
    safe = isinstance(node, exp.TryCast)
    name = type_text(node.args["to"])
    if name == "decimal" and node.args["to"].meta.get(IS_LITERAL):
        return _decimal_literal(node)
    try:
        target = types.parse_type(name)
    except ValueError:
        raise not_supported(f"the type {name}", node) from None
    value = env.expression(node.this)
    is_text = value.type.name in ("varchar", "unknown")
    value = casts.cast(value, target, safe, node)
    if match := re.fullmatch(r"varchar\((\d+)\)", name):
        function = "left" if is_text else ("trino_fitting_or_null" if safe else "trino_fitting")
        return Typed(f"{function}({value.sql}, {match[1]})", value.type)
    return value


def type_text(kind: exp.Expr) -> str:
    """Return a type as the statement has it, in lower case. Raises QueryError for unknown types."""
    for part in kind.find_all(exp.DataType):
        written = part.meta.get(TYPE_TEXT) or part.sql("trino")
        word = re.split(r"[^\w]", written.lower(), maxsplit=1)[0]
        if word in ABSENT_TYPES:
            raise not_supported(f"the type {word}", kind)
        if word not in KNOWN_TYPES:
            raise QueryError("TYPE_MISMATCH", f"Unknown type: {written}", kind)
    text: str = kind.meta.get(TYPE_TEXT) or ""
    if not text or (kind.expressions and "(" not in text and "<" not in text):
        text = kind.sql("trino")  # the parser gives a literal its precision
    text = re.sub(r"\s+", " ", text.lower())
    for digits in re.findall(r"decimal ?\( ?(\d+)", text):
        if not 1 <= int(digits) <= types.MAX_PRECISION:
            message = f"DECIMAL precision must be in range [1, 38]: {digits}"
            raise QueryError("INVALID_FUNCTION_ARGUMENT", message, kind)
    return text


def _decimal_literal(node: exp.Expr) -> Typed:
    """``decimal '1.50'``: the digits of the text give precision and scale."""
    text = node.this.name
    match = re.fullmatch(r"[+-]?(\d*)\.?(\d*)", text)
    if match is None or not (match[1] or match[2]):
        raise QueryError("INVALID_LITERAL", f"Invalid DECIMAL literal: {text}", node)
    return _decimal(text, match[1], match[2])


def _decimal(text: str, whole: str, fraction: str) -> Typed:
    kind = types.decimal(max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction))
    return Typed(f"CAST({quote(text)} AS {types.duckdb_name(kind)})", kind)


def trim(node: exp.Expr, env: Env) -> Typed:
    """TRIM with or without the letters to remove."""
    position = (node.args.get("position") or "BOTH").upper()
    name = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[position]
    text = coerce(env.expression(node.this), VARCHAR, node).sql
    letters = "trino_whitespace()"
    if node.expression is not None:
        letters = coerce(env.expression(node.expression), VARCHAR, node).sql
    return Typed(f"{name}({text}, {letters})", VARCHAR)


def position(node: exp.Expr, env: Env) -> Typed:
    """POSITION(part IN text)."""
    parts = [node.this, node.args["substr"]]
    text, part = (coerce(env.expression(p), VARCHAR, node).sql for p in parts)
    return Typed(f"strpos({text}, {part})", BIGINT)


def substring(node: exp.Expr, env: Env) -> Typed:
    """SUBSTRING(text FROM start FOR length)."""
    parts = [node.this, node.args.get("start"), node.args.get("length")]
    arguments = [env.expression(part) for part in parts if part is not None]
    return compile_call("substr", arguments, node)


def exists(node: exp.Expr, env: Env) -> Typed:
    """EXISTS."""
    refuse_correlated_unnest(node.this)
    return Typed(f"EXISTS ({env.query(node.this).sql})", BOOLEAN)


def scalar_subquery(node: exp.Expr, env: Env) -> Typed:
    """A subquery that returns one value."""
    compiled = env.query(node)
    if len(compiled.columns) != 1:
        raise QueryError("TYPE_MISMATCH", "Multiple columns returned by subquery", node)
    return Typed(f"({compiled.sql})", compiled.columns[0][1])


def array(node: exp.Expr, env: Env) -> Typed:
    """ARRAY[...]."""
    values, kind = unify([env.expression(part) for part in node.expressions], node)
    name = types.duckdb_name(types.array(kind))
    return Typed(f"CAST([{', '.join(value.sql for value in values)}] AS {name})", types.array(kind))


def subscript(node: exp.Expr, env: Env) -> Typed:
    """``x[i]``, which fails where ``element_at`` gives NULL."""
    if len(node.expressions) != 1:
        raise not_supported(node.sql("trino"), node)
    value = env.expression(node.this)
    index = env.expression(node.expressions[0])
    if value.type.name == "array":
        key = coerce(index, BIGINT, node)
        inside = f"{key.sql} BETWEEN 1 AND len({value.sql})"
        problem = "Array subscript out of bounds: "
    elif value.type.name == "map":
        key = coerce(index, value.type.args[0], node)
        inside = f"map_contains({value.sql}, {key.sql})"
        problem = "Key not present in map: "
    else:
        raise type_mismatch(f"Cannot use the subscript operator on {value.type}", node)
    kind = value.type.args[-1]
    message = f"{quote(problem)} || {casts.text_of(key, node)}"
    refusal = fail("INVALID_FUNCTION_ARGUMENT", message, kind)
    found = f"WHEN {inside} THEN {value.sql}[{key.sql}]"
    return Typed(f"(CASE {found} WHEN NOT ({inside}) THEN {refusal} END)", kind)


def row(node: exp.Expr, env: Env) -> Typed:
    """ROW(...), or values in parentheses."""
    values = [env.expression(part) for part in node.expressions]
    kind = types.row(("", value.type) for value in values)
    names = types.field_names(kind)
    packed = ", ".join(f'"{n}" := {value.sql}' for n, value in zip(names, values, strict=True))
    return Typed(f"CAST(struct_pack({packed}) AS {types.duckdb_name(kind)})", kind)
