"""What the steps hand to one another: addresses and counts, each with a sentence for the log."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Staged:
    """An hour on its way: where its rows wait, what they add up to, what the build stood on."""

    hour: str
    prefix: str
    version: str
    raw_digest: str
    raw_objects: int
    lines: int = 0
    rejected: int = 0
    balance: dict[str, int] = field(default_factory=dict)
    hits: int = 0
    session_parts: int = 0
    carry_in: str = ""
    carry_out: str = ""

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
    def session_parts_key(self) -> str:
        """The key of its session parts, named by the carry that they depend on."""
        return f"{self.prefix}session_parts-{self.carry_in}.parquet"

    @property
    def counts_key(self) -> str:
        """The key of what cleaning has counted, in all and for each raw object; written last."""
        return f"{self.prefix}counts.json"

    @property
    def cleaned_keys(self) -> set[str]:
        """The keys of all that cleaning leaves."""
        return {self.hits_key, self.rejects_key, self.parts_key, self.counts_key}

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for XCom."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Staged:
        """The reverse of `as_dict`."""
        return cls(**values)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in self.balance.items() if n)
        sums = f"{self.lines:,} lines = {kinds or 'none used'}, {self.rejected:,} rejected"
        cut = f"; {self.session_parts:,} session parts" if self.carry_in else ""
        return f"Hour {self.hour}: {sums}{cut}."


@dataclass(frozen=True)
class Published:
    """An hour that readers see now."""

    hour: str
    lines: int
    hits: int
    session_parts: int
    late_lines: int
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        late = f", {self.late_lines:,} of them late" if self.late_lines else ""
        return (
            f"Hour {self.hour} published ({self.reason}): {self.lines:,} lines{late}, "
            f"{self.hits:,} hits, {self.session_parts:,} session parts."
        )
