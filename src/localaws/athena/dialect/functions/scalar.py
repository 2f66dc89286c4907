"""Scalar functions whose DuckDB form follows from the types of the arguments alone.

Functions called ``trino_...`` are the worker's own: macros and Python functions for what DuckDB
does differently or not at all.
"""

from __future__ import annotations

WHITESPACE = "trino_whitespace()"

TEXT = {
    "length(varchar) -> bigint": "length({0})",
    "lower(varchar) -> varchar": "lower({0})",
    "upper(varchar) -> varchar": "trino_upper({0})",
    "trim(varchar) -> varchar": f"trim({{0}}, {WHITESPACE})",
    "ltrim(varchar) -> varchar": f"ltrim({{0}}, {WHITESPACE})",
    "rtrim(varchar) -> varchar": f"rtrim({{0}}, {WHITESPACE})",
    "substr(varchar, bigint) -> varchar": "trino_substr({0}, {1})",
    "substr(varchar, bigint, bigint) -> varchar": "trino_substr_length({0}, {1}, {2})",
    "substring(varchar, bigint) -> varchar": "trino_substr({0}, {1})",
    "substring(varchar, bigint, bigint) -> varchar": "trino_substr_length({0}, {1}, {2})",
    "replace(varchar, varchar) -> varchar": "trino_replace({0}, {1}, '')",
    "replace(varchar, varchar, varchar) -> varchar": "trino_replace({0}, {1}, {2})",
    "reverse(varchar) -> varchar": "trino_reverse({0})",
    "strpos(varchar, varchar) -> bigint": "strpos({0}, {1})",
    "starts_with(varchar, varchar) -> boolean": "starts_with({0}, {1})",
    "split(varchar, varchar) -> array(varchar)": "trino_split({0}, {1})",
    "split_part(varchar, varchar, bigint) -> varchar": "trino_split_part({0}, {1}, {2})",
    "concat(varchar, varchar...) -> varchar": "({joined})",
    "concat_ws(varchar, varchar...) -> varchar": "concat_ws({listed})",
    "lpad(varchar, bigint, varchar) -> varchar": "lpad({0}, CAST({1} AS INTEGER), {2})",
    "rpad(varchar, bigint, varchar) -> varchar": "rpad({0}, CAST({1} AS INTEGER), {2})",
    "chr(bigint) -> varchar": "chr(CAST({0} AS INTEGER))",
    "to_utf8(varchar) -> varbinary": "encode({0})",
    "to_hex(varbinary) -> varchar": "hex({0})",
    "from_hex(varchar) -> varbinary": "trino_from_hex({0})",
    "to_base64(varbinary) -> varchar": "to_base64({0})",
    "from_base64(varchar) -> varbinary": "from_base64({0})",
    "md5(varbinary) -> varbinary": "unhex(md5({0}))",
    "sha1(varbinary) -> varbinary": "unhex(sha1({0}))",
    "sha256(varbinary) -> varbinary": "unhex(sha256({0}))",
    "regexp_like(varchar, varchar) -> boolean": "trino_regexp_like({0}, {1})",
    "regexp_extract(varchar, varchar) -> varchar": "trino_regexp_extract({0}, {1}, 0)",
    "regexp_extract(varchar, varchar, bigint) -> varchar": "trino_regexp_extract({0}, {1}, {2})",
    "regexp_extract_all(varchar, varchar) -> array(varchar)": (
        "trino_regexp_extract_all({0}, {1}, 0)"
    ),
    "regexp_extract_all(varchar, varchar, bigint) -> array(varchar)": (
        "trino_regexp_extract_all({0}, {1}, {2})"
    ),
    "regexp_replace(varchar, varchar) -> varchar": "trino_regexp_replace({0}, {1}, '')",
    "regexp_replace(varchar, varchar, varchar) -> varchar": "trino_regexp_replace({0}, {1}, {2})",
    "regexp_count(varchar, varchar) -> bigint": "len(trino_regexp_extract_all({0}, {1}, 0))",
}

URLS = {
    "url_extract_protocol(varchar) -> varchar": "trino_url_part({0}, 'protocol')",
    "url_extract_host(varchar) -> varchar": "trino_url_part({0}, 'host')",
    "url_extract_path(varchar) -> varchar": "trino_url_part({0}, 'path')",
    "url_extract_query(varchar) -> varchar": "trino_url_part({0}, 'query')",
    "url_extract_fragment(varchar) -> varchar": "trino_url_part({0}, 'fragment')",
    "url_extract_port(varchar) -> bigint": "CAST(trino_url_part({0}, 'port') AS BIGINT)",
    "url_extract_parameter(varchar, varchar) -> varchar": "trino_url_parameter({0}, {1})",
    "url_encode(varchar) -> varchar": "trino_url_encode({0})",
    "url_decode(varchar) -> varchar": "trino_url_decode({0})",
}

