"""Column lineage: finds the columns of base tables that follow a column of a query.

With it, a condition on a column of a query, such as a view, skips files of the tables that the
query reads. It works through projections, casts to a date, GROUP BY, windows, joins and unions,
like Trino's predicate pushdown. A condition is never true for NULL, so it may be checked on either
side of a join.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from trino_duckdb.dialect.conditions import split_days
from trino_duckdb.dialect.environment import Compiled
from trino_duckdb.dialect.scopes import Field, Scope, Sources


@dataclass(frozen=True)
class Link:
    """A column that is ``days[0]`` to ``days[1]`` days after another one in every row."""

    column: Field
    other: Field
    days: tuple[int, int]


def column_sources(node: exp.Expr, scope: Scope) -> tuple[Sources, str]:
    """Return the sources of an expression, and the compiled column that it is or is the date of."""
    inner = node.unnest()
    is_date = isinstance(inner, exp.Cast) and not isinstance(inner, exp.TryCast)
    if is_date and inner.is_type("date"):
        field = _field(inner.this.unnest(), scope)
        if field is None or field.value.type.name not in ("date", "timestamp"):
            return (), ""
        is_moment = field.value.type.name == "timestamp"
        sources = (replace(each, as_date=each.as_date or is_moment) for each in field.sources)
        return tuple(sources), field.value.sql
    field = _field(inner, scope)
    return ((), "") if field is None else (field.sources, field.value.sql)


def _field(node: exp.Expr, scope: Scope) -> Field | None:
    return scope.field_of(node) if isinstance(node, exp.Column) else None


def both_sources(left: Compiled, right: Compiled) -> list[Sources]:
    """Return the sources of a set operation's columns: tables of both sides, each for its rows."""
    if not (left.sources and right.sources):
        return [()] * len(left.columns)
    return [
        tuple(replace(source, is_exact=False) for source in (*one, *other))
        if kind == other_kind
        else ()
        for one, other, (_, kind), (_, other_kind) in zip(
            left.sources, right.sources, left.columns, right.columns, strict=True
        )
    ]


def link_fields(
    condition: exp.Expr, fields: Sequence[Field], only_for_equality: bool = False
) -> list[Field]:
    """Return the fields of a FROM clause with additional sources from conditions on two columns.

    ``a = b`` and ``a BETWEEN b AND date_add('day', 1, b)`` link two columns, so that a condition on
    one limits the other. In Trino, a condition of WHERE links them only if one of them is compared
    with a single value (``only_for_equality``).
    """
    extra: dict[str, Sources] = {}
    for link in _links(condition, Scope(fields)):
        low, high = link.days
        _add(extra, link.other, _follow(link.column, (low, high), only_for_equality))
        _add(extra, link.column, _follow(link.other, (-high, -low), only_for_equality))
        if link.days == (0, 0):
            for one, other in ((link.column, link.other), (link.other, link.column)):
                for dated in _dates_of(one, fields):
                    moments = _follow(other, (0, 0), only_for_equality)
                    _add(extra, dated, tuple(replace(each, as_date=True) for each in moments))
    return [
        replace(field, sources=field.sources + extra.get(field.value.sql, ())) for field in fields
    ]


def _add(extra: dict[str, Sources], field: Field, sources: Sources) -> None:
    extra[field.value.sql] = extra.get(field.value.sql, ()) + sources


def _follow(column: Field, days: tuple[int, int], only_for_equality: bool) -> Sources:
    """Return the sources of a column that is some days after another one with sources."""
    return tuple(
        replace(
            source,
            days=(source.days[0] + days[0], source.days[1] + days[1]),
            is_exact=False,
            only_for_equality=source.only_for_equality or only_for_equality,
        )
        for source in column.sources
    )


def _dates_of(moment: Field, fields: Sequence[Field]) -> Iterator[Field]:
    """Return the fields that are the date of a timestamp in the same row of a base table."""
    exact = [source for source in moment.sources if source.is_exact and not source.as_date]
    if moment.value.type.name == "timestamp" and exact:
        date = replace(exact[0], as_date=True)
        yield from (field for field in fields if date in field.sources)


def _links(condition: exp.Expr, scope: Scope) -> Iterator[Link]:
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    for part in parts:
        node = part.unnest()
        if isinstance(node, exp.EQ):
            yield from _link(scope, node.this, node.expression, node.expression)
        elif isinstance(node, exp.Between):
            yield from _link(scope, node.this, node.args["low"], node.args["high"])


def _link(scope: Scope, node: exp.Expr, low: exp.Expr, high: exp.Expr) -> Iterator[Link]:
    """Return the link of ``node BETWEEN low AND high``, if each is a column plus some days."""
    ends = [split_days(each) for each in (node, low, high)]
    fields = [_field(column, scope) for column, _ in ends]
    column, other, same = fields
    if column is None or other is None or same is None or other != same:
        return
    days = (ends[1][1] - ends[0][1], ends[2][1] - ends[0][1])
    kinds = {column.value.type, other.value.type}
    is_plain = all(count == 0 for _, count in ends)
    if column != other and len(kinds) == 1 and (is_plain or column.value.type.name == "date"):
        yield Link(column, other, days)
