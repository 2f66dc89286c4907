"""What `verify` found in the sales of a range of dates, and the sentences about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clickstream.errors import StateCode, with_code
from clickstream.wording import quantity, shorten


@dataclass(frozen=True)
class SalesFault:
    """What is wrong with a date of a source; without `day`, with its tables without dates."""

    day: date | None
    source: str
    what: str

    @property
    def sentence(self) -> str:
        """One line that says what to do."""
        subject = f"{self.day} of {self.source}" if self.day else self.source
        limits = f"--from {self.day} --to {self.day} " if self.day else ""
        remedy = f"clickstream sales pull {self.source} {limits}--all"
        text = f"{subject}: {self.what}. To read it again: {remedy}"
        return with_code(text, StateCode.SALES_DIFFER)


@dataclass(frozen=True)
class SalesReport:
    """The result of `verify_sales`.

    `first` and `last` are the ends of the range, None if they are open. `dates` counts the dates of
    all `sources`, and `orders` their orders. `without` are sources of the settings that have no
    date in the range. `rejected` rows and `differing` orders are those of the sources, and no
    faults of the lake.
    """

    first: date | None
    last: date | None
    sources: tuple[str, ...]
    dates: int
    orders: int
    faults: tuple[SalesFault, ...] = ()
    without: tuple[str, ...] = ()
    rejected: int = 0
    differing: int = 0

    @property
    def is_proven(self) -> bool:
        """Whether no date has a fault."""
        return not self.faults

    @property
    def sentence(self) -> str:
        """What was checked."""
        first, last = self.first or "the first date", self.last or "the newest date"
        of_sources = f" of {shorten(self.sources)}" if self.sources else ""
        return (
            f"Checked sales from {first} to {last}: {quantity(self.dates, 'date')}{of_sources}, "
            f"{quantity(self.orders, 'order')}."
        )

    @property
    def failures(self) -> list[str]:
        """A sentence for each fault."""
        return [fault.sentence for fault in self.faults]

    @property
    def notes(self) -> list[str]:
        """A sentence for everything that is no fault of the lake."""
        notes = [
            f"{name} has no date in this range. To pull its sales: clickstream sales pull {name}"
            for name in self.without
        ]
        if self.rejected or self.differing:
            notes.append(
                f"{quantity(self.rejected, 'row')} of the sources rejected, and "
                f"{quantity(self.differing, 'order')} whose parts do not give the total. To list "
                "them: clickstream sales check"
            )
        return notes