MATH = {
    "abs(tinyint) -> tinyint": "abs({0})",
    "abs(smallint) -> smallint": "abs({0})",
    "abs(integer) -> integer": "abs({0})",
    "abs(bigint) -> bigint": "abs({0})",
    "abs(decimal) -> decimal": "abs({0})",
    "abs(real) -> real": "abs({0})",
    "abs(double) -> double": "abs({0})",
    "sign(tinyint) -> tinyint": "CAST(sign({0}) AS TINYINT)",
    "sign(smallint) -> smallint": "CAST(sign({0}) AS SMALLINT)",
    "sign(integer) -> integer": "CAST(sign({0}) AS INTEGER)",
    "sign(bigint) -> bigint": "CAST(sign({0}) AS BIGINT)",
    "sign(decimal) -> decimal(1,0)": "CAST(sign({0}) AS DECIMAL(1, 0))",
    "sign(real) -> real": "CAST(sign({0}) AS FLOAT)",
    "sign(double) -> double": "CAST(sign({0}) AS DOUBLE)",
    "power(double, double) -> double": "pow({0}, {1})",
    "pow(double, double) -> double": "pow({0}, {1})",
    "sqrt(double) -> double": "sqrt({0})",
    "cbrt(double) -> double": "cbrt({0})",
    "exp(double) -> double": "exp({0})",
    "ln(double) -> double": "ln({0})",
    "log2(double) -> double": "log2({0})",
    "log10(double) -> double": "log10({0})",
    "log(double, double) -> double": "(ln({1}) / ln({0}))",
    "sin(double) -> double": "sin({0})",
    "cos(double) -> double": "cos({0})",
    "tan(double) -> double": "tan({0})",
    "asin(double) -> double": "asin({0})",
    "acos(double) -> double": "acos({0})",
    "atan(double) -> double": "atan({0})",
    "atan2(double, double) -> double": "atan2({0}, {1})",
    "radians(double) -> double": "radians({0})",
    "degrees(double) -> double": "degrees({0})",
    "pi() -> double": "pi()",
    "e() -> double": "exp(CAST(1 AS DOUBLE))",
    "nan() -> double": "CAST('NaN' AS DOUBLE)",
    "infinity() -> double": "CAST('Infinity' AS DOUBLE)",
    "is_nan(double) -> boolean": "isnan({0})",
    "is_finite(double) -> boolean": "isfinite({0})",
    "is_infinite(double) -> boolean": "isinf({0})",
    "rand() -> double": "random()",
    "random() -> double": "random()",
    "bitwise_and(bigint, bigint) -> bigint": "({0} & {1})",
    "bitwise_or(bigint, bigint) -> bigint": "({0} | {1})",
    "bitwise_xor(bigint, bigint) -> bigint": "xor({0}, {1})",
    "bitwise_not(bigint) -> bigint": "(~{0})",
    "width_bucket(double, double, double, bigint) -> bigint": (
        "trino_width_bucket({0}, {1}, {2}, {3})"
    ),
    "great_circle_distance(double, double, double, double) -> double": (
        "trino_great_circle_distance({0}, {1}, {2}, {3})"
    ),
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
    "element_at(array(T), bigint) -> T": "trino_element_at({0}, {1})",
    "element_at(map(K, V), K) -> V": "{0}[{1}]",
    "contains(array(T), T) -> boolean": "trino_contains({0}, {1})",
    "array_distinct(array(T)) -> array(T)": "trino_array_distinct({0})",
    "array_sort(array(T)) -> array(T)": "list_sort({0}, 'ASC', 'NULLS LAST')",
    "array_max(array(T)) -> T": "trino_array_max({0})",
    "array_min(array(T)) -> T": "(CASE WHEN NOT trino_has_null({0}) THEN list_min({0}) END)",
    "array_position(array(T), T) -> bigint": "trino_array_position({0}, {1})",
    "array_remove(array(T), T) -> array(T)": "trino_array_remove({0}, {1})",
    "arrays_overlap(array(T), array(T)) -> boolean": "trino_arrays_overlap({0}, {1})",
    "array_intersect(array(T), array(T)) -> array(T)": "trino_array_intersect({0}, {1})",
    "array_union(array(T), array(T)) -> array(T)": "trino_array_distinct({0} || {1})",
    "concat(array(T), array(T)...) -> array(T)": "({joined})",
    "flatten(array(array(T))) -> array(T)": "flatten({0})",
    "slice(array(T), bigint, bigint) -> array(T)": "trino_slice({0}, {1}, {2})",
    "reverse(array(T)) -> array(T)": "list_reverse({0})",
    "repeat(T, bigint) -> array(T)": "list_transform(range({1}), lambda repeated: {0})",
    "sequence(bigint, bigint) -> array(bigint)": "trino_checked_sequence(trino_sequence({0}, {1}))",
    "sequence(bigint, bigint, bigint) -> array(bigint)": (
        "trino_checked_sequence(trino_steps({0}, {1}, {2}))"
    ),
    "map(array(K), array(V)) -> map(K, V)": "map({0}, {1})",
    "map_keys(map(K, V)) -> array(K)": "map_keys({0})",
    "map_values(map(K, V)) -> array(V)": "map_values({0})",
    "map_concat(map(K, V), map(K, V)) -> map(K, V)": (
        "(CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN map_concat({0}, {1}) END)"
    ),
}

JSON = {
    "json_parse(varchar) -> json": "trino_json_parse({0})",
    "json_format(json) -> varchar": "{0}",
    "json_array_length(varchar) -> bigint": "trino_json_array_length({0})",
    "json_array_length(json) -> bigint": "trino_json_array_length({0})",
}

TABLE = {**TEXT, **URLS, **MATH, **TIME, **COLLECTIONS, **JSON}
