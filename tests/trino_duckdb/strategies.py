"""Random statements over the functions and types of the views, for the comparison of engines.

A template has places in braces. The name of a type stands for an expression of this type, up to a
depth; any other name stands for one of the words below. Every statement reads the table ``t``,
whose ``id`` is unique, and some read ``u``. Doubles are multiples of 1/4 or so large that few are
added, for the order in which engines add is open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import strategies as st
from tests.trino_duckdb.grammar import (
    ANY_TYPE,
    COLUMNS,
    COMPARED,
    COMPARISONS,
    EXPRESSIONS,
    FORMS,
    ITEMS,
    LITERALS,
    TYPES,
    WORDS,
)

DEPTH = 2
MAX_ROWS = 5
MAX_ITEMS = 12
PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Statement:
    """A query of several columns, each of which can be asked alone."""

    table: str
    form: str
    items: tuple[str, ...]

    @property
    def sql(self) -> str:
        places = range(1, len(self.items) + 1)
        form = self.form.replace("{items}", ", ".join(self.items))
        return f"{self.table} {form.replace('{orders}', ', '.join(map(str, places)))}"

    def parts(self) -> list[Statement]:
        """One statement for each column."""
        return [Statement(self.table, self.form, (item,)) for item in self.items]

    def of(self, parts: list[Statement]) -> Statement:
        """The statement of the columns of some parts."""
        return Statement(self.table, self.form, tuple(part.items[0] for part in parts))


def _templates(kind: str) -> list[str]:
    """What gives a value of a type, for booleans also a comparison of any type."""
    own = EXPRESSIONS[kind] + [template.replace("{T}", f"{{{kind}}}") for template in ANY_TYPE]
    if kind == "boolean":
        own += [c.replace("{T}", f"{{{one}}}") for one in COMPARED for c in COMPARISONS]
    return own


TEMPLATES = {kind: st.sampled_from(_templates(kind)) for kind in TYPES}
LEAVES = {
    kind: st.sampled_from(
        [name for name, column in COLUMNS.items() if column == kind] * 6
        + LITERALS[kind]
        + [f"cast(null as {TYPES[kind]})"]
    )
    for kind in TYPES
}
CHOICES = {name: st.sampled_from(words) for name, words in {**WORDS, **ITEMS}.items()}
KINDS = st.sampled_from(list(TYPES))


def _filled(draw: st.DrawFn, template: str, depth: int) -> str:
    """A template with an expression or a word drawn for each of its places."""

    def draw_part(place: re.Match[str]) -> str:
        name = draw(KINDS) if place[1] == "any" else place[1]
        if name in ("items", "orders"):
            return place[0]
        if name not in TYPES:
            return _filled(draw, draw(CHOICES[name]), depth)
        if depth == 0 or draw(st.integers(0, 4)) == 0:
            return draw(LEAVES[name])
        return _filled(draw, draw(TEMPLATES[name]), depth - 1)

    return PLACE.sub(draw_part, template)


def _table(draw: st.DrawFn, rows: int) -> str:
    """WITH clauses of the tables: ``t`` of all columns, ``u`` of some rows of it."""
    cells = [
        [
            f"cast({number} as bigint)" if name == "id" else _cell(draw, kind)
            for name, kind in COLUMNS.items()
        ]
        for number in range(rows)
    ]
    values = ", ".join(f"({', '.join(row)})" for row in cells)
    return (
        f"with t({', '.join(COLUMNS)}) as (values {values}), "
        "u as (select id + 1 as k1, n as un, s as us, at as uat from t)"
    )


def _cell(draw: st.DrawFn, kind: str) -> str:
    literal = draw(st.sampled_from([*LITERALS[kind], "null"]))
    is_typed = literal != "null" and kind in ("zoned", "bigints", "texts", "map", "row")
    return literal if is_typed else f"cast({literal} as {TYPES[kind]})"


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """Statements whose rows have one order."""
    table = _table(draw, draw(st.integers(1, MAX_ROWS)))
    item, form = draw(st.sampled_from(FORMS))
    items = [_filled(draw, item, DEPTH) for _ in range(draw(st.integers(1, MAX_ITEMS)))]
    return Statement(table, _filled(draw, form, 1), tuple(items))
