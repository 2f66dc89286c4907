"""Pull sales into the lake: which dates of a source differ, and the steps of one date.

    plan_pull ─▶ for each date: pull_date ─▶ check_date ─▶ publish_staged

A date is a function of its rows at the source: any order, repetition or crash of its steps gives
the same rows. Dates are replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from clickstream import __version__
from clickstream.collect.sales.reader import DayDigest, SalesReader, Survey, is_between
from clickstream.core.errors import StaleHour, UnbalancedSales
from clickstream.core.text_digests import digest_texts
from clickstream.core.wording import amount, quantity
from clickstream.lake import Lake, aws_errors, publication, row_digests, staging
from clickstream.lake.compared_dates import record_recent
from clickstream.lake.publication import NewRows, publish, sales_of
from clickstream.lake.pull_states import noting_failure
from clickstream.lake.staging import Staged
from clickstream.pipeline.sales.opening import FindConnection, open_source, rules_of_lake
from clickstream.sales.fields import DATED
from clickstream.sales.identities import order_differences, totals_of
from clickstream.sales.row_reader import SalesRules
from clickstream.sales.sales_day import SalesDay, build_day
from clickstream.settings.sales import SalesSettings
from clickstream.tables import Table
from clickstream.tables.sales import (
    DATED_TABLES,
    OF_SALES_DAYS,
    ORDER_ITEMS,
    SALES_LEDGER,
    SALES_REJECTS,
)

# A date of a source of sales between its read and its publication, as tasks pass it on.


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


_ATTEMPTS = 5
_NOTHING = DayDigest({}, "")


@dataclass(frozen=True)
class PullPlan:
    """The dates of a source that differ from the lake, in order, and what the source has.

    `since` is the first date that was compared; None for all dates.
    """

    source: SalesSettings
    dates: Sequence[date]
    survey: Survey
    since: date | None = None

    @property
    def compared(self) -> str:
        """The dates that the source has, and from when on they were compared."""
        number = quantity(len(self.survey.days), "date")
        return f"{number} since {self.since}" if self.since else number


def plan_pull(
    lake: Lake,
    source: SalesSettings,
    now: datetime,
    first: date | None = None,
    last: date | None = None,
    find: FindConnection | None = None,
    *,
    everything: bool = False,
) -> PullPlan:
    """Compare a source with the lake, by one query for each table, and return what differs.

    With `everything`, all compared dates are returned: those that do not differ, too.

    Without `first`, all dates of files are compared, and those of a database from `horizon_days`
    before `now` on. Dates that the source no longer has are among those that differ. What has
    changed since it was read is recorded. Raises ShopUnreachable, ShopRefused, UnusableSales.
    """
    is_usual = (first, last) == (None, None)
    if first is None and source.kind == "sql":
        first = now.date() - timedelta(days=source.horizon_days)
    rules = rules_of_lake(lake, source)
    with aws_errors.translate_errors():
        recorded = publication.versions(lake, source.name, first)
    with (
        noting_failure(lake, source.name, now),
        open_source(lake.settings, source, rules, find, DATED) as reader,
    ):
        survey = reader.survey(first, last, now.date() + timedelta(days=1), examples=0)
    days = {
        day
        for day in {*survey.days, *recorded}
        if is_between(day, first, last)
        and (everything or recorded.get(day) != _version(survey.days.get(day, _NOTHING), rules))
    }
    changed = [
        day
        for day, version in recorded.items()
        if is_between(day, first, last) and is_changed(version, survey.days.get(day, _NOTHING))
    ]
    with aws_errors.translate_errors():
        compared_at = now if is_usual else None
        record_recent(lake, source.name, (first, last), recorded, changed, compared_at)
    return PullPlan(source, sorted(days), survey, first)


def pull_date(
    lake: Lake, source: SalesSettings, day: date, find: FindConnection | None = None
) -> StagedSales:
    """Read a date at the source, and stage its rows; no table changes."""
    rules = rules_of_lake(lake, source)
    with open_source(lake.settings, source, rules, find, DATED) as reader:
        return _pull_from(reader, lake, day, rules)


def _pull_from(reader: SalesReader, lake: Lake, day: date, rules: SalesRules) -> StagedSales:
    with aws_errors.translate_errors():
        ledger = publication.ledger_rows(lake, day, day)
        replaces = publication.publication_in(ledger, sales_of(rules.source, day))
    # The digest and the rows are of one state of the source.
    digest = reader.survey(day, day, examples=0).days.get(day, _NOTHING)
    built = build_day(day, reader.read_day(day), rules)
    with aws_errors.translate_errors():
        return _stage(lake, built, digest, rules, replaces)


def _version(digest: DayDigest, rules: SalesRules) -> str:
    """Return digests of the rows at the source, of the rules that read them, and of the release."""
    return f"{digest.digest}-{rules.digest}-{digest_texts([__version__], 4)}"


def is_changed(version: str, digest: DayDigest) -> bool:
    """Whether a date has other rows at the source than when it was read; rules may differ."""
    return version.partition("-")[0] != digest.digest


def is_read_by(version: str, rules: SalesRules) -> bool:
    """Whether a date was read by these rules, by any release."""
    return version.split("-")[1:2] == [rules.digest]


def _stage(
    lake: Lake, built: SalesDay, digest: DayDigest, rules: SalesRules, replaces: str
) -> StagedSales:
    version = _version(digest, rules)
    prefix = f"{staging.OF_SALES}{rules.source}/{built.day}/{version}/"
    digests = staging.Digests()
    for table in OF_SALES_DAYS:
        file = BytesIO()
        pq.write_table(built.table(table), file, compression="zstd", write_statistics=False)
        digests.add(staging.put(lake, f"{prefix}{table.name}.parquet", file.getvalue()))
    totals, differences = totals_of(built), order_differences(built)
    return StagedSales(
        source=rules.source,
        day=str(built.day),
        prefix=prefix,
        replaces=replaces,
        version=version,
        source_rows=dict(digest.rows),
        rows={table.name: len(built.rows[table]) for table in OF_SALES_DAYS},
        gross_cents=totals.gross_cents,
        refunded_cents=totals.refunded_cents,
        spend_cents=totals.spend_cents,
        differing_orders=None if differences is None else len(differences),
        differing_cents=None if differences is None else sum(abs(o.cents) for o in differences),
        currency=rules.currency,
        digests=digests.by_name,
    )


@aws_errors.translate_errors()
def check_date(lake: Lake, staged: StagedSales) -> StagedSales:
    """Refuse a date whose staged rows are damaged, or are not all rows of the source.

    Each row of the source is in one table, or is a reject. Raises DamagedObject or UnbalancedSales.
    """
    rejects = staging.read(lake, staged.staged(SALES_REJECTS), ["of_table"])["of_table"].to_pylist()
    for table in DATED_TABLES:
        kept = staging.count(lake, staged.staged(table))
        at_source, rejected = staged.source_rows.get(table.name, 0), rejects.count(table.name)
        if kept + rejected != at_source:
            raise UnbalancedSales(
                f"{staged.day} of {staged.source} has {quantity(at_source, 'row')} of "
                f"{table.name}, but {quantity(kept, 'row')} and {quantity(rejected, 'reject')} "
                "were staged, so it stays unpublished. Report this fault."
            )
    return staged


@aws_errors.translate_errors()
def publish_staged(
    lake: Lake,
    source: SalesSettings,
    staged: StagedSales,
    run_id: str,
    find: FindConnection | None = None,
) -> StagedSales:
    """Publish a checked date; read it again if another process published it meanwhile."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _publish(lake, staged, run_id)
        except StaleHour:
            if attempt == _ATTEMPTS:
                raise
            day = date.fromisoformat(staged.day)
            staged = check_date(lake, pull_date(lake, source, day, find))
        else:
            break
    return staged


