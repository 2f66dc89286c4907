"""The table of arrivals: source, medium, channel and campaign for referrer and campaign tags."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream.clean.channels import ChannelRules, arrival
from clickstream.clean.dictionary_columns import Codes, Combinations, Distinct, Texts, table
from clickstream.clean.referrers import Referrer, referrer_of
from clickstream.clean.urls import CampaignTags

NOT_LOGGED = ""
"""Text that `parse` gives as referrer if the log format has no field for it."""


class Arrived(NamedTuple):
    """One row of the table. Texts are None if a request has no sign of where it came from.

    `referrer_logged` is true if the log has a field for the referrer, even an empty one.
    """

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
    referrer_logged: bool


class Arrivals:
    """All distinct referrers so far, and all distinct pairs of a referrer and a set of tags."""

    def __init__(self, rules: ChannelRules) -> None:
        self._rules = rules
        self._referrers: Texts[None] = Texts()
        self._pairs = Combinations(2)

    def referrers(self, referrer: pa.ChunkedArray) -> Codes:
        """Return the code of each request's referrer; 0 if none, not even one of the own site."""
        return self._referrers.codes(referrer)

    def __len__(self) -> int:
        return self._pairs.met.shape[1]

    def count(self, day: npt.NDArray[np.int64], referrers: Codes) -> dict[int, Counter[str]]:
        """Count the rows with each referrer, for each day."""
        texts = self._referrers.values.to_pylist()
        pairs, counts = np.unique(day * len(texts) + referrers, return_counts=True)
        counts_of_day: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for pair, number in zip(pairs.tolist(), counts.tolist(), strict=True):
            if text := texts[pair % len(texts)]:
                counts_of_day[pair // len(texts)][text] = number
        return counts_of_day

    def rows(self, referrers: Codes, tags: Codes) -> Codes:
        """Return the code of each request's arrival, from the codes of its referrer and tags."""
        return self._pairs.codes(referrers, tags)

    def table(self, tag_sets: list[CampaignTags], domains: tuple[str, ...]) -> pa.RecordBatch:
        """Return the table with one row per arrival, in the order of the codes.

        `domains` are the site's own domains; their referrers count as none.
        """
        named = self._referrers.values.to_pylist()
        sites = [referrer_of(text, domains) if text else None for text in named]
        is_logged = [text != NOT_LOGGED for text in named]
        arrived: Distinct[tuple[Referrer | None, CampaignTags, bool], Arrived] = Distinct(
            self._arrived
        )
        pairs = zip(*self._pairs.met.tolist(), strict=True)
        rows = arrived.codes(
            (sites[referrer], tag_sets[tags], is_logged[referrer]) for referrer, tags in pairs
        )
        return table(Arrived, arrived.results).take(pa.array(rows))

    def _arrived(self, came_by: tuple[Referrer | None, CampaignTags, bool]) -> Arrived:
        referrer, tags, is_logged = came_by
        came = arrival(referrer, tags, self._rules)
        return Arrived(
            referrer.domain if referrer else None,
            came.source,
            came.medium,
            came.channel,
            *tags,
            is_logged,
        )
