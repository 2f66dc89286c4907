"""Scalar functions whose DuckDB SQL depends only on the types of the arguments.

Functions named ``trino_...`` are macros and Python functions of the worker, for functions that
DuckDB lacks or computes differently.
"""

from __future__ import annotations

from trino_duckdb.functions.signature import signatures

SAME_IN_DUCKDB = signatures(
    "NAME({listed})",
    {
        "(varchar) -> bigint": "length",
        "(varchar) -> varchar": "lower",
        "(varchar, varchar) -> bigint": "strpos",
        "(varchar, varchar) -> boolean": "starts_with",
        "(N) -> N": "abs",
        "(double) -> double": "sqrt exp ln log10",
        "(double, double) -> double": "pow power",
        "(array(K), array(V)) -> map(K, V)": "map",
        "(map(K, V)) -> array(K)": "map_keys",
        "(map(K, V)) -> array(V)": "map_values",
    },
)

OWN = signatures(
    "trino_NAME({listed})",
    {
        "(varchar) -> varchar": "upper url_decode",
        "(varchar, varchar, varchar) -> varchar": "replace regexp_replace",
        "(varchar, varchar, bigint) -> varchar": "split_part regexp_extract",
        "(varchar, varchar) -> boolean": "regexp_like",
        "(varchar, varchar) -> array(varchar)": "split",
        "(array(T), bigint) -> T": "element_at",
        "(array(O), O) -> boolean": "contains",
        "(array(O)) -> O": "array_max",
        "(array(T)) -> array(T)": "array_distinct",
    },
)

TEXT = {
    **signatures("NAME({0}, trino_whitespace())", {"(varchar) -> varchar": "trim ltrim rtrim"}),
    **signatures(
        "NAME({0}, CAST({1} AS INTEGER), {2})",
        {"(varchar, bigint, varchar) -> varchar": "lpad rpad"},
    ),
    **signatures("trino_substr({listed})", {"(varchar, bigint) -> varchar": "substr substring"}),
    **signatures(
        "trino_substr_length({listed})",
        {"(varchar, bigint, bigint) -> varchar": "substr substring"},
    ),
    "replace(varchar, varchar) -> varchar": "trino_replace({0}, {1}, '')",
    "regexp_replace(varchar, varchar) -> varchar": "trino_regexp_replace({0}, {1}, '')",
    "regexp_extract(varchar, varchar) -> varchar": "trino_regexp_extract({0}, {1}, 0)",
    "concat(varchar, varchar...) -> varchar": "({joined})",
    **{
        f"url_extract_{part}(varchar) -> varchar": f"trino_url_part({{0}}, '{part}')"
        for part in ("protocol", "host", "path", "query", "fragment")
    },
    "url_extract_port(varchar) -> bigint": "CAST(trino_url_part({0}, 'port') AS BIGINT)",
    "url_extract_parameter(varchar, varchar) -> varchar": "trino_url_parameter({0}, {1})",
    "try(T) -> T": "TRY({0})",
}

OTHERS = {
    "nan() -> double": "CAST('NaN' AS DOUBLE)",
    "is_nan(double) -> boolean": "isnan({0})",
    "last_day_of_month(date) -> date": "last_day({0})",
    "from_unixtime(double) -> timestamp(3) with time zone": (
        "timezone('UTC', make_timestamp(CAST(round({0} * 1000) AS BIGINT) * 1000))"
    ),
    "to_unixtime(timestamp) -> double": "epoch({0})",
    "to_unixtime(timestamp with time zone) -> double": "epoch({0})",
    "now() -> timestamp(3) with time zone": "date_trunc('millisecond', now())",
    "cardinality(array(T)) -> bigint": "len({0})",
    "cardinality(map(K, V)) -> bigint": "CAST(cardinality({0}) AS BIGINT)",
    "element_at(map(K, V), K) -> V": "{0}[{1}]",
    "array_sort(array(O)) -> array(O)": "list_sort({0}, 'ASC', 'NULLS LAST')",
    "array_min(array(O)) -> O": "(CASE WHEN NOT trino_has_null({0}) THEN list_min({0}) END)",
    "concat(array(T), array(T)...) -> array(T)": "({joined})",
}

TABLE = {**SAME_IN_DUCKDB, **OWN, **TEXT, **OTHERS}
