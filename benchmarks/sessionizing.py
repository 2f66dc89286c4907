"""Contestants that only sessionize: hits are in memory before the clock starts.

All get the same two columns, visitor and time, in file order, assign a session to each hit, and
return the number of sessions. Visitor ids are texts: `str` in pandas, and dictionary-encoded in
ours, as between the steps of the pipeline. A second pandas contestant gets numbers as visitor ids.
DuckDB and Polars get numbers, too, which is faster for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GAP = 1800 * 1_000_000

Result = tuple[int, float]


def clickstream(hits: Path) -> Result:
    """Ours: one sort of packed integers, and a flag where a session begins."""
    import numpy as np

    from clickstream.sessions import SessionRules, cut

    requests = _Hits(_hits(hits))

    def sessions() -> int:
        found = cut(requests, SessionRules())
        session = np.empty(len(requests), np.int64)
        session[found.order] = found.part
        return len(found.first)

    return _timed(sessions)


class _Hits:
    """The two columns in the form that `clickstream.sessions` reads: visitors are texts."""

    def __init__(self, hits: Any) -> None:
        import pyarrow as pa

        codes = pa.array(hits["visitor"].to_numpy().astype("int32"))
        names = pa.array([f"{code:024x}" for code in range(int(hits["visitor"].max()) + 1)])
        visitors = pa.DictionaryArray.from_arrays(codes, names)
        at = pa.array(hits["hit_at"].to_numpy().astype("M8[us]"))
        self._hits = pa.table({"visitor_id": visitors, "hit_at": at})

    def __len__(self) -> int:
        return len(self._hits)

    def arrow(self, _rows: Any, only: Any) -> Any:
        return self._hits.select(only)


def pandas_groupby(hits: Path) -> Result:
    """The pandas idiom, with visitors as texts."""
    numbers = _hits(hits)
    texts = _Hits(numbers).arrow(None, ["visitor_id"])["visitor_id"].cast("string")
    return _pandas_idiom(numbers.assign(visitor=texts.to_pandas()))


def pandas_groupby_of_numbers(hits: Path) -> Result:
    """The pandas idiom, with visitors as numbers."""
    return _pandas_idiom(_hits(hits))


def _pandas_idiom(frame: Any) -> Result:
    """Sort, the difference within each visitor, a running sum."""

    def cut() -> int:
        ordered = frame.sort_values(["visitor", "hit_at"])
        gap = ordered.groupby("visitor")["hit_at"].diff()
        ordered["session"] = (gap.isna() | (gap > GAP)).cumsum()
        return int(ordered["session"].max())

    return _timed(cut)


def duckdb_window(hits: Path) -> Result:
    """DuckDB: `lag` and a running sum as window functions."""
    import duckdb

    con = duckdb.connect()
    con.execute("set threads = 1")
    frame = _hits(hits)
    con.register("given", frame)
    con.execute("create temp table hits as select * from given")

    def cut() -> int:
        con.execute(
            f"""
            create temp table cut as
            with gaps as (
                select
                    *,
                    coalesce(
                        hit_at - lag(hit_at) over (partition by visitor order by hit_at) > {GAP},
                        true
                    ) as opens,
                from hits
            )
            select *, sum(opens::int) over (order by visitor, hit_at rows unbounded preceding)
                as session
            from gaps
            """
        )
        (count,) = con.execute("select max(session) from cut").fetchall()[0]
        return int(count)

    return _timed(cut)


def polars_window(hits: Path) -> Result:
    """Polars: a sort, then the same comparison over whole columns."""
    import polars as pl

    frame = pl.from_pandas(_hits(hits))

    def cut() -> int:
        opens = (pl.col("visitor") != pl.col("visitor").shift()) | (pl.col("hit_at").diff() > GAP)
        ordered = frame.sort("visitor", "hit_at")
        cut = ordered.with_columns(opens.fill_null(value=True).cum_sum().alias("session"))
        return int(cut["session"].max())

    return _timed(cut)


def _hits(log: Path) -> Any:
    """Visitor and time of the cleaned requests, as whole numbers in a pandas frame, as logged."""
    import pandas as pd

    from benchmarks.whole_way import Stages, cleaned

    groups = cleaned(log, Stages(), [])
    requests = pd.concat(
        [
            group.frame(only=["visitor_id", "hit_at", "line_number"]).astype({"visitor_id": "str"})
            for group in groups
        ]
    )
    requests = requests.sort_values("line_number").astype({"visitor_id": "category"})
    return pd.DataFrame(
        {
            "visitor": requests["visitor_id"].cat.codes.to_numpy("int64"),
            "hit_at": requests["hit_at"].to_numpy("M8[us]").astype("int64"),
        }
    )


def _timed(work: Callable[[], int]) -> Result:
    """Return the result of work, and its CPU seconds (user and system, all threads)."""
    start = time.process_time()
    count = work()
    return count, time.process_time() - start
