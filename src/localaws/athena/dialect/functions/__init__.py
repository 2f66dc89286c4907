"""The functions of Trino that the local Athena knows: what is not in these tables is refused.

A row of a table is a signature as Trino's documentation writes it and the DuckDB SQL that gives
the same value, checked or corrected. Functions whose type or SQL depends on a constant argument
(units, formats, paths) are small Python functions.
"""
