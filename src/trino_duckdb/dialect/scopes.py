"""Resolves names of a statement to columns, by Trino's rules.

Every relation of the compiled query has a generated alias and generated column names (``r3.c0``),
so that DuckDB's rules for names, such as aliases that are visible in WHERE, can't apply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from trino_duckdb import types
from trino_duckdb.dialect.typed import Typed, quote_name
from trino_duckdb.errors import QueryError, not_supported, type_mismatch

Condition = tuple[str, str, list[exp.Expr]]
"""A column of a table, an operator, and the constants it is compared with."""


@dataclass(eq=False)
class Scan:
    """One mention of a base table, with its used columns and its conditions."""

    view: str
    schema: str
    table: str
    columns: Sequence[tuple[str, types.Type]]
    version: object = None
    used: set[str] = field(default_factory=set)
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """A column of a base table that follows the value of a column of a query.

    The table's column, or its date if ``as_date`` is set, is ``days[0]`` to ``days[1]`` days after
    the value. ``is_exact``: the value is the table's column, or its date, in every row.
    """

    scan: Scan
    column: str
    as_date: bool = False
    days: tuple[int, int] = (0, 0)
    is_exact: bool = True
    only_for_equality: bool = False


Sources = tuple[Source, ...]


@dataclass(frozen=True)
class Field:
    """A column of a FROM clause: its name, its relation, and its compiled form."""

    name: str | None
    value: Typed
    relation: str = ""
    schema: str = ""
    scan: Scan | None = None
    sources: Sources = ()
    label: str | None = None
    """The name as in the statement, which becomes the name of the result's column."""

    def use(self) -> Typed:
        """Return the compiled column, and mark it as used in its scan."""
        if self.scan is not None and self.name is not None:
            self.scan.used.add(self.name)
        return self.value


@dataclass(frozen=True)
class Scope:
    """Names visible to an expression; ``parent`` is the scope around a subquery or lambda."""

    fields: Sequence[Field] = ()
    variables: Mapping[str, Typed] = field(default_factory=dict)
    parent: Scope | None = None

    def resolve(self, path: list[str], node: exp.Expr) -> Typed:
        """Resolve a dotted name: column, relation.column, schema.relation.column, row fields.

        Raises QueryError (COLUMN_NOT_FOUND, AMBIGUOUS_NAME).
        """
        found = self._lookup(path, node)
        if found is not None:
            return found
        if self.parent is not None:
            return self.parent.resolve(path, node)
        if path[-1].startswith("$"):
            raise not_supported(f'the hidden column "{path[-1]}"', node)
        raise QueryError(
            "COLUMN_NOT_FOUND",
            f"Column '{'.'.join(path)}' cannot be resolved or requester is not authorized to "
            "access requested resources",
            node,
        )

    def field_of(self, column: exp.Column) -> Field | None:
        """Return the field of this scope with a name, without row fields; None if there is none."""
        path = [part.name.lower() for part in column.parts]
        field, used = self._find(path, column)
        return field if used == len(path) else None

    def _lookup(self, path: list[str], node: exp.Expr) -> Typed | None:
        if path[0] in self.variables:
            return dereference(self.variables[path[0]], path[1:], node)
        field, used = self._find(path, node)
        return dereference(field.use(), path[used:], node) if field else None

    def _find(self, path: list[str], node: exp.Expr) -> tuple[Field | None, int]:
        """Return the field that a name begins with, and how many parts of the name it uses."""
        for used in (3, 2, 1):
            matches = self._matches(path, used)
            if len(matches) > 1:
                raise QueryError("AMBIGUOUS_NAME", f"Column '{'.'.join(path)}' is ambiguous", node)
            if matches:
                return matches[0], used
        return None, 0

    def _matches(self, path: list[str], used: int) -> list[Field]:
        """Fields whose last ``used`` name parts are the first ones of ``path``."""
        if len(path) < used:
            return []
        *qualifier, name = path[:used]
        return [
            item
            for item in self.fields
            if item.name == name and [item.schema, item.relation][2 - len(qualifier) :] == qualifier
        ]

    def star(self, relation: str | None, node: exp.Expr) -> list[Field]:
        """Return the fields of ``*`` or ``relation.*``. Raises QueryError if there are none."""
        chosen = [item for item in self.fields if relation in (None, item.relation)]
        if not chosen:
            name = f"Table '{relation}'" if relation else "FROM clause"
            raise QueryError("TABLE_NOT_FOUND", f"{name} of the star does not exist", node)
        return chosen

    def with_variables(self, variables: Mapping[str, Typed]) -> Scope:
        """Return an inner scope with the parameters of a lambda."""
        return Scope(variables=variables, parent=self)


def dereference(value: Typed, path: list[str], node: exp.Expr) -> Typed:
    """Return a field of a row, also of nested rows. Raises QueryError (TYPE_MISMATCH)."""
    for name in path:
        if value.type.name != "row":
            raise type_mismatch(f"Expression {name} is not of type ROW", node)
        if name not in value.type.labels:
            raise type_mismatch(f"Row has no field {name}", node)
        kind = value.type.args[value.type.labels.index(name)]
        value = Typed(f"struct_extract({value.sql}, {_name(name)})", kind)
    return value


def _name(name: str) -> str:
    return "'" + quote_name(name)[1:-1].replace("'", "''") + "'"
