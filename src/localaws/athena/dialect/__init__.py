"""Trino's SQL, compiled to DuckDB's.

The statement is parsed with sqlglot and compiled with a type for every expression, so that each
operator and function becomes the DuckDB SQL that gives Trino's answer for these types. Whatever
the compiler does not know is refused by name: an answer is right or it is an error.
"""

from __future__ import annotations

from localaws.athena.dialect.compiler import CompiledStatement, compile_statement

__all__ = ["CompiledStatement", "compile_statement"]
