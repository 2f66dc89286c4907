"""The cleaner: takes parsed requests in batches, and gives the labelled requests of all of them.

A request is handled as integers. What its target, its referrer, its address and its user agent
mean is worked out once for each distinct one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.arrivals import Arrivals
from clickstream.clean.columns import Distinct, category
from clickstream.clean.judge import judged
from clickstream.clean.kinds import kind_of
from clickstream.clean.requests import Requests, joined
from clickstream.clean.rules import CleanRules, LookUps
from clickstream.clean.targets import Targets
from clickstream.clean.visitor_ids import VisitorKeys
from clickstream.clean.visitors import Visitors


class Cleaner:
    """Labels the requests of one hour, or of a whole log for a trial."""

    def __init__(
        self, rules: CleanRules, keys: VisitorKeys, look_ups: LookUps | None = None
    ) -> None:
        self._rules = rules
        self._raw_objects: Distinct[str, str] = Distinct(str)
        self._methods: Distinct[str | None, str | None] = Distinct(lambda method: method)
        self._targets = Targets(rules.targets, rules.kinds)
        self._arrivals = Arrivals(self._targets, rules.domains, rules.channels)
        self._visitors = Visitors(rules, keys, look_ups or LookUps())
        self._batches: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, parsed: pd.DataFrame, raw_object: str = "") -> None:
        """Take in the requests that `parse` found in some lines of a raw object."""
        method = self._methods.rows(parsed["method"], None)
        target = self._targets.rows(parsed["target"], method != self._methods[None])
        arrival, has_referrer = self._arrivals.rows(parsed["referrer"], target)
        status = parsed["status"].to_numpy()
        agent, is_checker = self._visitors.agents(parsed["user_agent"])
        path_kind, is_get = self._targets.path_kinds(target), method == self._methods["GET"]
        self._batches.append(
            {
                "hit_at": parsed["at"].to_numpy(),
                "status": status,
                "size": parsed["bytes"].to_numpy(np.int64, na_value=-1),
                "line_number": parsed["line_number"].to_numpy(),
                "kind": kind_of(path_kind, is_checker, is_get, status).codes,
                "has_referrer": has_referrer,
                "raw_object": np.full(len(parsed), self._raw_objects[raw_object], np.int32),
                "method": method,
                "target": target,
                "arrival": arrival,
                "visitor": self._visitors.rows(parsed, agent),
            }
        )

    def requests(self) -> Requests:
        """Every request taken in, labelled, with the verdicts on how visitors behaved."""
        requests = Requests(
            joined(self._batches),
            {
                "raw_object": pd.DataFrame({"raw_object": category(self._raw_objects.made)}),
                "method": pd.DataFrame({"method": category(self._methods.made)}),
                "target": self._targets.table(),
                "arrival": self._arrivals.table(),
                "visitor": self._visitors.table(),
            },
        )
        return judged(requests, self._rules.behaviour)
