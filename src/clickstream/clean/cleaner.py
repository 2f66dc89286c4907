"""`Cleaner` takes parsed requests in batches and returns labelled requests.

Inside it, a request is a row of integers. Each distinct target, referrer, address and user agent
is interpreted once.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream.clean.acquisition import Arrivals
from clickstream.clean.bots.classify import add_behaviour_verdicts
from clickstream.clean.clients import Agents, Origins
from clickstream.clean.dictionary_columns import Codes, Distinct, Texts
from clickstream.clean.hosts import host_name
from clickstream.clean.orders import OrderRules, ShownOrder, find_order
from clickstream.clean.request_kinds import KINDS, PATH_KINDS, KindRules, kind_of, path_kind
from clickstream.clean.request_table import (
    RequestTable,
    joined,
    protocol_codes,
    sent_codes,
)
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.urls import (
    CampaignTags,
    TargetRules,
    path_and_page,
    path_and_parameters,
    query_and_tags,
)
from clickstream.clean.visitors import VisitorKeys, Visitors
from clickstream.core import dictionary_encoding
from clickstream.core.hours import Hour

# The table of targets: path, page, kept query parameters, campaign tags and order of targets.
#
# Many targets have the same path, and links in mails and ads have the same parameters. Paths and
# parameters are therefore processed separately, each distinct one once.


class _Path(NamedTuple):
    """The results for a path. If the request line was not HTTP: None, None and the kind -1.

    `kind` is a position in PATH_KINDS, -1 for none.
    """

    path: str | None = None
    page: str | None = None
    kind: int = -1


class _Target(NamedTuple):
    """A target, as the codes of its path and of its parameters, and the order that it confirms."""

    path: int
    parameters: int
    order: ShownOrder = ShownOrder()


class Targets:
    """All distinct targets so far, and all distinct sets of tags in them."""

    def __init__(self, rules: TargetRules, kinds: KindRules, orders: OrderRules) -> None:
        self._rules, self._kinds, self._orders = rules, kinds, orders
        self._paths: Distinct[str | None, _Path] = Distinct(self._path)
        self._tags: Distinct[CampaignTags, None] = Distinct()
        self._parameters: Distinct[str, tuple[str | None, int]] = Distinct(self._query)
        self._targets: Texts[_Target] = Texts(self._target)

    def rows(self, target: pa.ChunkedArray, is_http: npt.NDArray[np.bool_]) -> Codes:
        """Return the code of each request's target, 0 if the request line was not HTTP."""
        return self._targets.codes(target) * is_http

    def path_kinds(self, rows: Codes) -> Codes:
        """Return the kind of the path of each target code, as position in PATH_KINDS or -1."""
        kinds = np.array([path.kind for path in self._paths.results], np.int32)
        return kinds[self._codes("path")[rows]]

    def tags(self, rows: Codes) -> Codes:
        """Return the tags and click platform of each target code, as code of `tag_sets`."""
        tags = np.array([tags for _, tags in self._parameters.results], np.int32)
        return tags[self._codes("parameters")[rows]]

    @property
    def tag_sets(self) -> list[CampaignTags]:
        """The distinct sets of tags, in the order of their codes."""
        return self._tags.distinct

    def __len__(self) -> int:
        return len(self._targets)

    def table(self) -> pa.RecordBatch:
        """Return the table with the columns of each target, in the order of the codes."""
        path_codes, query_codes = self._codes("path"), self._codes("parameters")
        paths = dictionary_encoding.encode(path.path for path in self._paths.results)
        pages = dictionary_encoding.encode(path.page for path in self._paths.results)
        queries = dictionary_encoding.encode(query for query, _ in self._parameters.results)
        orders = [target.order for target in self._targets.results]
        return pa.record_batch(
            {
                "path": paths.take(pa.array(path_codes)),
                "page": pages.take(pa.array(path_codes)),
                "query": queries.take(pa.array(query_codes)),
                "order_number": dictionary_encoding.encode(order.number for order in orders),
                "shown_cents": pa.array([order.cents for order in orders], pa.int64()),
            }
        )

    def _codes(self, name: str) -> Codes:
        """Return one of the two codes of each target."""
        codes = [getattr(target, name) for target in self._targets.results]
        return np.array(codes, np.int32)

    def _target(self, text: str | None) -> _Target:
        if text is None:
            return _Target(self._paths[None], self._parameters[""])
        path, parameters = path_and_parameters(text)
        order = find_order(path, parameters, self._orders)
        return _Target(self._paths[path], self._parameters[parameters], order)

    def _path(self, text: str | None) -> _Path:
        if text is None:
            return _Path()
        path, page = path_and_page(text, self._rules)
        kind = path_kind(path, self._kinds)
        return _Path(path, page, PATH_KINDS.index(kind) if kind else -1)

    def _query(self, parameters: str) -> tuple[str | None, int]:
        query, tags = query_and_tags(parameters, self._rules)
        return query, self._tags[tags]


LABELLED_AT_ONCE = 350_000
"""Number of requests that are collected before they are labelled together."""

MOST_REMEMBERED = 120_000
"""Size of a table, in rows, above which `Cleaner.is_full` is true."""


