"""Pull sales into the lake: which dates of a source differ, and the steps of a batch of them.

    plan_pull ─▶ for each batch: stage_dates ─▶ check_staged ─▶ publish_staged

A date is a function of its rows at the source: any order, repetition or crash of its steps gives
the same rows. Dates are replaced as a whole, and many of a month in one commit for each table.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clickstream import __version__
from clickstream.collect.sales.reader import DayDigest, SalesReader, Survey, is_between
from clickstream.core.errors import StaleHour, UnbalancedSales
from clickstream.core.text_digests import digest_texts
from clickstream.core.wording import amount, quantity
from clickstream.lake import Lake, aws_errors, publication, row_digests, staging
from clickstream.lake.compared_dates import record_recent
from clickstream.lake.hour_ledger import UNPUBLISHED
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

# Dates of a source of sales between their read and their publication, as tasks pass them on.


@dataclass(frozen=True)
class StagedDate:
    """A date of a source whose rows are staged.

    `source_rows` counts the rows at the source by table, and `rows` the staged ones. `replaces` is
    the publication that the date had, `version` that of the rows.
    """

    source: str
    day: str
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


@dataclass(frozen=True)
class StagedSales:
    """Dates of a source whose rows are staged, an object for each table, and published at once.

    `digests` are those of the staged objects by the last part of their keys.
    """

    name: str
    prefix: str
    digests: Mapping[str, str]
    dates: Sequence[StagedDate]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for XCom."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Reverse `as_dict`."""
        dates = [StagedDate(**of_date) for of_date in values["dates"]]
        return cls(values["name"], values["prefix"], values["digests"], dates)

    def staged(self, table: Table) -> Staged:
        """Return the staged object of a table."""
        name = f"{table.name}.parquet"
        return Staged(f"{self.prefix}{name}", self.digests[name])

    @property
    def source(self) -> str:
        """The name of the source."""
        return self.dates[0].source

    @property
    def days(self) -> list[date]:
        """The dates, in order."""
        return [date.fromisoformat(of_date.day) for of_date in self.dates]


def name_of_batch(source: str, days: Sequence[date]) -> str:
    """Return the name of dates that are published at once: the first and the last, and theirs."""
    dates = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{dates} of {source}"


_ATTEMPTS = 5

ROWS_AT_ONCE = 100_000
"""Limit of the rows that are published at once, which bounds memory: about 100 MB."""

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

    @property
    def batches(self) -> list[list[date]]:
        """The dates by what is read and published at once."""

        def rows_of(day: date) -> int:
            return sum(self.survey.days.get(day, _NOTHING).rows.values())

        return [*publication.batches_of(sorted(self.dates), ROWS_AT_ONCE, rows_of)]


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


def stage_dates(
    lake: Lake, source: SalesSettings, days: Sequence[date], find: FindConnection | None = None
) -> StagedSales:
    """Read dates of a month at the source, in one state of it, and stage their rows.

    No table changes.
    """
    rules, replaces = rules_of_lake(lake, source), _published(lake, source, days)
    with open_source(lake.settings, source, rules, find, DATED) as reader:
        return _stage(lake, reader, days, rules, replaces)


def _published(lake: Lake, source: SalesSettings, days: Sequence[date]) -> Mapping[date, str]:
    """Return the publications that dates have now, which the rows that are read next replace."""
    with aws_errors.translate_errors():
        ledger = publication.ledger_rows(lake, days[0], days[-1])
    return publication.publications_in(ledger, sales_of(source.name, *days))


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
    lake: Lake,
    reader: SalesReader,
    days: Sequence[date],
    rules: SalesRules,
    replaces: Mapping[date, str],
) -> StagedSales:
    digests_of_days = reader.survey(days[0], days[-1], examples=0).days
    dates, rows = [], defaultdict[Table, list[pa.Table]](list)
    for day in days:
        built = build_day(day, reader.read_day(day), rules)
        digest = digests_of_days.get(day, _NOTHING)
        dates.append(_staged_date(built, digest, rules, replaces.get(day, UNPUBLISHED)))
        for table in OF_SALES_DAYS:
            rows[table].append(built.table(table))
    version = digest_texts((of_date.version for of_date in dates), 16)
    prefix = f"{staging.OF_SALES}{rules.source}/{days[0]}_{days[-1]}/{version}/"
    digests = staging.Digests()
    with aws_errors.translate_errors():
        for table, of_days in rows.items():
            file = BytesIO()
            pq.write_table(
                pa.concat_tables(of_days), file, compression="zstd", write_statistics=False
            )
            digests.add(staging.put(lake, f"{prefix}{table.name}.parquet", file.getvalue()))
    return StagedSales(name_of_batch(rules.source, days), prefix, digests.by_name, dates)


