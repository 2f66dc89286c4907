"""Traffic through the real steps, hour by hour, without a lake: what it would hold, in DuckDB.

Each hour is parsed, cleaned, cut and stitched to what the hour before hands on. Visitor keys change
every day, and with them the ids under which a session goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from itertools import accumulate
from typing import Any

import duckdb
import pyarrow as pa
from tests.support.traffic import FIRST, Traffic

from clickstream import clean, parse, sessions
from clickstream.core.hours import Hour, hour_range
from clickstream.parquet import shape
from clickstream.tables import BALANCE, HITS, HOUR_LEDGER, REJECTS, SESSION_PARTS

BEHAVIOUR = clean.BehaviourRules(
    pages_in_a_minute=None, pages_without_asset=None, pages_without_referrer=None
)
RULES = clean.CleanRules("cafe", behaviour=BEHAVIOUR)

Tables = dict[str, list[pa.Table]]


def built_hourly(traffic: Traffic, rules: sessions.SessionRules) -> duckdb.DuckDBPyConnection:
    """A database with the tables of a lake, filled hour after hour."""
    tables: Tables = defaultdict(list)
    carry, raw = sessions.no_carry(), raw_by_hour(traffic)
    for hour in hour_range(FIRST, traffic.last):
        parts = [_build(tables, hour, raw[hour], carry, rules)] if hour in raw else []
        rows = pa.concat_tables([carry, *map(sessions.carry_rows, parts)])
        carry = sessions.carry_out(rows, hour, rules)
    return _database(tables)


def raw_by_hour(traffic: Traffic) -> Mapping[Hour, Mapping[str, bytes]]:
    """Each hour's lines by host, in file order; one without a time goes with that before it."""
    raw: dict[Hour, dict[str, bytes]] = defaultdict(dict)
    for host, lines in sorted(traffic.logs.items()):
        data = [f"{line}\n".encode() for line in lines]
        epochs = parse.event_hours(b"".join(data), "combined").tolist()
        filled = accumulate(epochs, lambda before, own: own if own >= 0 else before)
        for line, epoch in zip(data, filled, strict=True):
            hour = raw[Hour.of_epoch(epoch)]
            hour[host] = hour.get(host, b"") + line
    return raw


def _build(
    tables: Tables,
    hour: Hour,
    raw: Mapping[str, bytes],
    carry: pa.Table,
    rules: sessions.SessionRules,
) -> pa.Table:
    """Add an hour to the tables; its session parts."""
    cleaner = clean.Cleaner(RULES, _keys(hour, rules.timeout_seconds))
    rejected = 0
    for host, lines in raw.items():
        parsed = parse.parse(lines, "combined")
        raw_object = f"raw/{hour}/{host}"
        cleaner.add(parsed.table, raw_object)
        rejects = parsed.rejects.assign(raw_object=raw_object)
        tables[REJECTS.name].append(shape(rejects, REJECTS, hour))
        rejected += len(parsed.rejects)
    requests = cleaner.requests()
    cut = sessions.cut(requests, rules)
    made = sessions.make_parts(requests, cut, rules)
    for hits in sessions.hits_in_order(requests, cut, made):
        tables[HITS.name].append(shape(hits, HITS, hour))
    parts = sessions.stitch(made, carry, rules)
    tables[SESSION_PARTS.name].append(shape(parts, SESSION_PARTS, hour))
    tables[HOUR_LEDGER.name].append(_ledger_row(hour, requests.balance(), rejected))
    return parts


def _keys(hour: Hour, timeout_seconds: int) -> clean.VisitorKeys:
    """The day's key, and the one of the day before while sessions may be open under that."""
    reach = Hour.of(hour.start - timedelta(seconds=timeout_seconds))
    now, before = (str(one.event_date).encode() * 2 for one in (hour, reach))
    return clean.VisitorKeys(now, before if before != now else None)


def _ledger_row(hour: Hour, balance: Mapping[str, int], rejected: int) -> pa.Table:
    counts = {name: balance[name] for name in BALANCE} | {"rejected": rejected}
    row: dict[str, Any] = {"hour_at": hour.naive, "lines": sum(counts.values()), **counts}
    return pa.Table.from_pylist([row])


def _database(tables: Tables) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for table in (HITS, SESSION_PARTS, REJECTS, HOUR_LEDGER):
        rows = tables[table.name] or [table.arrow_schema().empty_table()]
        connection.register(table.name, pa.concat_tables(rows))
    return connection
