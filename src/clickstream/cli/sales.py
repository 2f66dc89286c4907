"""`clickstream sales`: check the sources of sales, pull them, and show what the lake has."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from clickstream.cli.console import (
    err,
    load_settings,
    open_lake,
    out,
    refresh_readers,
    run_by_hand,
)
from clickstream.core.errors import ClickstreamError, InputError
from clickstream.core.hours import parse_date
from clickstream.core.terminal import print_rows
from clickstream.core.wording import amount, printable, quantity, shorten
from clickstream.sales.fields import LISTINGS, count_rows

if TYPE_CHECKING:
    from clickstream.insight.campaign_tags import CampaignTag, TagProposal, TagReport
    from clickstream.lake import Lake
    from clickstream.pipeline.sales.check import SalesCheck
    from clickstream.pipeline.sales.match_plan import MatchRange
    from clickstream.pipeline.sales.matches import MatchedDate
    from clickstream.pipeline.sales.older_dates import OlderDates
    from clickstream.pipeline.sales.pull import PullPlan
    from clickstream.pipeline.sales.status import SalesDate, StoredListings
    from clickstream.settings import Settings
    from clickstream.settings.sales import SalesSettings


# Text output of `clickstream sales check`.

_SHOWN = 5


def show_check(checked: SalesCheck, out: Console) -> None:
    """Print the result for a source: a line with its state, and what was found."""
    style = "red" if checked.error else "yellow" if checked.has_problems else "green"
    mark = "✗" if checked.error else "!" if checked.has_problems else "✓"
    source = checked.source
    out.print(Text.assemble((mark, style), f" {source.name}", (f"  {source.kind}", "dim")))
    for text, look in _lines(checked):
        out.print(Text(f"  {printable(text)}", look), soft_wrap=True)


def _lines(checked: SalesCheck) -> Iterator[tuple[str, str]]:
    """Yield the lines below the name of a source, each with its style."""
    if checked.error:
        yield checked.error.printed, "red"
    if checked.survey is None:
        return
    has_tables_with_dates = any(table not in LISTINGS for table in checked.tables)
    if has_tables_with_dates and not checked.survey.days:
        yield "It has no rows with a usable date.", "yellow"
    yield from _lines_of_survey(checked)
    yield from _lines_of_rows(checked)
    if checked.listings:
        yield f"Without dates: {count_rows(checked.listings)}.", ""
    for (table, reason, column), number in checked.rejects.most_common():
        examples = checked.examples[table, reason, column]
        yield _faulty_rows("rejected", table, column, reason, number, examples), "yellow"


def _faulty_rows(
    state: str, table: str, column: str | None, reason: str, rows: int, examples: Sequence[str]
) -> str:
    """Return a sentence about rows with one fault; `examples` are their ids and values."""
    fault, _, cure = reason.partition(": ")
    where = f" in the column {column}" if column else ""
    sentence = f"{quantity(rows, 'row')} of {table} {state}: {fault}{where} ({shorten(examples)})"
    return f"{sentence}. {cure[:1].upper()}{cure[1:]}." if cure else f"{sentence}."


def _lines_of_survey(checked: SalesCheck) -> Iterator[tuple[str, str]]:
    survey = checked.survey
    if survey is None:
        return
    if survey.days:
        first, last = min(survey.days), max(survey.days)
        rows: Counter[str] = Counter()
        for day in survey.days.values():
            rows.update(day.rows)
        dates = quantity(len(survey.days), "date")
        yield f"{dates} from {first} to {last}: {count_rows(rows)}.", ""
    for left_out in survey.left_out:
        yield _faulty_rows("left out", **vars(left_out)), "yellow"
    for note in survey.notes:
        yield note, "yellow"


def _lines_of_rows(checked: SalesCheck) -> Iterator[tuple[str, str]]:
    if not checked.read:
        return
    dates = f"{quantity(len(checked.read), 'date')} from {checked.read[0]} to {checked.read[-1]}"
    totals, sums = checked.totals, []
    if not {"orders", "refunds"}.isdisjoint(checked.tables):
        sums = [
            quantity(totals.orders, "paid order"),
            f"gross {amount(totals.gross_cents)}",
            f"refunds {amount(totals.refunded_cents)}",
            f"net {amount(totals.net_cents)}",
        ]
    if "campaign_spend" in checked.tables:
        sums.append(f"spending {amount(totals.spend_cents)}")
    yield f"Read {dates}: {', '.join(sums)} {checked.source.currency}.", ""
    if "orders" not in checked.tables:
        return
    for fault, refunds in checked.refund_faults.items():
        number = quantity(len(refunds), "refund")
        yield f"{number} {fault}: {shorten(refunds, _SHOWN)}.", "yellow"
    if checked.differences:
        orders = [f"{d.order_id} by {amount(d.cents)}" for d in checked.differences]
        yield (
            f"{quantity(len(orders), 'order')} whose parts do not give the total: "
            f"{shorten(orders, _SHOWN)}.",
            "yellow",
        )
    if checked.without_parts:
        number = quantity(checked.without_parts, "order")
        yield f"Not checked whether parts give the total: the source has none of {number}.", ""
    elif not checked.differences:
        yield "The parts of every order give its total.", "green"


# Text output of `clickstream sales tags`.

_REASONS = {
    "other source": "equal campaigns of other sources",
    "spelling": "only case, accents and separators differ",
    "more words": "one has further words",
    "alike": "the tags are similar",
}


def describe_tags(report: TagReport) -> Iterator[str]:
    """Yield the lines: what does not meet, proposals, and what to write into the file."""
    if not report.without_visits and not report.without_cost:
        yield "Each campaign with a cost has visits, and all paid visits with tags have a cost."
        return
    if report.without_visits:
        yield "Costs without visits:"
        proposals = {proposal.cost: proposal for proposal in report.proposals}
        for spending in report.without_visits:
            cost = f"{amount(spending.cents)} {spending.currency}"
            campaign = f"{spending.platform} {spending.campaign_id}  {_tag_name(spending.tag)}"
            yield f"  {printable(campaign)}  {cost}"
            if proposal := proposals.get(spending):
                name, visits = _tag_name(proposal.visited.tag), proposal.visited.visits
                reason = _REASONS[proposal.reason]
                yield f"    perhaps {printable(name)}, {quantity(visits, 'visit')}: {reason}"
    if report.without_cost:
        yield "Paid visits without a cost:"
        for tags in report.without_cost:
            yield f"  {printable(_tag_name(tags.tag))}  {quantity(tags.visits, 'visit')}"
    if report.proposals:
        yield "To join the proposed pairs, set campaign_tags of [[sales]] to a file of these lines:"
        yield from _lines_of_tag_file(report.proposals)


def _tag_name(tag: CampaignTag) -> str:
    campaign = tag.campaign or "(no utm_campaign)"
    return f"{campaign} from {tag.source}" if tag.source else campaign


def _lines_of_tag_file(proposals: Sequence[TagProposal]) -> Iterator[str]:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["campaign", "utm_source", "utm_campaign"])
    for proposal in proposals:
        tag = proposal.visited.tag
        lines.writerow([proposal.cost.campaign_id, tag.source or "", tag.campaign or ""])
    yield from map(printable, text.getvalue().splitlines())


SUMS = (">orders", ">gross", ">refunds", ">net", ">spend")
DATE_HEADINGS = ("date", "source", *SUMS, "", ">rejected", ">differ")

app = typer.Typer(
    no_args_is_help=True, help="Check and pull the sales of shop databases and CSV files."
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Sources by name; all by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _date(text: str) -> date:
    try:
        return parse_date(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


First = Annotated[
    date | None, typer.Option("--from", parser=_date, metavar="DATE", help="First UTC date.")
]
Last = Annotated[
    date | None, typer.Option("--to", parser=_date, metavar="DATE", help="Last UTC date.")
]


@app.command()
def check(
    names: Names = None,
    days: Annotated[
        int, typer.Option(min=1, help="Number of the newest dates whose rows are read.")
    ] = 7,
    as_json: AsJson = False,
) -> None:
    """Check for each source what it has, which rows can't be used, and whether its sums agree.

    A database is read in one transaction that can't write. Nothing is stored. The exit code is 1
    if a source can't be read, or if some of its rows can't be used or do not reconcile.

    Example: [bold]clickstream sales check[/]

    Example: [bold]clickstream sales check shop --days 400[/]
    """
    from clickstream.pipeline.sales.check import check_source

    settings, results = load_settings(), []
    for source in _chosen(settings, names):
        with err.status(f"Checking {source.name}"):
            results.append(check_source(settings, source, days, datetime.now(UTC)))
        if not as_json:
            show_check(results[-1], out)
    if as_json:
        out.print_json(data=[result.as_dict() for result in results])
    if any(result.has_problems for result in results):
        raise typer.Exit(1)


@app.command()
def pull(
    names: Names = None,
    first: First = None,
    last: Last = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which dates would be pulled; change nothing.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Pull dates that do not differ again, too.")
    ] = False,
) -> None:
    """Pull the dates that differ between the sources and the lake, and match their orders.

    Then views and facts are refreshed. Tables without dates, such as the menu, are pulled unless a
    range of dates is chosen.

    Without [bold]--from[/], all dates of files are compared, and those of a database since the
    last 400 days ([bold]horizon_days[/]). Once a week, the older ones are compared, too: what has
    changed is named with the command that pulls it. To continue
    after an interruption, run the same command again. If a source can't be read, the others are
    pulled, and the exit code is 1.

    Example: [bold]clickstream sales pull[/]

    Example: [bold]clickstream sales pull shop --from 2026-01-01 --dry-run[/]

    Example: [bold]clickstream sales pull shop --from 2026-01-01 --to 2026-01-01 --all[/]
    """
    settings = load_settings()
    sources = _chosen(settings, names)
    if first and last and first > last:
        raise InputError(f"--from {first} is after --to {last}.")
    from clickstream.pipeline.sales.match_plan import MatchRange

    lake, has_failed = open_lake(), False
    pulled: list[date] = []
    for source in sources:
        try:
            pulled += _pull_source(lake, source, (first, last), dry_run, everything)
        except ClickstreamError as error:
            has_failed = True
            err.print(Text(printable(error.printed), "red"), soft_wrap=True)
    if not dry_run:
        _match(lake, MatchRange(since=min(pulled, default=None)), dry_run)
        refresh_readers(lake)
    if has_failed:
        raise typer.Exit(1)


def _pull_source(
    lake: Lake,
    source: SalesSettings,
    limits: tuple[date | None, date | None],
    dry_run: bool,
    everything: bool,
) -> Sequence[date]:
    """Pull the dates of a source, which are returned; without limits its tables without dates."""
    from clickstream.pipeline.sales.older_dates import are_due
    from clickstream.pipeline.sales.opening import rules_of
    from clickstream.pipeline.sales.pull import plan_pull

    columns = rules_of(lake.settings, source).columns
    dates: Sequence[date] = ()
    if columns.has_dates:
        with err.status(f"Comparing {source.name}"):
            now = datetime.now(UTC)
            plan = plan_pull(lake, source, now, *limits, everything=everything)
        dates = plan.dates
        _pull_dates(lake, plan, dry_run)
        if limits == (None, None) and are_due(lake, source, now):
            moved = _compare_older(lake, source, now).moved
            for day in moved:
                _pull_dates(lake, plan_pull(lake, source, now, day, day), dry_run)
            dates = [*dates, *moved]
    if columns.has_listings and limits == (None, None):
        _pull_listings(lake, source, dry_run, everything)
    return dates


def _compare_older(lake: Lake, source: SalesSettings, now: datetime) -> OlderDates:
    from clickstream.pipeline.sales.older_dates import compare_older_dates

    with err.status(f"Comparing all dates of {source.name}"):
        older = compare_older_dates(lake, source, now)
    for sentence in older.sentences:
        out.print(sentence, highlight=False, soft_wrap=True)
    return older


def _pull_dates(lake: Lake, plan: PullPlan, dry_run: bool) -> None:
    from clickstream.pipeline.sales.pull import pull_dates

    source = plan.source
    if rows := sum(left_out.rows for left_out in plan.survey.left_out):
        named = f"{source.name}: {quantity(rows, 'row')} left out: run clickstream sales check."
        out.print(named, soft_wrap=True)
    if not plan.dates:
        out.print(f"{source.name}: the lake has all {plan.compared}.", soft_wrap=True)
        return
    if dry_run:
        dates = shorten(plan.dates, 20)
        named = quantity(len(plan.dates), "date")
        out.print(f"{source.name}: {named} to pull: {dates}.", soft_wrap=True)
        return
    for number, staged in enumerate(pull_dates(lake, plan, run_by_hand()), 1):
        out.print(f"{number}/{len(plan.dates)}  {staged.sentence}", highlight=False, soft_wrap=True)


def _pull_listings(lake: Lake, source: SalesSettings, dry_run: bool, everything: bool) -> None:
    from clickstream.pipeline.sales.listings import is_published, pull_listings, read_listings

    with err.status(f"Comparing {source.name}"):
        if dry_run:
            is_known = is_published(lake, source.name, read_listings(lake, source))
            state = "do not differ" if is_known else "differ"
            sentence = f"{source.name}: its tables without dates {state}."
        else:
            today = datetime.now(UTC).date()
            pulled = pull_listings(lake, source, today, run_by_hand(), everything=everything)
            unchanged = f"{source.name}: the lake has its tables without dates."
            sentence = pulled.sentence if pulled else unchanged
    out.print(sentence, highlight=False, soft_wrap=True)


@app.command()
def compare(names: Names = None) -> None:
    """Compare all dates of the sources with the lake, also those before [bold]horizon_days[/].

    A pull does this once a week. Nothing is pulled: what has changed is named with the command
    that pulls it. The exit code is 1 if a date is to be pulled, or if a source can't be read.

    Example: [bold]clickstream sales compare shop[/]
    """
    from clickstream.pipeline.sales.opening import rules_of
    from clickstream.pipeline.sales.pull import plan_pull

    sources, lake, has_findings = _chosen(load_settings(), names), open_lake(), False
    for source in sources:
        now = datetime.now(UTC)
        try:
            if not rules_of(lake.settings, source).columns.has_dates:
                continue
            plan = plan_pull(lake, source, now)
            _pull_dates(lake, plan, dry_run=True)
            changed = _compare_older(lake, source, now).changed if source.kind == "sql" else ()
            has_findings |= bool(plan.dates or changed)
        except ClickstreamError as error:
            has_findings = True
            err.print(Text(printable(error.printed), "red"), soft_wrap=True)
    if has_findings:
        raise typer.Exit(1)


@app.command()
def match(
    first: First = None,
    last: Last = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which dates would be matched; change nothing.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Match dates that have not changed again, too.")
    ] = False,
) -> None:
    """Match the orders of the dates that changed to their visits, and refresh views and facts.

    A date is matched again if its sales, an hour around it or the settings of orders change.
    Without [bold]--from[/], the dates of the last 400 days are compared. To continue after an
    interruption, run the same command again.

    Example: [bold]clickstream sales match[/]

    Example: [bold]clickstream sales match --from 2026-01-01 --dry-run[/]
    """
    from clickstream.pipeline.sales.match_plan import MatchRange

    _chosen(load_settings(), None)
    if first and last and first > last:
        raise InputError(f"--from {first} is after --to {last}.")
    lake = open_lake()
    _match(lake, MatchRange(first, last, everything=everything), dry_run)
    if not dry_run:
        refresh_readers(lake)


def _match(lake: Lake, chosen: MatchRange, dry_run: bool) -> None:
    from clickstream.pipeline.sales.match_plan import plan_matches
    from clickstream.pipeline.sales.matches import match_orders

    now = datetime.now(UTC)
    if dry_run:
        out.print(plan_matches(lake, now, chosen).sentence, soft_wrap=True)
        return
    without: list[MatchedDate] = []
    is_up_to_date = True
    for matched in match_orders(lake, now, run_by_hand(), chosen):
        is_up_to_date = False
        if matched.matched or matched.views:
            out.print(matched.sentence, highlight=False, soft_wrap=True)
        else:
            without.append(matched)
    if len(without) == 1:
        out.print(without[0].sentence, highlight=False, soft_wrap=True)
    elif without:
        orders = quantity(sum(matched.orders for matched in without), "order")
        dates = quantity(len(without), "date")
        reasons = "clickstream sales status has the reasons"
        out.print(f"{dates} with {orders} and no visit of an order: {reasons}.", soft_wrap=True)
    if is_up_to_date:
        out.print("All orders are matched: no sales, hours or settings have changed.")


@app.command()
def status(
    names: Names = None,
    days: Annotated[int, typer.Option(min=1, help="Number of the newest dates to show.")] = 14,
    as_json: AsJson = False,
) -> None:
    """Show the sales of the newest dates in the lake, and what does not reconcile.

    Then show how many of their orders have a visit, and what the lake has of tables without dates.
    The exit code is 1 if the lake has nothing
    of a source, or if rows were rejected or do not reconcile.

    Example: [bold]clickstream sales status --days 31[/]
    """
    from clickstream.pipeline.sales.status import (
        describe_comparison,
        newest_dates,
        stored_listings,
        summarize_matches,
    )

    settings = load_settings()
    sources, lake = [source.name for source in _chosen(settings, names)], open_lake()
    rows = newest_dates(lake, sources, days, datetime.now(UTC).date())
    listings = stored_listings(lake, sources)
    matches = summarize_matches(lake, [row.day for row in rows], sources)
    stored: list[SalesDate | StoredListings] = [*rows, *listings]
    missing = {*sources} - {entry.source for entry in stored}
    if as_json:
        out.print_json(data=[entry.as_dict() for entry in stored])
    else:
        print_rows(DATE_HEADINGS, [row.cells for row in rows], out)
        if matches:
            out.print(matches.sentence, highlight=False, soft_wrap=True)
        for name in sorted({row.source for row in rows}):
            for sentence in describe_comparison(lake, name):
                out.print(Text(sentence), soft_wrap=True)
        for of_source in listings:
            out.print(of_source.sentence, highlight=False, soft_wrap=True)
        for name in sorted(missing):
            out.print(Text(f"{name}: the lake has nothing of it. Run: clickstream sales pull"))
    if missing or any(entry.has_problems for entry in stored):
        raise typer.Exit(1)


@app.command()
def tags(
    days: Annotated[int, typer.Option(min=1, help="Number of the newest UTC dates.")] = 28,
) -> None:
    """List campaigns whose cost and visits do not meet, and propose which tags belong together.

    Costs and visits meet by utm_campaign and, if both have one, by the source, in lower case. The
    last lines are those of the file [bold]campaign_tags[/] that joins the proposed pairs.

    Example: [bold]clickstream sales tags --days 90[/]
    """
    from clickstream.pipeline.sales.tags import compare_stored_tags

    _chosen(load_settings(), None)
    last = datetime.now(UTC).date()
    first = last - timedelta(days=days - 1)
    for line in describe_tags(compare_stored_tags(open_lake(), first, last)):
        out.print(Text(line), soft_wrap=True)


def _chosen(settings: Settings, names: list[str] | None) -> list[SalesSettings]:
    sources = settings.sales
    if not sources:
        raise InputError("No source of sales is set; add a [[sales]] section to the settings.")
    from clickstream.pipeline.sales.opening import find_source

    return [find_source(settings, name) for name in dict.fromkeys(names)] if names else [*sources]
