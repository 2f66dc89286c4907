"""The table of arrivals: where people came from, by referrer and campaign tags together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.channels import ChannelRules, arrival
from clickstream.clean.columns import Codes, Distinct, table
from clickstream.clean.referrers import Referrer, referrer_of
from clickstream.clean.targets import Targets


@dataclass(frozen=True)
class Arrived:
    """One row of the table; all None where a request does not say where it came from."""

    referrer_domain: str | None
    source: str | None
    medium: str | None
    channel: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    click_platform: str | None


class Arrivals:
    """Every distinct pair of a referrer and a set of tags so far."""

    def __init__(self, targets: Targets, domains: tuple[str, ...], rules: ChannelRules) -> None:
        self._targets, self._domains, self._rules = targets, domains, rules
        self._referrers: Distinct[str | None, Referrer | None] = Distinct(self._referrer)
        self._arrivals: Distinct[tuple[int, int], Arrived] = Distinct(self._arrival)

    def rows(self, referrer: pd.Series, target: Codes) -> tuple[Codes, npt.NDArray[np.bool_]]:
        """Each row's arrival, and whether it has a referrer at all, be it the site's own."""
        referrers = self._referrers.rows(referrer, None)
        arrivals = self._arrivals.combinations(referrers, self._targets.tags(target))
        return arrivals, referrers != self._referrers[None]

    def table(self) -> pd.DataFrame:
        """One row for each arrival, in the order of their codes."""
        return table(Arrived, self._arrivals.made)

    def _referrer(self, text: str | None) -> Referrer | None:
        return referrer_of(text, self._domains) if text else None

    def _arrival(self, pair: tuple[int, int]) -> Arrived:
        referrer, tags = self._referrers.made[pair[0]], self._targets.tag_sets[pair[1]]
        came = arrival(referrer, tags, self._rules)
        return Arrived(
            referrer.domain if referrer else None,
            *(came.source, came.medium, came.channel),
            *(tags.utm_source, tags.utm_medium, tags.utm_campaign, tags.utm_term),
            *(tags.utm_content, tags.click_platform),
        )
