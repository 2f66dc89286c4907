"""The session chain of published hours: carry-ins, carry-outs, and where the chain is broken.

`build` and `batch` use it for carry-ins; `publish`, `hour_states` and `verify` check it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import pyarrow as pa

from clickstream import sessions
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, hour_ledger
from clickstream.lake.visitor_keys import KeyIds
from clickstream.pipeline.hour.replay_window import KEY_COLUMNS, ReplayWindow
from clickstream.sessions import SessionRules
from clickstream.sessions.carry import ChainLink, Digests
from clickstream.settings.sections import MAX_TIMEOUT_SECONDS
from clickstream.step_config import session_rules

LINK_COLUMNS = [*KEY_COLUMNS, "timeout_seconds", "cap_hours", "carry_in", "carry_out"]
"""The columns of the ledger that describe a link of the chain."""

MAX_REACH_HOURS = MAX_TIMEOUT_SECONDS // 3600
"""The number of later hours in which an open session can continue."""


def carry_into(lake: Lake, hour: Hour, keys: KeyIds, window: ReplayWindow) -> pa.Table:
    """Return the carry-in of an hour: the open sessions, from the published hours before it.

    Hours without parts have no effect, so it makes no difference whether they are published. Hours
    whose visitors can't be recognized with these keys are ignored.
    """
    rules = session_rules(lake.settings)
    reach = hour.reaching_back(rules.timeout_seconds)
    before = hour_ledger.ledger_in_order(lake, reach, hour.previous, KEY_COLUMNS)
    left_out = {
        Hour.at(row["hour_at"])
        for row in before.to_pylist()
        if not keys.recognize(window.key_ids(row))
    }
    parts = sessions.drop_hours(_parts(lake, reach, hour.previous), left_out)
    return sessions.carry_out(parts, hour.previous, rules)


def links(
    lake: Lake, rows: Iterable[Mapping[str, Any]], first: Hour | None = None
) -> Iterator[ChainLink]:
    """Yield rows of the ledger, in order, as links of the chain, from the hour `first` on.

    An hour keeps the timeout and the cap that it was built with, so another setting does not break
    the chain.
    """
    window = ReplayWindow(lake)
    before: deque[tuple[Hour, KeyIds]] = deque(maxlen=MAX_REACH_HOURS)
    for row in rows:
        hour, keys = Hour.at(row["hour_at"]), window.key_ids(row)
        rules = SessionRules(row["timeout_seconds"], row["cap_hours"])
        reach = hour.reaching_back(rules.timeout_seconds)
        near = {earlier: earlier_keys for earlier, earlier_keys in before if earlier >= reach}
        left_out = frozenset(
            h for h, earlier_keys in near.items() if not keys.recognize(earlier_keys)
        )
        before.append((hour, keys))
        if first is None or hour >= first:
            yield ChainLink(
                hour,
                rules,
                row["carry_in"],
                row["carry_out"],
                left_out,
                recognizes_none=len(left_out) == len(near),
                is_past_window=bool(left_out) and window.has_lost_key(row),
            )


def key_edges(lake: Lake, first: Hour | None, last: Hour | None) -> list[Hour]:
    """Return the hours at whose start sessions end, because the hours before have another key."""
    ledger = hour_ledger.ledger_in_order(lake, _first_to_read(first), last, LINK_COLUMNS)
    return [link.hour for link in links(lake, ledger.to_pylist(), first) if link.left_out]


def _first_to_read(first: Hour | None) -> Hour | None:
    """Return where to start reading the ledger to know the keys of all hours before `first`."""
    return first.minus(MAX_REACH_HOURS) if first else None


def _digests_up_to(lake: Lake, chosen: Iterable[ChainLink], last: Hour) -> Digests:
    """Return the carry-outs, up to the hour `last`, that some links depend on."""
    return sessions.cache_digests(_parts(lake, min(link.reach for link in chosen), last))


def check_links(
    lake: Lake,
    ledger: pa.Table,
    last: Hour | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[ChainLink, bool, bool]]:
    """Yield each link, and whether its carry-in and its carry-out agree with the published parts.

    Parts are read a day at a time; `progress` is called for each day. Parts after the hour `last`
    are not read: a later link is checked if its carry-in depends on hours up to that one, and its
    carry-out is not checked.
    """
    chain = _links_with_keys(lake, ledger)
    if not chain:
        return
    end = last or chain[-1].hour
    chosen = (link for link in chain if link.reach <= end)
    for date, of_day in groupby(chosen, lambda link: min(link.hour, end).event_date):
        progress(f"The chain of sessions, {date}")
        day = [*of_day]
        digests = _digests_up_to(lake, day, min(day[-1].hour, end))
        for link in day:
            yield link, link.follows(digests), link.hour > end or link.leads(digests)


def _links_with_keys(lake: Lake, ledger: pa.Table) -> list[ChainLink]:
    """Return the ledger's rows of a range as links, which know the keys of the hours before it."""
    if not ledger.num_rows:
        return []
    first = Hour.at(ledger["hour_at"][0].as_py())
    before = hour_ledger.ledger_in_order(lake, _first_to_read(first), first.previous, LINK_COLUMNS)
    rows = [*before.to_pylist(), *ledger.select(LINK_COLUMNS).to_pylist()]
    return [*links(lake, rows, first)]


def last_reached(hour: Hour) -> Hour:
    """Return the last hour that an hour's open sessions can reach."""
    return hour.plus(MAX_REACH_HOURS)


def broken_hours(lake: Lake, ledger: pa.Table, last: Hour) -> set[Hour]:
    """Return the hours up to `last` that a build would change, or that break the chain after them.

    `ledger` has the rows of a range in order, and those of the later hours that sessions may reach.
    """
    broken: set[Hour] = set()
    for link, follows, leads in check_links(lake, ledger, last):
        if not follows:
            broken |= {*hour_range(link.reach, link.hour)}
        elif not leads:
            broken.add(link.hour)
    return broken


def first_broken_hour(lake: Lake, first: Hour, last: Hour) -> Hour | None:
    """Return the first published hour, from `first` on, whose carry-in has changed.

    The hours from `first` to `last` were published together. Checked are those of them whose
    carry-in depends on hours before `first`, and later hours whose carry-in depends on them. This
    is enough, because the caller rebuilds the hour that is returned and checks again from there.
    """
    ledger = hour_ledger.ledger_in_order(
        lake, _first_to_read(first), last_reached(last), LINK_COLUMNS
    )
    near = [
        link
        for link in links(lake, ledger.to_pylist(), first)
        if link.reach < first or (link.hour > last and link.reach <= last)
    ]
    if not near:
        return None
    digests = _digests_up_to(lake, near, near[-1].hour.previous)
    return next((link.hour for link in near if not link.follows(digests)), None)


def _parts(lake: Lake, first: Hour, last: Hour) -> pa.Table:
    """Return the published parts of some hours, with the columns of a carry-out."""
    parts = hour_ledger.parts_between(lake, first, last, sessions.CARRY_COLUMNS)
    return sessions.carry_rows(parts)
