"""Contestants that only parse: each reads the gzipped log and returns how many lines it parsed.

Ours also checks times, decodes text and splits request lines; the others only extract the texts of
fields. All but GoAccess use the same strict pattern, which supports escaped quotes. Those in Python
decompress with ISA-L, and count block by block without storing results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isal import igzip

_QUOTED = r'"(?P<{}>(?:[^"\\]|\\.)*)"'
PATTERN = (
    r"^(?P<client>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "
    + _QUOTED.format("request")
    + r" (?P<status>\d{3}) (?P<bytes>\d+|-) "
    + f"{_QUOTED.format('referrer')} {_QUOTED.format('user_agent')}$"
)
FIELDS = tuple(re.findall(r"\?P<(\w+)>", PATTERN))


def clickstream(log: Path) -> int:
    """Ours, as a stream: requests and rejects in tables, block after block."""
    from clickstream.parse import parse_blocks, read_blocks

    with igzip.open(log) as stream:
        return sum(len(part.table) for part in parse_blocks(read_blocks(stream), "combined"))


def python_re(log: Path) -> int:
    """The standard library, line by line."""
    pattern = re.compile(PATTERN.encode())
    with igzip.open(log) as lines:
        return sum(pattern.match(line.rstrip(b"\n")) is not None for line in lines)


def pyarrow_regex(log: Path) -> int:
    """Arrow's `extract_regex`, block by block."""
    import pyarrow.compute as pc

    matched = (pc.extract_regex(lines, PATTERN) for lines in _arrow_lines(log))
    return sum(len(fields) - fields.null_count for fields in matched)


def _arrow_lines(log: Path) -> Iterator[Any]:
    """Arrays of lines, cut without a copy; the log ends with a newline."""
    import numpy as np
    import pyarrow as pa

    from clickstream.parse import read_blocks

    with igzip.open(log) as stream:
        for block in read_blocks(stream):
            ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
            offsets = np.concatenate([[0], ends + 1]).astype(np.int32)
            spans = [None, pa.py_buffer(offsets), pa.py_buffer(block)]
            lines = pa.Array.from_buffers(pa.binary(), len(ends), spans)
            yield pa.compute.binary_slice(lines, 0, -1)


def duckdb_regex(log: Path) -> int:
    """DuckDB's `regexp_extract` with names, into a table."""
    con = duckdb_with_lines(log)
    (count,) = con.execute("select count(*) from parsed").fetchall()[0]
    return int(count)


def duckdb_with_lines(log: Path) -> Any:
    """A DuckDB connection with the table `parsed`: line_number and one text per field.

    DuckDB's text must be UTF-8: lines that are not UTF-8 are dropped.
    """
    import duckdb

    con = duckdb.connect()
    con.execute("set threads = 1")
    pattern = re.sub(r"\?P<\w+>", "", PATTERN).replace("'", "''")
    con.execute(
        f"""
        create temp table extracted as
        select
            row_number() over () as line_number,
            regexp_extract(line, '{pattern}', {[*FIELDS]}) as fields,
        from read_csv(
            '{log}', columns = {{'line': 'varchar'}}, delim = '\x01', quote = '', escape = '',
            header = false, auto_detect = false, ignore_errors = true, null_padding = false,
            max_line_size = 1000000, compression = 'gzip', strict_mode = false
        );
        create temp table parsed as
        select line_number, unnest(fields) from extracted where fields.client <> '';
        drop table extracted;
        """
    )
    return con


def polars_regex(log: Path) -> int:
    """Polars' `extract_groups`, streaming."""
    return len(polars_parsed(log).collect(engine="streaming"))


def polars_parsed(log: Path) -> Any:
    """A lazy Polars frame: line_number and one text per field; bytes not UTF-8 become U+FFFD."""
    import polars as pl

    lines = pl.scan_csv(
        log,
        separator="\x01",
        quote_char=None,
        has_header=False,
        schema={"line": pl.String},
        encoding="utf8-lossy",
        row_index_name="line_number",
        row_index_offset=1,
    )
    fields = pl.col("line").str.extract_groups(PATTERN).alias("fields")
    parsed = lines.select("line_number", fields).unnest("fields")
    return parsed.filter(pl.col("client").is_not_null())
