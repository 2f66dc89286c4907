"""Results of the steps: the states of an hour's build, and its publication.

They hold keys and counts, and a sentence for the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

import pyarrow as pa

from clickstream.core.errors import OutdatedStagedRows, UnbalancedHour
from clickstream.core.hours import Hour
from clickstream.core.wording import quantity
from clickstream.lake.staging import Staged, name_of
from clickstream.lake.visitor_keys import KeyIds
from clickstream.tables import SCHEMA, Table


def balance_text(balance: Mapping[str, int]) -> str:
    """Format the kinds of a line balance, as in `2 page requests, 1 bot request`."""
    names = {kind: kind.replace("_", " ").removesuffix("s") for kind in balance}
    names["bots"] = "bot request"
    return ", ".join(quantity(number, names[kind]) for kind, number in balance.items())


@dataclass(frozen=True)
class HourBuild:
    """The inputs of an hour's build: its raw lines, and everything else its rows depend on.

    `prefix` is where its rows are staged, and `version` the publication that the build replaces.
    `schema` is that of the tables, `networks_dated` the date of the list of hosting networks (ISO
    8601). `has_order_numbers` says whether the numbers of orders are looked for.
    """

    hour: str
    prefix: str
    version: str
    raw_digest: str
    raw_objects: int
    settings_digest: str
    visitor_key: str
    earlier_visitor_key: str | None
    schema: str = field(default=SCHEMA, kw_only=True)
    networks_dated: str | None = field(default=None, kw_only=True)
    has_order_numbers: bool = field(default=False, kw_only=True)

    @property
    def keys(self) -> KeyIds:
        """The ids of the visitor keys that it is built with."""
        return KeyIds(self.visitor_key, self.earlier_visitor_key)

    @property
    def hits_key(self) -> str:
        """The key of its hits."""
        return f"{self.prefix}hits.parquet"

    @property
    def rejects_key(self) -> str:
        """The key of its rejects."""
        return f"{self.prefix}rejects.parquet"

    @property
    def parts_key(self) -> str:
        """The key of its parts, before they are stitched to sessions."""
        return f"{self.prefix}parts.parquet"

    @property
    def counts_key(self) -> str:
        """The key of the counts of cleaning, in total and for each raw object; written last."""
        return f"{self.prefix}counts.json"

    @property
    def row_keys(self) -> set[str]:
        """The keys of the rows that cleaning writes."""
        return {self.hits_key, self.rejects_key, self.parts_key}

    @property
    def cleaned_keys(self) -> set[str]:
        """The keys of all objects that cleaning writes."""
        return {*self.row_keys, self.counts_key}

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for XCom."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Reverse `as_dict`. Raises OutdatedStagedRows for rows of a release with other columns."""
        if values.get("schema") != SCHEMA:
            raise OutdatedStagedRows(
                f"The staged rows of hour {values['hour']} were written by another release of "
                "clickstream, with other columns. Clear the run's task clean_hits with Downstream."
            )
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class CleanedHour(HourBuild):
    """An hour whose hits, rejects and unstitched parts are staged, with their counts.

    `digests` are those of the staged objects, by the last part of their keys; an hour that is built
    in memory has none. `other_hosts` counts requests to hosts of other sites, which have no rows.
    """

    lines: int
    rejected: int
    balance: dict[str, int]
    hits: int
    digests: dict[str, str] = field(default_factory=dict)
    other_hosts: int = 0

    def staged(self, key: str) -> Staged:
        """One of the hour's staged objects."""
        return Staged(key, self.digests[name_of(key)])

    def stitched(self, session_parts: int, carry_in: str, carry_out: str) -> StitchedHour:
        """Add the sessions; the sessions of an hour that is already stitched are replaced."""
        cleaned = {
            attribute.name: getattr(self, attribute.name) for attribute in fields(CleanedHour)
        }
        return StitchedHour(
            **cleaned, session_parts=session_parts, carry_in=carry_in, carry_out=carry_out
        )

    @property
    def sentence(self) -> str:
        """One line for the log."""
        kinds = balance_text({kind: n for kind, n in self.balance.items() if n})
        sums = (
            f"{quantity(self.lines, 'line')} = {kinds or 'no requests'}, {self.rejected:,} rejected"
        )
        elsewhere = f", {self.other_hosts:,} to other hosts" if self.other_hosts else ""
        return f"Hour {self.hour}: {sums}{elsewhere}."


@dataclass(frozen=True, kw_only=True)
class StitchedHour(CleanedHour):
    """A cleaned hour whose parts are stitched to the sessions of the hours before."""

    session_parts: int
    carry_in: str
    carry_out: str

    @property
    def session_parts_key(self) -> str:
        """The key of its session parts, named after the carry-in that they depend on."""
        return f"{self.prefix}session_parts-{self.carry_in}.parquet"

    def check(self, hits: int, parts: int, rejects: int, advice: str) -> None:
        """Raise UnbalancedHour if these numbers of rows do not match the lines.

        `advice` says where the rows are.
        """
        kinds = sum(self.balance.values())
        checks = {
            "lines = kinds + rejected + other hosts": (
                self.lines,
                kinds + self.rejected + self.other_hosts,
            ),
            "hits = kinds - assets": (hits, kinds - self.balance["assets"]),
            "rejects = rejected": (rejects, self.rejected),
            "session parts as counted": (parts, self.session_parts),
        }
        wrong = [f"{name}: {a:,} ≠ {b:,}" for name, (a, b) in checks.items() if a != b]
        if wrong:
            raise UnbalancedHour(
                f"The line balance of hour {self.hour} does not close, so it stays unpublished: "
                f"{'; '.join(wrong)}. {advice}. Please report this: it is a bug in clickstream."
            )

    @property
    def sentence(self) -> str:
        """One line for the log."""
        parts = quantity(self.session_parts, "session part")
        return f"{super().sentence.removesuffix('.')}; {parts}."


@dataclass(frozen=True)
class BuiltHour:
    """An hour that is stitched and checked, and a function that reads its rows.

    `rows` returns those of hits, session_parts or rejects; `raw_lines` is the number of lines of
    each raw object that the hour was built from, by key.
    """

    stitched: StitchedHour
    raw_lines: Mapping[str, int]
    rows: Callable[[Table], pa.Table]

    @property
    def hour(self) -> Hour:
        """The hour."""
        return Hour.parse(self.stitched.hour)


@dataclass(frozen=True)
class Published:
    """An hour that was published."""

    hour: str
    lines: int
    hits: int
    session_parts: int
    late_lines: int
    reason: str

    @classmethod
    def of(cls, hour: StitchedHour, late_lines: int, reason: str) -> Published:
        """Create the result for an hour that was published just now."""
        counts = (hour.lines, hour.hits, hour.session_parts)
        return cls(hour.hour, *counts, late_lines, reason)

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        late = f", {self.late_lines:,} of them late" if self.late_lines else ""
        return (
            f"Hour {self.hour} published ({self.reason}): {quantity(self.lines, 'line')}{late}, "
            f"{quantity(self.hits, 'hit')}, {quantity(self.session_parts, 'session part')}."
        )
