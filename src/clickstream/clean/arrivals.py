"""The table of arrivals: where people came from, by referrer and campaign tags together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.channels import ChannelRules, arrival
from clickstream.clean.columns import Codes, Distinct, combined, table
from clickstream.clean.referrers import Referrer, referrer_of
from clickstream.clean.urls import Target


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
    """Every distinct referrer so far, and what it makes together with tags."""

    def __init__(self, rules: ChannelRules) -> None:
        self._rules = rules
        self._referrers: Distinct[str | None, None] = Distinct(lambda _referrer: None)

    def referrers(self, referrer: pd.Series) -> Codes:
        """Each row's referrer."""
        return self._referrers.rows(referrer, None)

    def has_referrer(self, referrers: Codes) -> npt.NDArray[np.bool_]:
        """Whether each row has a referrer at all, be it the site's own."""
        has: npt.NDArray[np.bool_] = referrers != self._referrers[None]
        return has

    @property
    def count_referrers(self) -> int:
        """How many distinct referrers there are."""
        return len(self._referrers)

    def count(self, referrers: Codes) -> Counter[str]:
        """How many of the rows have each referrer."""
        counts = np.bincount(referrers, minlength=len(self._referrers)).tolist()
        named = zip(self._referrers.ordered, counts, strict=True)
        return Counter({text: n for text, n in named if text and n})

    def table(
        self, referrers: Codes, tags: Codes, tag_sets: list[Target], domains: tuple[str, ...]
    ) -> tuple[Codes, pd.DataFrame]:
        """Each row's arrival, from its referrer and its tags, and the table of arrivals.

        `domains` are the site's own: a referrer of theirs is none.
        """
        known = [referrer_of(text, domains) if text else None for text in self._referrers.ordered]
        rows, first = combined(referrers, tags)
        pairs = zip(referrers[first].tolist(), tags[first].tolist(), strict=True)
        return rows, table(Arrived, [self._arrived(known[r], tag_sets[t]) for r, t in pairs])

    def _arrived(self, referrer: Referrer | None, tags: Target) -> Arrived:
        came = arrival(referrer, tags, self._rules)
        return Arrived(
            referrer.domain if referrer else None,
            *(came.source, came.medium, came.channel),
            *(tags.utm_source, tags.utm_medium, tags.utm_campaign, tags.utm_term),
            *(tags.utm_content, tags.click_platform),
        )
