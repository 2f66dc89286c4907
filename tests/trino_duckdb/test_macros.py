"""Macros are created only for the statements that use them, so their order must be right."""

from __future__ import annotations

from trino_duckdb.functions.macros import MACROS, statements


def test_a_macro_uses_only_macros_before_it() -> None:
    names = [head.partition("(")[0] for head in MACROS]
    later = [
        f"{name} uses {other}"
        for place, (name, body) in enumerate(zip(names, MACROS.values(), strict=True))
        for other in names[place:]
        if f"{other}(" in body
    ]
    assert later == []


def test_a_statement_gets_the_macros_that_it_uses_and_those_that_they_use() -> None:
    created = [sql.split()[5].partition("(")[0] for sql in statements("SELECT trino_like(a, b, c)")]
    assert created == ["trino_checked", "trino_argument", "trino_like"]
