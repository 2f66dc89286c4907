"""Contestants of other tools for the whole pipeline: from a gzipped log to Parquet files.

All do the same work: parse lines and times, hash visitors, split targets and referrers, classify
kinds and bots (by distinct user agents), sessionize all requests, and write the hits that are not
assets and one row per session, sorted, with zstd. Ours (`ours.py`) does more: it stores rejects,
checks every field, records which pattern detected a bot, computes keyed ids of 24 digits for parts
and sessions, and passes the requests from task to task as a file, as the pipeline does.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks.generate import SITE
from benchmarks.parsing import duckdb_with_lines, polars_parsed

DOMAIN = SITE.removeprefix("www.")
ASSETS = ("css", "js", "woff2", "svg", "png", "webp", "jpg", "gif", "ico", "map", "woff", "jpeg")
KEY = b"0123456789abcdef"
TAGS = ("utm_source", "utm_medium", "utm_campaign")

Rows = tuple[int, int]
"""Rows written: hits and session parts."""


def bot_pattern() -> str:
    """The whole list of crawlers as one alternation."""
    import crawleruseragents

    return "|".join(
        f"(?:{crawler['pattern']})" for crawler in crawleruseragents.CRAWLER_USER_AGENTS_DATA
    )


def duckdb_sql(log: Path, out: Path) -> Rows:
    """DuckDB, in SQL."""
    con = duckdb_with_lines(log)
    con.execute(
        "create temp table agents as select user_agent, regexp_matches(user_agent, $1) as is_bot "
        "from (select distinct user_agent from parsed)",
        [bot_pattern()],
    )
    con.execute(_sql("duckdb.sql", out))
    hits, parts = (
        con.execute(f"select count(*) from '{out}/{name}.parquet'").fetchone()[0]
        for name in ("hits", "session_parts")
    )
    return hits, parts


def _sql(name: str, out: Path) -> str:
    text = Path(__file__).with_name(name).read_text()
    for placeholder, value in (
        ("{domain}", re.escape(DOMAIN)),
        ("{assets}", "|".join(ASSETS)),
        ("{key}", KEY.decode()),
        ("{out}", str(out)),
    ):
        text = text.replace(placeholder, value)
    return text


def polars_frames(log: Path, out: Path) -> Rows:
    """Polars, in expressions; its visitor ids are a seeded 64-bit hash."""
    import polars as pl

    parsed = polars_parsed(log).collect(engine="streaming")
    requests = _polars_cut(_polars_cleaned(parsed))
    is_page, line = pl.col("kind") == "page", pl.col("line_number")
    sourced = pl.any_horizontal(pl.col("utm_source", "referrer_domain").is_not_null())
    parts = requests.group_by("visitor_id", "part_id").agg(
        pl.col("hit_at").min().alias("first_hit_at"),
        pl.col("hit_at").max().alias("last_hit_at"),
        pl.len().alias("requests"),
        is_page.sum().alias("page_views"),
        (pl.col("kind") == "asset").sum().alias("assets"),
        pl.col("kind").is_in(["client_error", "server_error"]).sum().alias("errors"),
        pl.col("hit_at").filter(is_page).min().alias("first_page_at"),
        pl.col("hit_at").filter(is_page).max().alias("last_page_at"),
        pl.col("path").filter(is_page).first().alias("landing_page"),
        pl.col("path").filter(is_page).last().alias("exit_page"),
        pl.col("is_bot").any(),
        *(pl.col(name).filter(sourced).first() for name in ("referrer_domain", *TAGS)),
        line.min(),
    )
    hits = requests.filter(pl.col("kind") != "asset")
    hits.write_parquet(out / "hits.parquet", compression="zstd")
    parts = parts.sort("visitor_id", "first_hit_at")
    parts.write_parquet(out / "session_parts.parquet", compression="zstd")
    return len(hits), len(parts)


def _polars_cleaned(parsed: Any) -> Any:
    """The columns of a hit, from the texts of the fields."""
    import polars as pl

    agents = parsed.select("user_agent").unique()
    agents = agents.with_columns(pl.col("user_agent").str.contains(bot_pattern()).alias("is_bot"))
    request = r"^(?P<method>[^ ]+) (?P<target>.+) HTTP/[0-9.]+$"
    split = parsed.join(agents, on="user_agent").with_columns(
        pl.col("request").str.extract_groups(request).struct.unnest(),
        pl.col("time").str.to_datetime("%d/%b/%Y:%H:%M:%S %z").alias("hit_at"),
        pl.concat_str("client", pl.lit("\0"), "user_agent").hash(7).alias("visitor_id"),
        pl.col("status").cast(pl.Int16),
        pl.col("bytes").cast(pl.Int64, strict=False),
        pl.col("referrer").str.extract(r"^[a-z]+://([^/:?#]+)", 1).alias("referrer_domain"),
    )
    own = pl.col("referrer_domain").str.contains(rf"(^|\.){re.escape(DOMAIN)}$")
    cleaned = split.with_columns(
        pl.col("target").str.extract(r"^([^?#]*)", 1).alias("path"),
        pl.when(~own).then("referrer_domain").alias("referrer_domain"),
        *(pl.col("target").str.extract(rf"[?&]{tag}=([^&#]*)", 1).alias(tag) for tag in TAGS),
    )
    kept = cleaned.with_columns(_polars_kind().alias("kind"), *map(_polars_decoded, TAGS))
    return kept.drop("request", "target", "time", "referrer", "user_agent", "client")


def _polars_kind() -> Any:
    import polars as pl

    status, hundreds = pl.col("status"), pl.col("status") // 100
    answered = (status == 200) | (status == 304)
    return (
        pl.when(pl.col("path").str.contains(rf"(?i)\.(?:{'|'.join(ASSETS)})$"))
        .then(pl.lit("asset"))
        .when((hundreds == 3) & (status != 304))
        .then(pl.lit("redirect"))
        .when(hundreds == 4)
        .then(pl.lit("client_error"))
        .when(hundreds == 5)
        .then(pl.lit("server_error"))
        .when((pl.col("method") == "GET") & answered)
        .then(pl.lit("page"))
        .otherwise(pl.lit("other"))
    )


def _polars_decoded(tag: str) -> Any:
    """Decode percent-encoding, once for each distinct text; Polars has no function for it."""
    from urllib.parse import unquote_plus

    import polars as pl

    def decoded(texts: Any) -> Any:
        distinct = texts.unique().drop_nulls().to_list()
        return texts.replace(distinct, [*map(unquote_plus, distinct)])

    return pl.col(tag).map_batches(decoded, return_dtype=pl.String)


def _polars_cut(cleaned: Any) -> Any:
    """The requests by visitor and time, each with the number of its session."""
    import polars as pl

    gap, visitor = pl.duration(seconds=1800), pl.col("visitor_id")
    opens = (visitor != visitor.shift()) | (pl.col("hit_at").diff() > gap)
    ordered = cleaned.sort("visitor_id", "hit_at", "line_number")
    return ordered.with_columns(opens.fill_null(value=True).cum_sum().alias("part_id"))
