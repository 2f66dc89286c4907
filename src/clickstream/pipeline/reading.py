"""Read the raw lines of an hour, or of some: their requests, labelled, and what is left beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from clickstream import clean, dictionary_encoding, parse
from clickstream.hours import Hour
from clickstream.lake import Lake, raw
from clickstream.lake.raw import RawObject
from clickstream.lake.visitor_keys import HourKeys
from clickstream.pipeline import spill
from clickstream.pipeline.site import settings_of
from clickstream.rules import clean_rules, log_format_of, look_ups


@dataclass
class Reading:
    """The raw objects of hours of one day, in order, read as one: what it leaves, by hour.

    `keys` are those of the first hour. A visitor key holds for whole days. The key before it is of
    use to the first hours only, and of no harm to the others, for nothing is handed on to those
    under it.
    """

    lake: Lake
    raws: Mapping[Hour, Sequence[RawObject]]
    keys: HourKeys
    lines: dict[Hour, dict[str, int]] = field(init=False)
    """How many lines each raw object has, by its key."""
    _rejects: list[pa.Table] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self.lines = {hour: {} for hour in self.raws}

    @property
    def groups(self) -> int:
        """Into how many groups of visitors the requests are best cut."""
        return spill.groups_for(sum(item.size for items in self.raws.values() for item in items))

    def requests(self, groups: int = 1) -> Iterator[clean.Requests]:
        """The labelled requests, group after group, each in the order of the raw objects."""
        settings = settings_of(self.lake)
        visitor_keys = clean.VisitorKeys(
            self.keys.now.secret, self.keys.before.secret if self.keys.before else None
        )
        with look_ups(settings) as found:
            cleaner = clean.Cleaner(clean_rules(settings), visitor_keys, found)
            yield from spill.grouped(self._parsed(), cleaner, groups)

    @property
    def rejects(self) -> pa.Table:
        """The lines refused, with the number of each one's hour, once all requests are read."""
        return pa.concat_tables(self._rejects)

    def _parsed(self) -> Iterator[spill.Batch]:
        for hour, items in self.raws.items():
            yield from self._parsed_of(hour, items)

    def _parsed_of(self, hour: Hour, items: Sequence[RawObject]) -> Iterator[spill.Batch]:
        """The requests of each raw object; an hour without any has one that is empty."""
        if not items:
            nothing = parse.parse(b"", "combined")
            self._refuse(nothing.refused, hour, "")
            yield nothing.table, "", hour
        for item in items:
            log_format = log_format_of(self.lake.settings, item.log_format)
            found = parse.parse(raw.read(self.lake, item), log_format)
            self._refuse(found.refused, hour, item.key)
            self.lines[hour][item.key] = found.lines
            yield found.table, item.key, hour

    def _refuse(self, refused: pa.Table, hour: Hour, raw_object: str) -> None:
        own = {
            "raw_object": dictionary_encoding.constant(raw_object, len(refused)),
            "hour": pa.array(np.full(len(refused), hour.number, np.int32)),
        }
        self._rejects.append(dictionary_encoding.with_columns(refused, own))
