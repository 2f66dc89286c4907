"""The cleaner: takes parsed requests in batches, and gives the labelled requests of all of them.

A request is handled as integers. What its target, its referrer, its address and its user agent
mean is worked out once for each distinct one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream import dictionary_encoding
from clickstream.clean.acquisition import Arrivals
from clickstream.clean.bots.classify import judged
from clickstream.clean.clients import Agents, Origins
from clickstream.clean.dictionary_columns import Distinct, Texts
from clickstream.clean.request_kinds import KINDS, kind_of
from clickstream.clean.request_table import Requests, joined
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.targets import Targets
from clickstream.clean.visitors import VisitorKeys, Visitors
from clickstream.hours import Hour

LABELLED_AT_ONCE = 350_000
"""Requests that are labelled together, where there are so many."""

MOST_REMEMBERED = 120_000
"""Rows of a table that are kept in memory for the requests to come."""


class Cleaner:
    """Labels the requests of one hour, of some hours, or of a whole log for a trial."""

    def __init__(
        self, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps | None = None
    ) -> None:
        self._rules, self._keys, self._look_ups = rules, keys, look_ups or LookUps()
        self._waiting: list[pa.Table] = []
        self._batches: list[dict[str, npt.NDArray[Any]]] = []
        self._agents = Agents(rules, self._look_ups)
        self.forget()

    def forget(self) -> None:
        """Begin new tables: what was handed out before does not point into them.

        User agents are dear to work out and few, so they are kept.
        """
        rules = self._rules
        if len(self._agents) > MOST_REMEMBERED:
            self._agents = Agents(rules, self._look_ups)
        self._raw_objects: Distinct[str, None] = Distinct()
        self._methods: Texts[None] = Texts()
        self._targets = Targets(rules.targets, rules.kinds)
        self._arrivals = Arrivals(rules.channels)
        self._origins = Origins(self._agents)
        self._visitors = Visitors(self._origins, rules, self._keys, self._look_ups)

    def add(self, parsed: pa.Table, raw_object: str = "", hour: Hour | None = None) -> None:
        """Take in the requests that `parse` found in some lines of a raw object, as its table.

        `hour` is the one that they are built with; without it, each is of the hour of its time.
        """
        origin = np.full(len(parsed), self._raw_objects[raw_object], np.int32)
        hours = np.full(len(parsed), hour.number, np.int32) if hour else _hours(parsed["at"])
        own = {"raw_object": pa.array(origin), "hour": pa.array(hours)}
        self._waiting.append(dictionary_encoding.append_columns(parsed, own))
        if sum(map(len, self._waiting)) >= LABELLED_AT_ONCE:
            self._label()

    def _label(self) -> None:
        """Label the requests that wait: the more at once, the fewer texts are seen again."""
        if not self._waiting:
            return
        parsed = pa.concat_tables(self._waiting)
        self._waiting.clear()
        numbers = {name: parsed[name].to_numpy() for name in ("at", "status", "raw_object", "hour")}
        method = self._methods.codes(parsed["method"])
        target = self._targets.rows(parsed["target"], is_http=method != 0)
        origins = self._origins.rows(parsed)
        kind = kind_of(
            self._targets.path_kinds(target),
            self._agents.are_checkers(origins["agent"]),
            method == self._methods.code("GET"),
            numbers["status"],
        )
        self._batches.append(
            {
                "hit_at": numbers["at"],
                "hour": numbers["hour"],
                "status": numbers["status"],
                "size": parsed["bytes"].fill_null(-1).to_numpy(),
                "line_number": parsed["line_number"].to_numpy().astype(np.int32),
                "kind": kind,
                "raw_object": numbers["raw_object"],
                "method": method,
                "target": target,
                "referrer": self._arrivals.referrers(parsed["referrer"]),
                **origins,
            }
        )

    def referrers_of_assets(self) -> Counter[str]:
        """The referrers of the static assets taken in, and how many each was named by."""
        self._label()
        is_asset = [batch["kind"] == KINDS.index("asset") for batch in self._batches]
        named = [
            batch["referrer"][some] for batch, some in zip(self._batches, is_asset, strict=True)
        ]
        return self._arrivals.count(np.concatenate(named))

    def __len__(self) -> int:
        """How many requests were taken in and not handed out yet."""
        labelled = (batch["hit_at"] for batch in self._batches)
        return sum(map(len, (*self._waiting, *labelled)))

    @property
    def is_full(self) -> bool:
        """Whether the tables are so large that they are better begun anew."""
        sizes = (len(self._targets), len(self._arrivals), len(self._visitors))
        return max(sizes) > MOST_REMEMBERED

    def requests(self, more_domains: tuple[str, ...] = ()) -> Requests:
        """All requests that were taken in, judged by how their visitors behave.

        `more_domains` are the site's own beside those of the rules.
        """
        return self.judged(Requests(self.rows(), self.tables(more_domains)))

    def judged(self, requests: Requests) -> Requests:
        """The requests, which are all of their visitors, with the verdicts on behaviour."""
        return judged(requests, self._rules.behaviour)

    def rows(self) -> dict[str, npt.NDArray[Any]]:
        """The requests taken in since the last time, as rows that point into the tables."""
        self._label()
        columns = joined(self._batches)
        self._batches.clear()
        referrer = columns.pop("referrer")
        columns["has_referrer"] = referrer != 0
        columns["arrival"] = self._arrivals.rows(referrer, self._targets.tags(columns["target"]))
        columns["visitor"] = self._visitors.rows(columns)
        for name in ("client", "agent", "marks"):  # addresses and agents do not come out
            del columns[name]
        return columns

    def count_clients(self) -> int:
        """How many different client addresses the requests handed out so far came from."""
        return self._visitors.count_clients()

    def visitor_ids(self) -> list[str]:
        """The id of each row of the table of visitors, as it stands now."""
        return self._visitors.ids

    def tables(self, more_domains: tuple[str, ...] = ()) -> dict[str, pa.RecordBatch]:
        """The tables that rows point into: all rows since the tables were begun."""
        domains = (*self._rules.domains, *more_domains)
        return {
            "raw_object": pa.record_batch(
                {"raw_object": dictionary_encoding.encode(self._raw_objects.ordered)}
            ),
            "method": pa.record_batch({"method": self._methods.values.dictionary_encode()}),
            "target": self._targets.table(),
            "arrival": self._arrivals.table(self._targets.tag_sets, domains),
            "visitor": self._visitors.table(),
        }


def _hours(at: pa.ChunkedArray) -> npt.NDArray[np.int32]:
    """The number of each moment's hour, as of `Hour.number`."""
    hours: npt.NDArray[np.int32] = at.to_numpy().astype("M8[h]").astype(np.int32)
    return hours
