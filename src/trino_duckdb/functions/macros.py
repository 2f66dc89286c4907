"""DuckDB macros for functions of Trino that DuckDB lacks or computes differently.

Their names start with ``trino_``. The tables of this package use them.
"""

from __future__ import annotations

WHITESPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2008\u2009\u200a\u2028\u2029\u205f\u3000"
)
"""Characters that Trino's trim removes; DuckDB's removes only spaces."""

CHECKS = {
    # DuckDB may evaluate the operands of AND in any order, but a branch of CASE only after its
    # condition.
    "trino_checked(x, is_wrong, message)": """CASE
        WHEN is_wrong THEN CASE WHEN trino_fail(message) IS NULL THEN NULL ELSE x END
        ELSE x END""",
    "trino_argument(x, is_wrong, message)": """trino_checked(
        x, is_wrong, 'INVALID_FUNCTION_ARGUMENT: ' || message)""",
}

TEXT = {
    "trino_whitespace()": f"'{WHITESPACE}'",
    "trino_upper(x)": """array_to_string(
        list_transform(string_split(x, 'ß'), lambda part: upper(part)), 'ß')""",
    "trino_fitting_or_null(x, n)": "CASE WHEN length(x) <= n THEN x END",
    "trino_fitting(x, n)": """trino_checked(x, length(x) > n, 'INVALID_CAST_ARGUMENT: Value '
        || x || ' cannot be represented as varchar(' || n || ')')""",
    "trino_like(x, p, e)": """like_escape(x, trino_argument(
        trino_argument(p, length(e) <> 1, 'Escape string must be a single character'),
        contains(replace(replace(replace(p, e || e, ''), e || '%', ''), e || '_', ''), e),
        'Escape character must be followed by ''%'', ''_'' or the escape character itself'), e)""",
    "trino_substr(x, s)": """CASE
        WHEN x IS NULL THEN NULL
        WHEN s = 0 THEN ''
        WHEN s > 0 THEN substr(x, s)
        WHEN length(x) + s < 0 THEN ''
        ELSE substr(x, length(x) + s + 1) END""",
    "trino_substr_length(x, s, n)": """CASE
        WHEN x IS NULL OR s IS NULL OR n IS NULL THEN NULL
        WHEN s = 0 OR n <= 0 THEN ''
        WHEN s > 0 THEN substr(x, s, n)
        WHEN length(x) + s < 0 THEN ''
        ELSE substr(x, length(x) + s + 1, n) END""",
    "trino_replace(x, old, new)": """replace(x,
        trino_checked(old, old = '', 'NOT_SUPPORTED: replace of an empty text'), new)""",
    "trino_split(x, d)": """string_split(x,
        trino_argument(d, x IS NOT NULL AND d = '',
        'The delimiter may not be the empty string'))""",
    "trino_split_part(x, d, i)": """
        string_split(x, trino_checked(d, d = '', 'NOT_SUPPORTED: split_part by an empty text'))
        [trino_argument(i, x || d IS NOT NULL AND i <= 0, 'Index must be greater than zero')]""",
}

MOMENTS = {
    "trino_date_plus(d, i)": """CAST(d + trino_argument(i, epoch_us(i) % 86400000000 <> 0,
        'Cannot add hour, minutes or seconds to a date') AS DATE)""",
    "trino_parse(x, format)": """strptime(trino_argument(x,
        x <> trim(x) AND format = trim(format), 'Invalid format: "' || split(x, '|')[-1] || '"'),
        format)""",
    "trino_parse_short_year(x, format)": """CASE WHEN year(trino_parse(x, format)) = 1969
        THEN trino_parse(x, format) + INTERVAL 100 YEAR ELSE trino_parse(x, format) END""",
    # A local time that occurs twice keeps the offset of the moment, as in Joda-Time.
    "trino_moved(zone, moment, clock)": """CASE
        WHEN timezone(zone, moment + (clock - timezone(zone, moment))) = clock
        THEN moment + (clock - timezone(zone, moment))
        ELSE timezone(zone, clock) END""",
    "trino_day_step(a, b)": "CASE WHEN a <= b THEN INTERVAL 1 DAY ELSE INTERVAL (-1) DAY END",
}