def _staged_date(
    built: SalesDay, digest: DayDigest, rules: SalesRules, replaces: str
) -> StagedDate:
    totals, differences = totals_of(built), order_differences(built)
    return StagedDate(
        source=rules.source,
        day=str(built.day),
        replaces=replaces,
        version=_version(digest, rules),
        source_rows=dict(digest.rows),
        rows={table.name: len(built.rows[table]) for table in OF_SALES_DAYS},
        gross_cents=totals.gross_cents,
        refunded_cents=totals.refunded_cents,
        spend_cents=totals.spend_cents,
        differing_orders=None if differences is None else len(differences),
        differing_cents=None if differences is None else sum(abs(o.cents) for o in differences),
        currency=rules.currency,
    )


@aws_errors.translate_errors()
def check_staged(lake: Lake, staged: StagedSales) -> StagedSales:
    """Refuse dates whose staged rows are damaged, or are not all rows of the source.

    Each row of the source is in one table, or is a reject. Raises DamagedObject or UnbalancedSales.
    """
    rejected = _counts(lake, staged, SALES_REJECTS, "event_date", "of_table")
    for table in DATED_TABLES:
        kept = _counts(lake, staged, table, "event_date")
        for of_date, day in zip(staged.dates, staged.days, strict=True):
            at_source = of_date.source_rows.get(table.name, 0)
            if kept[(day,)] + rejected[day, table.name] != at_source:
                raise UnbalancedSales(
                    f"{day} of {staged.source} has {quantity(at_source, 'row')} of {table.name}, "
                    f"but {quantity(kept[(day,)], 'row')} and "
                    f"{quantity(rejected[day, table.name], 'reject')} were staged, so it stays "
                    "unpublished. Report this fault."
                )
    return staged


def _counts(
    lake: Lake, staged: StagedSales, table: Table, *columns: str
) -> Counter[tuple[object, ...]]:
    """Count the staged rows of a table by the values of columns."""
    rows = staging.read(lake, staged.staged(table), [*columns])
    return Counter(zip(*(rows[column].to_pylist() for column in columns), strict=True))


@aws_errors.translate_errors()
def publish_staged(
    lake: Lake,
    source: SalesSettings,
    staged: StagedSales,
    run_id: str,
    find: FindConnection | None = None,
) -> StagedSales:
    """Publish checked dates; read them again if another process published one meanwhile."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _publish(lake, staged, run_id)
        except StaleHour:
            if attempt == _ATTEMPTS:
                raise
            staged = check_staged(lake, stage_dates(lake, source, staged.days, find))
        else:
            break
    return staged


def _publish(lake: Lake, staged: StagedSales, run_id: str) -> None:
    rows = {table: staging.read(lake, staged.staged(table)) for table in OF_SALES_DAYS}
    new = []
    for of_date, day in zip(staged.dates, staged.days, strict=True):
        of_day = {
            table: of_table.filter(pc.equal(of_table["event_date"], day))
            for table, of_table in rows.items()
        }
        of_day[SALES_LEDGER] = _ledger(of_date, day, of_day, run_id)
        new.append(NewRows(day, of_day, of_date.version))
    replaces = [of_date.replaces for of_date in staged.dates]
    publish(lake, sales_of(staged.source, *staged.days), run_id, lambda _: new, replaces)


def _ledger(staged: StagedDate, day: date, rows: Mapping[Table, pa.Table], run_id: str) -> pa.Table:
    lines = rows[ORDER_ITEMS]
    items = pc.sum(pc.subtract(lines["amount_cents"], lines["discount_cents"]), min_count=0)
    row = {
        "event_date": day,
        "hour_at": datetime(day.year, day.month, day.day),
        "sales_source": staged.source,
        **{f"source_{table.name}": staged.source_rows.get(table.name, 0) for table in DATED_TABLES},
        **{table.name: staged.rows[table.name] for table in DATED_TABLES},
        "rejected": staged.rows[SALES_REJECTS.name],
        "gross_cents": staged.gross_cents,
        "refunded_cents": staged.refunded_cents,
        "spend_cents": staged.spend_cents,
        "items_cents": items.as_py(),
        "differing_orders": staged.differing_orders,
        "differing_cents": staged.differing_cents,
        "currency": staged.currency,
        "source_digest": staged.version,
        "rows_digest": row_digests.of_rows(rows, OF_SALES_DAYS),
        "library_version": __version__,
        "published_at": datetime.now(UTC).replace(tzinfo=None),
        "published_by": run_id,
    }
    return pa.Table.from_pylist([row], SALES_LEDGER.arrow_schema())


def pull_dates(lake: Lake, plan: PullPlan, run_id: str) -> Iterator[StagedDate]:
    """Pull, check and publish the dates of a plan; yield each when it is published."""
    for staged in _staged_batches(lake, plan):
        yield from publish_staged(lake, plan.source, check_staged(lake, staged), run_id).dates


def _staged_batches(lake: Lake, plan: PullPlan) -> Iterator[StagedSales]:
    """Read files once for all dates, and a database in a short transaction for each batch."""
    source = plan.source
    if source.kind == "sql" or not plan.dates:
        yield from (stage_dates(lake, source, days) for days in plan.batches)
        return
    rules, replaces = rules_of_lake(lake, source), _published(lake, source, sorted(plan.dates))
    with open_source(lake.settings, source, rules, names=DATED) as reader:
        yield from (_stage(lake, reader, days, rules, replaces) for days in plan.batches)