class Cleaner:
    """Labels the requests of one hour, or of several hours, such as those of a date."""

    def __init__(
        self, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps | None = None
    ) -> None:
        self._rules, self._keys, self._look_ups = rules, keys, look_ups or LookUps()
        self._waiting: list[pa.Table] = []
        self._batches: list[dict[str, npt.NDArray[Any]]] = []
        self._agents = Agents(rules, self._look_ups)
        self.forget()

    def forget(self, keys: VisitorKeys | None = None) -> None:
        """Start new, empty tables. Rows returned earlier do not point into the new tables.

        User agents are kept, up to a limit: they are few, and interpreting one is expensive.
        `keys` are the visitor keys from now on, if they change.
        """
        self._keys = keys or self._keys
        rules = self._rules
        if len(self._agents) > MOST_REMEMBERED:
            self._agents = Agents(rules, self._look_ups)
        self._raw_objects: Distinct[str, None] = Distinct()
        self._methods: Texts[None] = Texts()
        self._hosts = Texts(host_name)
        self._targets = Targets(rules.targets, rules.kinds, rules.orders)
        self._arrivals = Arrivals(rules.channels)
        self._origins = Origins(self._agents, rules.signatures)
        self._visitors = Visitors(self._origins, rules, self._keys, self._look_ups)

    def add(self, parsed: pa.Table, raw_object: str = "", hour: Hour | None = None) -> None:
        """Add the table of requests that `parse` returned for some lines of a raw object.

        `hour` is the hour that is built; without it, each request gets the hour of its own time.
        """
        origin = np.full(len(parsed), self._raw_objects[raw_object], np.int32)
        if hour:
            hours = np.full(len(parsed), hour.number, np.int32)
        else:
            hours = parsed["at"].to_numpy().astype("M8[h]").astype(np.int32)
        own = {"raw_object": pa.array(origin), "hour": pa.array(hours)}
        self._waiting.append(dictionary_encoding.append_columns(parsed, own))
        if sum(map(len, self._waiting)) >= LABELLED_AT_ONCE:
            self._label()

    def _label(self) -> None:
        """Label the collected requests; a larger batch looks up fewer texts twice."""
        if not self._waiting:
            return
        # Some formats lack the optional fields.
        parsed = pa.concat_tables(self._waiting, promote_options="default")
        self._waiting.clear()
        numbers = {name: parsed[name].to_numpy() for name in ("at", "status", "raw_object", "hour")}
        method = self._methods.codes(parsed["method"])
        target = self._targets.rows(parsed["target"], is_http=method != 0)
        origins = self._origins.rows(parsed)
        kind = kind_of(
            self._targets.path_kinds(target),
            self._origins.are_checkers(origins),
            method == self._methods.code("GET"),
            numbers["status"],
        )
        self._batches.append(
            {
                "hit_at": numbers["at"],
                "hour": numbers["hour"],
                "status": numbers["status"],
                "size": parsed["bytes"].fill_null(-1).to_numpy(),
                "response_ms": parsed["response_ms"].fill_null(-1).to_numpy(),
                "line_number": parsed["line_number"].to_numpy().astype(np.int32),
                "kind": kind,
                "protocol": protocol_codes(parsed["protocol"]),
                "header_fields": sent_codes(parsed),
                "raw_object": numbers["raw_object"],
                "method": method,
                "host": self._hosts.codes(parsed["host"]),
                "target": target,
                "referrer": self._arrivals.referrers(parsed["referrer"]),
                **origins,
            }
        )

    def referrers_of_assets(self) -> dict[int, Counter[str]]:
        """Count how many requests for static assets name each referrer, for each date.

        Dates are days since 1970-01-01.
        """
        self._label()
        hour, kind, referrer = (
            np.concatenate([batch[name] for batch in self._batches])
            for name in ("hour", "kind", "referrer")
        )
        is_asset = kind == KINDS.index("asset")
        return self._arrivals.count(hour[is_asset].astype(np.int64) // 24, referrer[is_asset])

    def __len__(self) -> int:
        """Return the number of requests that were added and not returned yet."""
        labelled = (batch["hit_at"] for batch in self._batches)
        return sum(map(len, (*self._waiting, *labelled)))

    @property
    def is_full(self) -> bool:
        """Whether a table is so large that the caller should call `forget`, to limit memory."""
        sizes = (len(self._targets), len(self._arrivals), len(self._visitors))
        return max(sizes) > MOST_REMEMBERED

    def requests(self) -> RequestTable:
        """Return all added requests, with the bot verdicts by behaviour."""
        return self.add_behaviour_verdicts(RequestTable(self.rows(), self.tables()))

    def add_behaviour_verdicts(self, requests: RequestTable) -> RequestTable:
        """Add the bot verdicts by behaviour. `requests` must have all requests of its visitors."""
        return add_behaviour_verdicts(requests, self._rules.behaviour)

    def rows(self) -> dict[str, npt.NDArray[Any]]:
        """Return the requests added since the last call, as rows with positions in the tables."""
        self._label()
        columns = joined(self._batches)
        self._batches.clear()
        referrer = columns.pop("referrer")
        columns["has_referrer"] = referrer != 0
        columns["arrival"] = self._arrivals.rows(referrer, self._targets.tags(columns["target"]))
        columns["visitor"] = self._visitors.rows(columns)
        for name in ("client", "agent", "marks"):  # the result has no addresses and user agents
            del columns[name]
        return columns

    def visitor_ids(self) -> list[str]:
        """Return the visitor id of each row of the current table of visitors."""
        return self._visitors.ids

    def tables(self) -> dict[str, pa.RecordBatch]:
        """Return the tables that rows point into, with all their rows since `forget`."""
        return {
            "raw_object": pa.record_batch(
                {"raw_object": dictionary_encoding.encode(self._raw_objects.distinct)}
            ),
            "method": pa.record_batch({"method": self._methods.values.dictionary_encode()}),
            "host": pa.record_batch({"host": dictionary_encoding.encode(self._hosts.results)}),
            "target": self._targets.table(),
            "arrival": self._arrivals.table(self._targets.tag_sets, self._rules.domains),
            "visitor": self._visitors.table(),
        }
