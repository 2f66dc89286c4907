"""Counts that no fact view has, taken from the lines of a log while they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream import dictionary_encoding
from clickstream.clean.hosts import count_hosts, requests_of_site
from clickstream.logs.figures import Reject
from clickstream.logs.lines_by_date import LinesByDate
from clickstream.logs.read_logs import place_of_line, source_of
from clickstream.logs.reading import SmallFile
from clickstream.parse.frames import NOT_LOGGED, Parsed


class CountedLines(LinesByDate):
    """Lines by date, and counts of them; all but `by_host` are of the site's own hosts.

    `by_host` and `by_status` count requests, `bytes` sums their logged sizes, and `addresses` has
    their client addresses. `first_at` and `last_at` are naive UTC, None without a request.
    `examples` has the first rejected line of each reason. `referrers_logged` is whether the format
    of any line has a field for the referrer.
    """

    def __init__(self, hosts: Sequence[str] = ()) -> None:
        super().__init__(hosts)
        self.site_hosts = (*hosts,)
        self.by_host: Counter[str] = Counter()
        self.by_status: Counter[int] = Counter()
        self.bytes = 0
        self.addresses: set[str] = set()
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.examples: dict[str, Reject] = {}
        self.referrers_logged = False

    def add(self, parsed: Parsed, *files: str | SmallFile) -> list[int]:
        """Add parsed lines of one file, given by its path, or of small files parsed together."""
        days = super().add(parsed, *files)
        self.by_host += count_hosts(parsed.table)
        self._add_examples(parsed.refused, files)
        requests = requests_of_site(parsed.table, self.site_hosts)
        if len(requests):
            self._add_requests(requests)
        return days

    def _add_requests(self, requests: pa.Table) -> None:
        self.by_status += _counts(requests["status"])
        self.bytes += pc.sum(requests["bytes"]).as_py() or 0
        self.addresses.update(_distinct(requests["client"]))
        bounds = pc.min_max(requests["at"]).as_py()
        self.first_at = min(bounds["min"], self.first_at or bounds["min"])
        self.last_at = max(bounds["max"], self.last_at or bounds["max"])
        if not self.referrers_logged:
            referrers = pc.unique(requests["referrer"]).to_pylist()
            self.referrers_logged = any(text != NOT_LOGGED for text in referrers)

    def _add_examples(self, refused: pa.Table, files: Sequence[str | SmallFile]) -> None:
        """Keep the first reject of each reason."""
        column = dictionary_encoding.combine_chunks(refused["reason"])
        _, first = np.unique(dictionary_encoding.codes_of(column), return_index=True)
        for row in refused.take(pa.array(first)).to_pylist():
            if row["reason"] not in self.examples:
                place = place_of_line(row["line_number"], source_of(files))
                self.examples[row["reason"]] = Reject(*place, row["line"])


def _counts(values: pa.ChunkedArray) -> Counter[int]:
    return Counter({one["values"]: one["counts"] for one in pc.value_counts(values).to_pylist()})


def _distinct(texts: pa.ChunkedArray) -> list[str]:
    return [text for text in pc.unique(texts).to_pylist() if text is not None]
