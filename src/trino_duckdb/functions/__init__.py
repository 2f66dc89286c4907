"""Functions of Trino that the compiler supports; others are refused by name.

A row of a table has a signature, in the notation of Trino's documentation, and DuckDB SQL that
gives Trino's value. Functions whose type or SQL depends on a constant argument (unit, format, path)
are small Python functions.
"""
