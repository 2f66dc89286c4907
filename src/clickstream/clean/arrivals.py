"""The table of arrivals: where people came from, by referrer and campaign tags together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.channels import ChannelRules, arrival
from clickstream.clean.columns import Codes, Distinct, combined, table, taken
from clickstream.clean.referrers import Referrer, referrer_of
from clickstream.clean.urls import Tags


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
    """Every distinct referrer so far, and every pair of a referrer and a set of tags."""

    def __init__(self, rules: ChannelRules) -> None:
        self._rules = rules
        self._referrers: Distinct[str | None, None] = Distinct()
        self._pairs: Distinct[tuple[int, int], None] = Distinct()

    def referrers(self, referrer: pd.Series) -> Codes:
        """Each row's referrer."""
        return self._referrers.rows(referrer, None)

    def has_referrer(self, referrers: Codes) -> npt.NDArray[np.bool_]:
        """Whether each row has a referrer at all, be it the site's own."""
        has: npt.NDArray[np.bool_] = referrers != self._referrers[None]
        return has

    def __len__(self) -> int:
        return len(self._pairs)

    def count(self, referrers: Codes) -> Counter[str]:
        """How many of the rows have each referrer."""
        counts = np.bincount(referrers, minlength=len(self._referrers)).tolist()
        named = zip(self._referrers.ordered, counts, strict=True)
        return Counter({text: n for text, n in named if text and n})

    def rows(self, referrers: Codes, tags: Codes) -> Codes:
        """Each row's arrival, from its referrer and its set of tags."""
        rows, first = combined(referrers, tags)
        pairs = zip(referrers[first].tolist(), tags[first].tolist(), strict=True)
        return self._pairs.codes(pairs)[rows]

    def table(self, tag_sets: list[Tags], domains: tuple[str, ...]) -> pd.DataFrame:
        """One row for each arrival, in the order of their codes.

        `domains` are the site's own: a referrer of theirs is none.
        """
        sites = [referrer_of(text, domains) if text else None for text in self._referrers.ordered]
        arrived: Distinct[tuple[Referrer | None, Tags], Arrived] = Distinct(self._arrived)
        rows = arrived.codes((sites[one], tag_sets[tags]) for one, tags in self._pairs.ordered)
        return pd.DataFrame(taken(table(Arrived, arrived.made), rows))

    def _arrived(self, came_by: tuple[Referrer | None, Tags]) -> Arrived:
        referrer, tags = came_by
        came = arrival(referrer, tags, self._rules)
        return Arrived(
            referrer.domain if referrer else None,
            *(came.source, came.medium, came.channel),
            *tags,
        )
