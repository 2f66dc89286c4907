"""Aggregate and window functions.

A row has a signature and a template with calls in angle brackets. Each ``<name(arguments)>`` gets
the DISTINCT, ORDER BY, FILTER and OVER of the statement, so that these also work with a corrected
aggregate, such as a sum that is cast back to bigint.
"""

from __future__ import annotations

from localaws.athena.dialect.functions.signature import signatures

# Trino returns the upper value if the position is between two values.
PERCENTILE = "<quantile_disc({0}, least({1} + 1e-9, 1e0))>"
PERCENTILES = "<quantile_disc({0}, list_transform({1}, lambda p: least(p + 1e-9, 1e0)))>"
AGGREGATES = {
    **signatures(
        "<NAME({listed})>",
        {
            "(T) -> bigint": "count",
            "(O) -> O": "min",
            "(T) -> T": "any_value",
            "(T) -> array(T)": "array_agg",
            "(O, bigint) -> array(O)": "min",
            "(boolean) -> boolean": "bool_and bool_or",
            "(bigint) -> double": "avg",
            "(double) -> double": "stddev stddev_samp stddev_pop variance var_samp var_pop",
            "(varchar, varchar) -> varchar": "listagg",
        },
    ),
    "sum(bigint) -> bigint": "CAST(<sum({0})> AS BIGINT)",
    "geometric_mean(bigint) -> double": "<geomean({0})>",
    "geometric_mean(F) -> F": "CAST(<geomean({0})> AS {type})",
    # Trino treats integers and decimals as reals here, and returns NULL without variance.
    **signatures(
        "CAST(trino_finite(<NAME({listed})>) AS {type})",
        {"(F, F) -> F": "corr regr_slope regr_intercept"},
    ),
    **signatures(
        "CAST(<NAME({listed})> AS {type})",
        {"(F, F) -> F": "covar_samp covar_pop", "(F) -> F": "sum avg"},
    ),
    "count_if(boolean) -> bigint": "<count(nullif({0}, false))>",
    # NaN is the maximum only if there is no other value.
    "max(F) -> F": "coalesce(<max(trino_number({0}))>, <max({0})>)",
    "max(O) -> O": "<max({0})>",
    "max(O, bigint) -> array(O)": (
        "<max(trino_checked({0}, trino_is_nan({0}), 'NOT_SUPPORTED: max(x, n) of NaN'), {1})>"
    ),
    "min_by(T, O) -> T": "<arg_min_null({0}, {1})>",
    "max_by(T, F) -> T": "<arg_max_null({0}, trino_lowest({1}))>",
    "max_by(T, O) -> T": "<arg_max_null({0}, {1})>",
    "every(boolean) -> boolean": "<bool_and({0})>",
    "arbitrary(T) -> T": "<any_value({0})>",
    # Exact counts and percentiles are within the error bounds of Trino's approximations.
    "approx_distinct(T) -> bigint": "<count(DISTINCT {0})>",
    "approx_distinct(T, double) -> bigint": "<count(DISTINCT {0})>",
    "approx_percentile(bigint, double) -> bigint": PERCENTILE,
    "approx_percentile(F, double) -> F": PERCENTILE,
    "approx_percentile(bigint, array(double)) -> array(bigint)": PERCENTILES,
    "approx_percentile(F, array(double)) -> array(F)": PERCENTILES,
    "histogram(K) -> map(K, bigint)": "trino_histogram(<histogram({0})>)",
    "map_agg(K, V) -> map(K, V)": "trino_map_of(<array_agg({{'k': {0}, 'v': {1}}})>)",
    "multimap_agg(K, V) -> map(K, array(V))": (
        "trino_multimap_of(<array_agg({{'k': {0}, 'v': {1}}})>)"
    ),
    "listagg(varchar) -> varchar": "<string_agg({0}, '')>",
    "bitwise_and_agg(bigint) -> bigint": "<bit_and({0})>",
    "bitwise_or_agg(bigint) -> bigint": "<bit_or({0})>",
}

WINDOWS = signatures(
    "<NAME({listed})>",
    {
        "() -> bigint": "row_number rank dense_rank",
        "() -> double": "percent_rank cume_dist",
        "(bigint) -> bigint": "ntile",
        "(T) -> T": "lag lead first_value last_value",
        "(T, bigint) -> T": "lag lead nth_value",
        "(T, bigint, T) -> T": "lag lead",
    },
)