def _publish(lake: Lake, staged: StagedSales, run_id: str) -> None:
    day = date.fromisoformat(staged.day)
    rows = {table: staging.read(lake, staged.staged(table)) for table in OF_SALES_DAYS}
    lines = rows[ORDER_ITEMS].to_pandas()
    ledger = {
        "event_date": day,
        "hour_at": datetime(day.year, day.month, day.day),
        "sales_source": staged.source,
        **{f"source_{table.name}": staged.source_rows.get(table.name, 0) for table in DATED_TABLES},
        **{table.name: staged.rows[table.name] for table in DATED_TABLES},
        "rejected": staged.rows[SALES_REJECTS.name],
        "gross_cents": staged.gross_cents,
        "refunded_cents": staged.refunded_cents,
        "spend_cents": staged.spend_cents,
        "items_cents": int((lines["amount_cents"] - lines["discount_cents"]).sum()),
        "differing_orders": staged.differing_orders,
        "differing_cents": staged.differing_cents,
        "currency": staged.currency,
        "source_digest": staged.version,
        "rows_digest": row_digests.of_rows(rows, OF_SALES_DAYS),
        "library_version": __version__,
        "published_at": datetime.now(UTC).replace(tzinfo=None),
        "published_by": run_id,
    }
    rows[SALES_LEDGER] = pa.Table.from_pylist([ledger], SALES_LEDGER.arrow_schema())
    new = NewRows(day, rows, staged.version)
    publish(lake, sales_of(staged.source, day), run_id, lambda _: new, staged.replaces)


def pull_dates(
    lake: Lake, source: SalesSettings, dates: Sequence[date], run_id: str
) -> Iterator[StagedSales]:
    """Pull, check and publish dates, one after the other; yield each when it is published."""
    for staged in _staged_dates(lake, source, dates):
        yield publish_staged(lake, source, check_date(lake, staged), run_id)


def _staged_dates(
    lake: Lake, source: SalesSettings, dates: Sequence[date]
) -> Iterator[StagedSales]:
    """Read files once for all dates, and a database in a short transaction for each date."""
    if source.kind == "sql":
        yield from (pull_date(lake, source, day) for day in dates)
        return
    rules = rules_of_lake(lake, source)
    with open_source(lake.settings, source, rules, names=DATED) as reader:
        yield from (_pull_from(reader, lake, day, rules) for day in dates)