NUMBERS = {
    # NULL if one is NULL, otherwise whether neither is NaN.
    "trino_no_nan(a, b)": """CASE WHEN NOT (isnan(a) OR isnan(b)) THEN true
        WHEN a IS NULL OR b IS NULL THEN NULL ELSE false END""",
    "trino_number(x)": "CASE WHEN NOT isnan(x) THEN x END",
    "trino_lowest(x)": "CASE WHEN isnan(x) THEN '-Infinity' ELSE x END",
    "trino_round(x, n)": """CASE WHEN abs(x) * pow(10, n) < 9007199254740992
        THEN round(x * pow(10, n)) / pow(10, n) ELSE x END""",
    "trino_round_time(t, step)": """make_timestamp(epoch_us(t) + step // 2
        - ((epoch_us(t) + step // 2) % step + step) % step)""",
    "trino_half_up(n, d)": """CAST(sign(n) * sign(d) AS HUGEINT)
        * ((2 * abs(n) + abs(d)) // (2 * abs(d)))""",
}

ARRAYS = {
    "trino_has_null(l)": "len(list_filter(l, lambda e: e IS NULL)) > 0",
    "trino_checked_sequence(l)": """trino_argument(trino_argument(l, len(l) > 10000,
        'result of sequence function must not have more than 10000 entries'), len(l) = 0,
        'sequence stop value should be greater than or equal to start value if step is greater '
        || 'than zero otherwise stop should be less than or equal to start')""",
    "trino_element_at(l, i)": """l[trino_argument(i, l IS NOT NULL AND i = 0,
        'SQL array indices start at 1')]""",
    "trino_is_nan(x)": "typeof(x) IN ('DOUBLE', 'FLOAT') AND CAST(x AS VARCHAR) = 'nan'",
    "trino_contains(l, x)": """CASE
        WHEN l IS NULL OR x IS NULL THEN NULL
        WHEN trino_is_nan(x) THEN false
        WHEN list_contains(l, x) THEN true
        WHEN trino_has_null(l) THEN NULL
        ELSE false END""",
    # Sorts elements with their positions, so that equal elements are neighbours. 100,000 elements
    # take 0.1 s; a search of each element among those before it takes minutes.
    "trino_sorted(l)": """list_sort(list_transform(l,
        lambda e, i: {'k': e.k, 'i': CAST(i AS BIGINT), 'v': e.v}))""",
    "trino_firsts(s)": """list_transform(list_filter(list_zip(s, list_concat([NULL], s)),
        lambda p: p[1] IS NOT NULL AND (p[2] IS NULL OR p[1].k IS DISTINCT FROM p[2].k)),
        lambda p: p[1])""",
    "trino_tagged(l)": "trino_sorted(list_transform(l, lambda e: {'k': e, 'v': NULL}))",
    "trino_in_place(s)": """list_transform(list_sort(list_transform(s,
        lambda e: {'i': e.i, 'k': e.k})), lambda e: e.k)""",
    "trino_array_distinct(l)": """CASE WHEN l IS NOT NULL
        THEN trino_in_place(trino_firsts(trino_tagged(l))) END""",
    "trino_array_max(l)": """CASE WHEN NOT trino_has_null(l)
        THEN coalesce(list_max(list_filter(l, lambda e: NOT trino_is_nan(e))), list_max(l)) END""",
    # Up to 10,000 elements are allowed. A longer sequence is cut after one more element before it
    # is refused, because it could exhaust the memory.
    "trino_stop(a, b, step)": """CASE WHEN b IS NULL THEN NULL WHEN step > 0 * step
        THEN least(b, a + step * 10000) ELSE greatest(b, a + step * 10000) END""",
    "trino_steps(a, b, step)": """generate_series(a,
        CAST(trino_stop(CAST(a AS HUGEINT), b, step) AS BIGINT),
        trino_argument(step, a IS NOT NULL AND b IS NOT NULL AND step = 0,
            'step must not be zero'))""",
    "trino_moment_steps(a, b, step)": "generate_series(a, trino_stop(a, b, step), step)",
    "trino_sequence(a, b)": "trino_steps(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END)",
}

MAPS = {
    "trino_with_key(l)": "list_filter(l, lambda e: e.k IS NOT NULL)",
    "trino_map_of(l)": """CASE WHEN len(trino_with_key(l)) > 0 THEN map_from_entries(
        list_transform(trino_firsts(trino_sorted(trino_with_key(l))),
            lambda e: {'key': e.k, 'value': e.v})) END""",
}

MACROS = {**CHECKS, **TEXT, **MOMENTS, **NUMBERS, **ARRAYS, **MAPS}


def statements(sql: str) -> list[str]:
    """Return the CREATE MACRO statements of the macros that a text of SQL uses, in order.

    Each macro follows those it uses. Creating all of them takes longer than most queries.
    """
    used = []
    for head, body in reversed(MACROS.items()):
        if f"{head.partition('(')[0]}(" in sql:
            used.append(f"CREATE OR REPLACE TEMP MACRO {head} AS ({body})")
            sql += body
    return used[::-1]
