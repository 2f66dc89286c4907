"""Add bot verdicts by behaviour to labelled requests, once all requests of an hour are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.clean.bots import (
    BEHAVIOURS,
    BehaviourRules,
    HourOfRequests,
    behaviour,
    is_scanner_path,
)
from clickstream.clean.dictionary_columns import verdict_table
from clickstream.clean.request_table import RequestTable
from clickstream.core import dictionary_encoding

Positions = npt.NDArray[np.int64]


def add_behaviour_verdicts(requests: RequestTable, rules: BehaviourRules) -> RequestTable:
    """Return the requests with verdicts for visitors that behave like bots, hour by hour.

    Only visitors without a verdict by user agent or network are checked. A verdict by behaviour
    applies to one hour of the visitor.
    """
    visitors = requests.tables["visitor"]
    ids = dictionary_encoding.codes_of(visitors["visitor_id"])
    behaviour_of = np.full(len(visitors), -1, np.int8)
    is_robots, is_scanner = _flags(requests.tables["target"], rules)
    page = dictionary_encoding.codes_of(requests.tables["target"]["page"])
    rows = requests.columns
    for hour in _hours_of_people(requests):
        target, visitor = rows["target"][hour], rows["visitor"][hour]
        number, people = pd.factorize(ids[visitor])
        verdicts = behaviour(
            HourOfRequests(
                len(people),
                number,
                rows["hit_at"][hour].astype("M8[s]").astype(np.int64),
                rows["kind"][hour],
                page[target],
                is_robots[target],
                is_scanner[target],
                rows["has_referrer"][hour],
            ),
            rules,
        )
        behaviour_of[visitor] = verdicts[number]
    return requests.with_table("visitor", _with_verdicts(visitors, behaviour_of))


def _flags(
    targets: pa.RecordBatch, rules: BehaviourRules
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return two masks of the targets: those that are robots.txt, and those of scanner paths."""
    paths = targets["path"].dictionary.to_pylist()
    codes = dictionary_encoding.codes_of(targets["path"])
    robots = [path.endswith("/robots.txt") for path in paths]
    scanner = [is_scanner_path(path, rules.scanner_parts) for path in paths]
    return np.array([*robots, False])[codes], np.array([*scanner, False])[codes]


def _hours_of_people(requests: RequestTable) -> Iterator[Positions]:
    """Yield the positions of people's requests, hour by hour."""
    people = np.flatnonzero(~requests.is_bot)
    hours = requests.columns["hour"][people]
    if len(people) and hours.min() == hours.max():
        yield people
        return
    order = np.argsort(hours, kind="stable")
    cuts = np.flatnonzero(np.diff(hours[order])) + 1
    yield from (part for part in np.split(people[order], cuts) if len(part))


def _with_verdicts(visitors: pa.RecordBatch, behaviour_of: npt.NDArray[np.int8]) -> pa.RecordBatch:
    """Return the table of visitors with added verdicts: indexes in BEHAVIOURS, -1 for none."""
    if (behaviour_of < 0).all():
        return visitors
    is_new = pa.array(behaviour_of >= 0)
    added = verdict_table(BEHAVIOURS).take(pa.array(behaviour_of, mask=behaviour_of < 0))
    columns = {name: visitors[name] for name in visitors.schema.names}
    for name in added.schema.names:
        earlier, new = columns[name], added[name]
        if earlier.type == dictionary_encoding.TEXT:
            texts = pc.if_else(is_new, new.dictionary_decode(), earlier.dictionary_decode())
            columns[name] = texts.dictionary_encode()
        else:
            columns[name] = pc.if_else(is_new, new, earlier)
    return pa.record_batch(columns)
