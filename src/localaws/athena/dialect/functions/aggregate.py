"""Aggregate and window functions.

A row is a signature and a template of calls in angle brackets: each ``<name(arguments)>`` gets the
DISTINCT, ORDER BY, FILTER and OVER that the statement gives, so that a corrected aggregate, such
as a sum that is cast back to bigint, can still be filtered and windowed.
"""

from __future__ import annotations

# Trino takes the value above a place that falls between two.
PERCENTILE = "<quantile_disc({0}, least({1} + 1e-9, 1e0))>"
PERCENTILES = "<quantile_disc({0}, list_transform({1}, lambda p: least(p + 1e-9, 1e0)))>"
AGGREGATES = {
    "count(T) -> bigint": "<count({0})>",
    "count_if(boolean) -> bigint": "<count(nullif({0}, false))>",
    "sum(bigint) -> bigint": "CAST(<sum({0})> AS BIGINT)",
    "sum(real) -> real": "CAST(<sum({0})> AS FLOAT)",
    "sum(double) -> double": "<sum({0})>",
    "avg(bigint) -> double": "<avg({0})>",
    "avg(real) -> real": "CAST(<avg({0})> AS FLOAT)",
    "avg(double) -> double": "<avg({0})>",
    "min(T) -> T": "<min({0})>",
    # NaN is no maximum unless there is nothing else.
    "max(real) -> real": "coalesce(<max(trino_number({0}))>, <max({0})>)",
    "max(double) -> double": "coalesce(<max(trino_number({0}))>, <max({0})>)",
    "max(T) -> T": "<max({0})>",
    "min(T, bigint) -> array(T)": "<min({0}, {1})>",
    "max(T, bigint) -> array(T)": (
        "<max(trino_checked({0}, trino_is_nan({0}), 'NOT_SUPPORTED: max(x, n) of NaN'), {1})>"
    ),
    "min_by(T, K) -> T": "<arg_min_null({0}, {1})>",
    "max_by(T, real) -> T": "<arg_max_null({0}, trino_lowest({1}))>",
    "max_by(T, double) -> T": "<arg_max_null({0}, trino_lowest({1}))>",
    "max_by(T, K) -> T": "<arg_max_null({0}, {1})>",
    "bool_and(boolean) -> boolean": "<bool_and({0})>",
    "bool_or(boolean) -> boolean": "<bool_or({0})>",
    "every(boolean) -> boolean": "<bool_and({0})>",
    "arbitrary(T) -> T": "<any_value({0})>",
    "any_value(T) -> T": "<any_value({0})>",
    "array_agg(T) -> array(T)": "<array_agg({0})>",
    # Exact counts and percentiles lie within the error that Trino allows its approximations.
    "approx_distinct(T) -> bigint": "<count(DISTINCT {0})>",
    "approx_distinct(T, double) -> bigint": "<count(DISTINCT {0})>",
    "approx_percentile(bigint, double) -> bigint": PERCENTILE,
    "approx_percentile(real, double) -> real": PERCENTILE,
    "approx_percentile(double, double) -> double": PERCENTILE,
    "approx_percentile(bigint, array(double)) -> array(bigint)": PERCENTILES,
    "approx_percentile(real, array(double)) -> array(real)": PERCENTILES,
    "approx_percentile(double, array(double)) -> array(double)": PERCENTILES,
    "histogram(K) -> map(K, bigint)": "trino_histogram(<histogram({0})>)",
    "map_agg(K, V) -> map(K, V)": "trino_map_of(<array_agg({{'k': {0}, 'v': {1}}})>)",
    "multimap_agg(K, V) -> map(K, array(V))": (
        "trino_multimap_of(<array_agg({{'k': {0}, 'v': {1}}})>)"
    ),
    "listagg(varchar) -> varchar": "<string_agg({0}, '')>",
    "listagg(varchar, varchar) -> varchar": "<string_agg({0}, {1})>",
    "stddev(double) -> double": "<stddev_samp({0})>",
    "stddev_samp(double) -> double": "<stddev_samp({0})>",
    "stddev_pop(double) -> double": "<stddev_pop({0})>",
    "variance(double) -> double": "<var_samp({0})>",
    "var_samp(double) -> double": "<var_samp({0})>",
    "var_pop(double) -> double": "<var_pop({0})>",
    # Trino takes integers and decimals for reals here, and has no value without variance.
    "corr(real, real) -> real": "CAST(trino_finite(<corr({0}, {1})>) AS FLOAT)",
    "corr(double, double) -> double": "trino_finite(<corr({0}, {1})>)",
    "covar_samp(real, real) -> real": "CAST(<covar_samp({0}, {1})> AS FLOAT)",
    "covar_samp(double, double) -> double": "<covar_samp({0}, {1})>",
    "covar_pop(real, real) -> real": "CAST(<covar_pop({0}, {1})> AS FLOAT)",
    "covar_pop(double, double) -> double": "<covar_pop({0}, {1})>",
    "regr_slope(real, real) -> real": "CAST(trino_finite(<regr_slope({0}, {1})>) AS FLOAT)",
    "regr_slope(double, double) -> double": "trino_finite(<regr_slope({0}, {1})>)",
    "regr_intercept(real, real) -> real": (
        "CAST(trino_finite(<regr_intercept({0}, {1})>) AS FLOAT)"
    ),
    "regr_intercept(double, double) -> double": "trino_finite(<regr_intercept({0}, {1})>)",
    "geometric_mean(bigint) -> double": "<geomean({0})>",
    "geometric_mean(real) -> real": "CAST(<geomean({0})> AS FLOAT)",
    "geometric_mean(double) -> double": "<geomean({0})>",
    "bitwise_and_agg(bigint) -> bigint": "<bit_and({0})>",
    "bitwise_or_agg(bigint) -> bigint": "<bit_or({0})>",
}

WINDOWS = {
    "row_number() -> bigint": "<row_number()>",
    "rank() -> bigint": "<rank()>",
    "dense_rank() -> bigint": "<dense_rank()>",
    "percent_rank() -> double": "<percent_rank()>",
    "cume_dist() -> double": "<cume_dist()>",
    "ntile(bigint) -> bigint": "<ntile({0})>",
    "lag(T) -> T": "<lag({0})>",
    "lag(T, bigint) -> T": "<lag({0}, {1})>",
    "lag(T, bigint, T) -> T": "<lag({0}, {1}, {2})>",
    "lead(T) -> T": "<lead({0})>",
    "lead(T, bigint) -> T": "<lead({0}, {1})>",
    "lead(T, bigint, T) -> T": "<lead({0}, {1}, {2})>",
    "first_value(T) -> T": "<first_value({0})>",
    "last_value(T) -> T": "<last_value({0})>",
    "nth_value(T, bigint) -> T": "<nth_value({0}, {1})>",
}
