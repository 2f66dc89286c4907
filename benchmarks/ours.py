"""This project's contestants for the whole pipeline, with the functions that a build calls.

The imports are at the top, so that they are done before the clock of the stages starts. Contestants
of other tools must not import this module.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from isal import igzip

from benchmarks.generate import HOUR, SITE
from benchmarks.whole_way import DOMAIN, KEY, Rows
from clickstream import clean, parse, sessions
from clickstream.core import dictionary_encoding
from clickstream.core.hours import Hour
from clickstream.parquet import RowsWriter
from clickstream.pipeline.hour import spill
from clickstream.tables import HITS, REJECTS, SESSION_PARTS


class Stages:
    """CPU seconds of each stage after the imports, in the order in which the stages first ended."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.process_time()

    def done(self, stage: str) -> None:
        """Assign the CPU time since the last call to this stage."""
        now = time.process_time()
        self.seconds[stage] = round(self.seconds.get(stage, 0) + now - self._since, 4)
        self._since = now


def clickstream(
    log: Path, out: Path, stages: Stages, look_ups: clean.LookUps | None = None
) -> Rows:
    """Build the hour of a log, and measure the stages."""
    hour, rejects, rules = Hour.parse(HOUR), list[Any](), sessions.SessionRules(1800, 12)
    with (
        RowsWriter(out / "hits.parquet", HITS, hour) as hits,
        RowsWriter(out / "session_parts.parquet", SESSION_PARTS, hour) as parts,
        RowsWriter(out / "rejects.parquet", REJECTS, hour) as refused,
    ):
        for requests in _clean_log(log, stages, rejects, look_ups):
            requests.balance()
            stages.done("visitors and behaviour")
            cut = sessions.cut(requests, rules)
            made = sessions.make_parts(requests, cut, rules)
            stitched = sessions.stitch(made, sessions.no_carry(), rules)
            stages.done("sessions")
            parts.write(stitched)
            for rows in sessions.hits_in_order(requests, cut, made):
                hits.write(rows)
            stages.done("shape and write")
        refused.write(pa.concat_tables(rejects))
    return hits.rows, parts.rows


def clickstream_again(log: Path, out: Path) -> tuple[Rows, float]:
    """Build the hour twice; return the CPU seconds of the second time.

    This is the cost of most hours of a day that is built again: nothing is imported or compiled,
    and the devices of user agents are known.
    """
    from clickstream.settings import Settings
    from clickstream.step_config import look_ups

    prepared = look_ups(Settings())
    clickstream(log, out, Stages(), prepared)
    begun = time.process_time()
    rows = clickstream(log, out, Stages(), prepared)
    return rows, time.process_time() - begun


def _clean_log(
    log: Path, stages: Stages, rejects: list[Any], look_ups: clean.LookUps | None
) -> Iterator[Any]:
    """Yield the classified requests of the log in groups, and add rejects to the list."""

    def batches() -> Iterator[Any]:
        with igzip.open(log) as stream:
            blocks = _time_blocks(parse.read_blocks(stream), stages)
            for parsed in parse.parse_blocks(blocks, "combined"):
                stages.done("parse")
                raw_object = dictionary_encoding.encode_constant(log.name, len(parsed.refused))
                rejects.append(
                    dictionary_encoding.append_columns(parsed.refused, {"raw_object": raw_object})
                )
                yield parsed.table, log.name, Hour.parse(HOUR)
                stages.done("clean")

    rules = clean.CleanRules("cafe", (SITE, DOMAIN))
    cleaner = clean.Cleaner(rules, clean.VisitorKeys(KEY), look_ups)
    stages.done("compile rules")
    return spill.grouped(batches(), cleaner, spill.groups_for(log.stat().st_size))


def _time_blocks(blocks: Iterator[bytes], stages: Stages) -> Iterator[bytes]:
    for block in blocks:
        stages.done("read")
        yield block
