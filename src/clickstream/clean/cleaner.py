"""The cleaner: takes parsed requests in batches, and gives the labelled requests of all of them.

A request is handled as integers. What its target, its referrer, its address and its user agent
mean is worked out once for each distinct one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.arrivals import Arrivals
from clickstream.clean.columns import Distinct, category
from clickstream.clean.judge import judged
from clickstream.clean.kinds import KINDS, kind_of
from clickstream.clean.origins import Origins
from clickstream.clean.requests import Requests, joined
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.targets import Targets
from clickstream.clean.visitor_ids import VisitorKeys
from clickstream.clean.visitors import visitors_of

MOST_REMEMBERED = 100_000
"""Distinct targets, referrers and user agents that are remembered for the next requests."""


class Cleaner:
    """Labels the requests of one hour, or of a whole log for a trial."""

    def __init__(
        self, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps | None = None
    ) -> None:
        self._rules, self._keys, self._look_ups = rules, keys, look_ups or LookUps()
        self._raw_objects: Distinct[str, None] = Distinct(lambda _key: None)
        self._methods: Distinct[str | None, None] = Distinct(lambda _method: None)
        self._targets = Targets(rules.targets, rules.kinds)
        self._arrivals = Arrivals(rules.channels)
        self._origins = Origins(rules.kinds, self._look_ups)
        self._batches: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, parsed: pd.DataFrame, raw_object: str = "") -> None:
        """Take in the requests that `parse` found in some lines of a raw object."""
        method = self._methods.rows(parsed["method"], None)
        target = self._targets.rows(parsed["target"], method != self._methods[None])
        origins = self._origins.rows(parsed)
        kind = kind_of(
            self._targets.path_kinds(target),
            self._origins.is_checker(origins["agent"]),
            method == self._methods["GET"],
            parsed["status"].to_numpy(),
        )
        self._batches.append(
            {
                "hit_at": parsed["at"].to_numpy(),
                "status": parsed["status"].to_numpy(),
                "size": parsed["bytes"].to_numpy(np.int64, na_value=-1),
                "line_number": parsed["line_number"].to_numpy().astype(np.int32),
                "kind": kind.codes,
                "raw_object": np.full(len(parsed), self._raw_objects[raw_object], np.int32),
                "method": method,
                "target": target,
                "referrer": self._arrivals.referrers(parsed["referrer"]),
                **origins,
            }
        )

    def referrers_of_assets(self) -> Counter[str]:
        """The referrers of the static assets taken in, and how many each was named by."""
        is_asset = [batch["kind"] == KINDS.index("asset") for batch in self._batches]
        named = [
            batch["referrer"][some] for batch, some in zip(self._batches, is_asset, strict=True)
        ]
        return self._arrivals.count(np.concatenate(named))

    def __len__(self) -> int:
        """How many requests were taken in and not handed out yet."""
        return sum(len(batch["hit_at"]) for batch in self._batches)

    def requests(self, more_domains: tuple[str, ...] = ()) -> Requests:
        """The requests taken in since the last time, judged by how their visitors behave.

        `more_domains` are the site's own beside those of the rules.
        """
        return self.judged(self.take(more_domains))

    def judged(self, requests: Requests) -> Requests:
        """The requests, which are all of their visitors, with the verdicts on behaviour."""
        return judged(requests, self._rules.behaviour)

    def take(self, more_domains: tuple[str, ...] = ()) -> Requests:
        """The requests taken in since the last time, labelled, but not judged by behaviour."""
        columns = joined(self._batches)
        self._batches.clear()
        visitor, visitors = visitors_of(
            columns, self._origins, self._rules, self._keys, self._look_ups
        )
        tags, referrer = self._targets.tags(columns["target"]), columns.pop("referrer")
        domains = (*self._rules.domains, *more_domains)
        arrival, arrivals = self._arrivals.table(referrer, tags, self._targets.tag_sets, domains)
        for name in ("client", "agent", "marks"):  # addresses and agents do not come out
            del columns[name]
        columns |= {
            "visitor": visitor,
            "arrival": arrival,
            "has_referrer": self._arrivals.has_referrer(referrer),
        }
        tables = {
            "raw_object": pd.DataFrame({"raw_object": category(self._raw_objects.ordered)}),
            "method": pd.DataFrame({"method": category(self._methods.ordered)}),
            "target": self._targets.table(),
            "arrival": arrivals,
            "visitor": visitors,
        }
        self._forget()
        return Requests(columns, tables)

    def _forget(self) -> None:
        """Keep what is dear to work out again, as long as it does not fill the memory."""
        self._origins.forget(MOST_REMEMBERED)
        if self._targets.count > MOST_REMEMBERED:
            self._targets = Targets(self._rules.targets, self._rules.kinds)
        if self._arrivals.count_referrers > MOST_REMEMBERED:
            self._arrivals = Arrivals(self._rules.channels)
