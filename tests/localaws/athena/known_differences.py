"""Statements of `test_fidelity.py` whose expected value is not Trino's, each with the cause.

An entry that is no longer needed fails `make test-trino`: remove it.
"""

CODE = "The local Athena refuses it, too, under another name."

KNOWN_DIFFERENCES = {
    "from_iso8601_timestamp('2026-03-08T01:00:00+02:00')": "Trino keeps the offset of the text.",
    "select id, sum(id) over (order by id rows between unbounded preceding and current row), "
    "sum(id) filter (where cat = 'tea') over () from ev order by id limit 2": (
        "Trino refuses FILTER on a window function."
    ),
    "select uid, cat, count(*), grouping(uid, cat) from ev group by grouping sets "
    "((uid), (cat), ()) order by grouping(uid, cat), uid nulls last, cat limit 1": (
        "Trino refuses grouping() in ORDER BY."
    ),
    "select [1, 2]": "Trino 476 reads it as an array. It is not known whether Athena does.",
    "select checksum(1)": "Trino has the function; the local Athena has not.",
    "select cast(300 as tinyint)": CODE,
    "select x from (values 1) as t(x) group by 2": CODE,
    "select 1 || 'a'": CODE,
    "select date '2026-01-01' + interval '1' hour": CODE,
    "select * from '/etc/passwd'": CODE,
}
