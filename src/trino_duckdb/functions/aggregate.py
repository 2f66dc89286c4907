"""Aggregate and window functions.

A row has a signature and a template with calls in angle brackets. Each ``<name(arguments)>`` gets
the DISTINCT, ORDER BY, FILTER and OVER of the statement, so that these also work with a corrected
aggregate, such as a sum that is cast back to bigint.
"""

from __future__ import annotations

from trino_duckdb.functions.signature import signatures

# Trino returns the upper value if the position is between two values.
PERCENTILE = "<quantile_disc({0}, least({1} + 1e-9, 1e0))>"
AGGREGATES = {
    "sum(bigint) -> bigint": "CAST(<sum({0})> AS BIGINT)",
    **signatures(
        "<NAME({listed})>",
        {
            "(T) -> bigint": "count",
            "(O) -> O": "min",
            "(T) -> T": "any_value",
            "(T) -> array(T)": "array_agg",
            "(boolean) -> boolean": "bool_and bool_or",
            "(bigint) -> double": "avg",
            "(double) -> double": "avg sum stddev variance",
        },
    ),
    "count_if(boolean) -> bigint": "<count(nullif({0}, false))>",
    # NaN is the maximum only if there is no other value.
    "max(double) -> double": "coalesce(<max(trino_number({0}))>, <max({0})>)",
    "max(O) -> O": "<max({0})>",
    "min_by(T, O) -> T": "<arg_min_null({0}, {1})>",
    "max_by(T, double) -> T": "<arg_max_null({0}, trino_lowest({1}))>",
    "max_by(T, O) -> T": "<arg_max_null({0}, {1})>",
    "arbitrary(T) -> T": "<any_value({0})>",
    # Exact counts and percentiles are within the error bounds of Trino's approximations.
    "approx_distinct(T) -> bigint": "<count(DISTINCT {0})>",
    "approx_percentile(bigint, double) -> bigint": PERCENTILE,
    "approx_percentile(double, double) -> double": PERCENTILE,
    "map_agg(K, V) -> map(K, V)": "trino_map_of(<array_agg({{'k': {0}, 'v': {1}}})>)",
}

WINDOWS = signatures(
    "<NAME({listed})>",
    {
        "() -> bigint": "row_number rank dense_rank",
        "(bigint) -> bigint": "ntile",
        "(T) -> T": "lag lead first_value last_value",
        "(T, bigint) -> T": "lag lead",
        "(T, bigint, T) -> T": "lag lead",
    },
)
