"""Scalar functions whose DuckDB SQL depends only on the types of the arguments.

Functions named ``trino_...`` are macros and Python functions of the worker, for functions that
DuckDB lacks or computes differently.
"""

from __future__ import annotations

from localaws.athena.dialect.functions.signature import signatures

WHITESPACE = "trino_whitespace()"

SAME_IN_DUCKDB = signatures(
    "NAME({listed})",
    {
        "(varchar) -> bigint": "length",
        "(varchar) -> varchar": "lower",
        "(varchar) -> varbinary": "from_base64",
        "(varbinary) -> varchar": "to_base64",
        "(varchar, varchar) -> bigint": "strpos",
        "(varchar, varchar) -> boolean": "starts_with",
        "(varchar, varchar...) -> varchar": "concat_ws",
        "(N) -> N": "abs",
        "() -> double": "pi random",
        "(double) -> double": (
            "sqrt cbrt exp ln log2 log10 sin cos tan asin acos atan radians degrees"
        ),
        "(double, double) -> double": "pow power atan2",
        "(array(array(T))) -> array(T)": "flatten",
        "(array(K), array(V)) -> map(K, V)": "map",
        "(map(K, V)) -> array(K)": "map_keys",
        "(map(K, V)) -> array(V)": "map_values",
    },
)

OWN = signatures(
    "trino_NAME({listed})",
    {
        "(varchar) -> varchar": "upper reverse url_encode url_decode",
        "(varchar, varchar, varchar) -> varchar": "replace regexp_replace",
        "(varchar, varchar, bigint) -> varchar": "split_part regexp_extract",
        "(varchar, varchar) -> boolean": "regexp_like",
        "(varchar, varchar) -> array(varchar)": "split",
        "(varchar, varchar, bigint) -> array(varchar)": "regexp_extract_all",
        "(varchar) -> varbinary": "from_hex",
        "(varchar) -> json": "json_parse",
        "(varchar) -> bigint": "json_array_length",
        "(varchar) -> integer": "codepoint",
        "(json) -> bigint": "json_array_length",
        "(double, double, double, bigint) -> bigint": "width_bucket",
        "(double, double, double, double) -> double": "great_circle_distance",
        "(array(T), bigint) -> T": "element_at",
        "(array(T), T) -> boolean": "contains",
        "(array(T), T) -> bigint": "array_position",
        "(array(T), T) -> array(T)": "array_remove",
        "(array(T)) -> T": "array_max",
        "(array(T)) -> array(T)": "array_distinct",
        "(array(T), array(T)) -> boolean": "arrays_overlap",
        "(array(T), array(T)) -> array(T)": "array_intersect",
        "(array(T), bigint, bigint) -> array(T)": "slice",
    },
)

TEXT = {
    **signatures(f"NAME({{0}}, {WHITESPACE})", {"(varchar) -> varchar": "trim ltrim rtrim"}),
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
    **signatures("unhex(NAME({0}))", {"(varbinary) -> varbinary": "md5 sha1 sha256"}),
    "concat(varchar, varchar...) -> varchar": "({joined})",
    "chr(bigint) -> varchar": "chr(CAST({0} AS INTEGER))",
    "to_utf8(varchar) -> varbinary": "encode({0})",
    "to_hex(varbinary) -> varchar": "hex({0})",
    "regexp_extract(varchar, varchar) -> varchar": "trino_regexp_extract({0}, {1}, 0)",
    "regexp_extract_all(varchar, varchar) -> array(varchar)": (
        "trino_regexp_extract_all({0}, {1}, 0)"
    ),
    "regexp_count(varchar, varchar) -> bigint": "len(trino_regexp_extract_all({0}, {1}, 0))",
    **{
        f"url_extract_{part}(varchar) -> varchar": f"trino_url_part({{0}}, '{part}')"
        for part in ("protocol", "host", "path", "query", "fragment")
    },
    "url_extract_port(varchar) -> bigint": "CAST(trino_url_part({0}, 'port') AS BIGINT)",
    "url_extract_parameter(varchar, varchar) -> varchar": "trino_url_parameter({0}, {1})",
    "json_format(json) -> varchar": "{0}",
    "try(T) -> T": "TRY({0})",
}

MATH = {
    "sign(decimal) -> decimal(1,0)": "CAST(sign({0}) AS DECIMAL(1, 0))",
    "sign(N) -> N": "CAST(sign({0}) AS {type})",
    "log(double, double) -> double": "(ln({1}) / ln({0}))",
    "e() -> double": "exp(CAST(1 AS DOUBLE))",
    "nan() -> double": "CAST('NaN' AS DOUBLE)",
    "infinity() -> double": "CAST('Infinity' AS DOUBLE)",
    "is_nan(double) -> boolean": "isnan({0})",
    "is_finite(double) -> boolean": "isfinite({0})",
    "is_infinite(double) -> boolean": "isinf({0})",
    "rand() -> double": "random()",
    "bitwise_and(bigint, bigint) -> bigint": "({0} & {1})",
    "bitwise_or(bigint, bigint) -> bigint": "({0} | {1})",
    "bitwise_xor(bigint, bigint) -> bigint": "xor({0}, {1})",
    "bitwise_not(bigint) -> bigint": "(~{0})",
}

TIME = {
    "last_day_of_month(date) -> date": "last_day({0})",
    "from_unixtime(double) -> timestamp(3) with time zone": (
        "timezone('UTC', make_timestamp(CAST(round({0} * 1000) AS BIGINT) * 1000))"
    ),
    "to_unixtime(timestamp) -> double": "epoch({0})",
    "to_unixtime(timestamp with time zone) -> double": "epoch({0})",
    "to_milliseconds(interval day to second) -> bigint": "CAST(epoch({0}) * 1000 AS BIGINT)",
    "from_iso8601_date(varchar) -> date": "trino_iso8601_date({0})",
    "to_iso8601(date) -> varchar": "CAST({0} AS VARCHAR)",
    "now() -> timestamp(3) with time zone": "date_trunc('millisecond', now())",
}

COLLECTIONS = {
    "cardinality(array(T)) -> bigint": "len({0})",
    "cardinality(map(K, V)) -> bigint": "CAST(cardinality({0}) AS BIGINT)",
    "element_at(map(K, V), K) -> V": "{0}[{1}]",
    "array_sort(array(T)) -> array(T)": "list_sort({0}, 'ASC', 'NULLS LAST')",
    "array_min(array(T)) -> T": "(CASE WHEN NOT trino_has_null({0}) THEN list_min({0}) END)",
    "array_union(array(T), array(T)) -> array(T)": "trino_array_distinct({0} || {1})",
    "concat(array(T), array(T)...) -> array(T)": "({joined})",
    "reverse(array(T)) -> array(T)": "list_reverse({0})",
    "repeat(T, bigint) -> array(T)": "list_transform(range(trino_count({1})), lambda each: {0})",
    "sequence(bigint, bigint) -> array(bigint)": "trino_checked_sequence(trino_sequence({0}, {1}))",
    "sequence(bigint, bigint, bigint) -> array(bigint)": (
        "trino_checked_sequence(trino_steps({0}, {1}, {2}))"
    ),
    "map_concat(map(K, V), map(K, V)) -> map(K, V)": (
        "(CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN map_concat({0}, {1}) END)"
    ),
}

TABLE = {**SAME_IN_DUCKDB, **OWN, **TEXT, **MATH, **TIME, **COLLECTIONS}
