"""Compiler of statements.

sqlglot parses the statement. The compiler finds the type of every expression, so that each operator
and function becomes the DuckDB SQL that gives Trino's result for these types. Syntax and functions
that the compiler does not know are refused by name: a result is right, or there is an error.

``compiler`` has the only list of the functions that compile each kind of node. They are recursive:
they compile the parts of a node through ``Env.expression`` and ``Env.query``.
"""
