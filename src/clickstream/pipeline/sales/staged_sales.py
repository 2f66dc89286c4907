"""A date of a source of sales between its read and its publication, as tasks pass it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from clickstream.lake.staging import Staged
from clickstream.tables import Table
from clickstream.tables.sales import SALES_REJECTS
from clickstream.wording import amount, quantity


@dataclass(frozen=True)
class StagedSales:
    """A date of a source whose rows are staged: keys and counts, which pass from task to task.

    `source_rows` counts the rows at the source by table, and `rows` the staged ones. `replaces` is
    the publication that the date had, `version` that of the rows. `digests` are those of the
    staged objects by the last part of their keys.
    """

    source: str
    day: str
    prefix: str
    replaces: str
    version: str
    source_rows: Mapping[str, int]
    rows: Mapping[str, int]
    gross_cents: int
    refunded_cents: int
    spend_cents: int
    differing_orders: int | None
    differing_cents: int | None
    currency: str
    digests: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for XCom."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Reverse `as_dict`."""
        return cls(**values)

    def staged(self, table: Table) -> Staged:
        """Return the staged object of a table."""
        name = f"{table.name}.parquet"
        return Staged(f"{self.prefix}{name}", self.digests[name])

    @property
    def sentence(self) -> str:
        """One line for the log."""
        rejected = self.rows[SALES_REJECTS.name]
        parts = [
            f"{self.day} of {self.source}: {quantity(self.rows['orders'], 'order')}",
            f"{quantity(self.rows['refunds'], 'refund')}",
            f"gross {amount(self.gross_cents)} {self.currency}",
        ]
        if self.rows["campaign_spend"]:
            parts.append(f"spending {amount(self.spend_cents)} {self.currency}")
        if rejected:
            parts.append(f"{quantity(rejected, 'row')} rejected")
        if self.differing_orders is None:
            parts.append("not checked whether parts give the total: the source has none")
        elif self.differing_orders:
            parts.append(
                f"{quantity(self.differing_orders, 'order')} whose parts do not give the total"
            )
        return f"{', '.join(parts)}."
