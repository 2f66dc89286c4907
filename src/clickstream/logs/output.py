"""The page of `clickstream try`: the figures of a log, for a terminal or as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

from more_itertools import chunked
from rich import box
from rich.console import Console, Group, RenderableType
from rich.filesize import decimal
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from clickstream.clean.hosts import describe_hosts
from clickstream.cohort_labels import CohortLabel
from clickstream.logs.charts import TerminalAbilities, bar, fold, over_time, stacked
from clickstream.logs.figures import CLIENTS, TOP, Figures, Suspects, top
from clickstream.logs.layout import (
    ACCENT,
    GUTTER,
    WIDEST,
    RankingRow,
    beside,
    dim_text,
    is_wide,
    make_ranking,
    make_section,
    make_table,
)
from clickstream.parse.detect import Detected
from clickstream.wording import quantity
from clickstream.zone_names import name_zone


def phrase(status: int) -> str:
    """Return the reason phrase of an HTTP status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(unassigned)"


def moment(at: datetime) -> str:
    """Format a moment to the minute: `20 Nov 2026 05:00`."""
    return f"{at.day} {at:%b %Y %H:%M}"


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment (naive UTC) in a zone (naive)."""
    return at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def seconds(length: float | None) -> str:
    """Format the length of a session: `8.5 s`, `3 min 20 s`."""
    if length is None:
        return "-"
    minutes, rest = divmod(length, 60)
    return f"{minutes:.0f} min {int(rest)} s" if minutes else f"{rest:g} s"


def length(span: timedelta) -> str:
    """Format a span in its two largest units: `1 d 17 h`, `3 h 20 min`, `45 s`."""
    seconds = int(span.total_seconds())
    units = {"d": seconds // 86400, "h": seconds // 3600 % 24, "min": seconds // 60 % 60}
    large = [f"{n} {unit}" for unit, n in units.items() if n]
    return " ".join(large[:2]) or f"{seconds} s"


CHART_HEIGHT = 8
TILES_A_ROW = 3
WARNING = "yellow"
_COHORTS = 3
"""Maximum number of suspected cohorts on the page."""

KINDS = {
    "page_requests": ("page requests", "green"),
    "assets": ("static assets", "blue"),
    "downloads": ("downloads", "bright_green"),
    "bots": ("bot requests", "magenta"),
    "redirects": ("redirects", "cyan"),
    "client_errors": ("client errors, people", "yellow"),
    "server_errors": ("server errors, people", "red"),
    "health_checks": ("health checks", "bright_blue"),
    "api_calls": ("API calls", "bright_cyan"),
    "others": ("others", "white"),
    "rejected": ("rejected lines", "bright_red"),
    "other_hosts": ("to hosts of other sites", "bright_black"),
}
"""The label and the colour of each term of the line balance."""

STATUS_STYLES = {1: "white", 2: "green", 3: "cyan", 4: "yellow", 5: "red"}


def show(
    figures: Figures,
    files: str,
    formats: Sequence[Detected],
    elapsed: float,
    console: Console,
) -> None:
    """Print the page.

    `files` names or counts the files. `formats` are the detected formats of the files, and may be
    empty. `elapsed` is the wall-clock time of reading and counting in seconds.
    """
    look = TerminalAbilities.of(console, WIDEST)
    half = replace(look, width=(look.width - GUTTER) // 2) if is_wide(look) else look
    sections: list[RenderableType] = [
        _headline(figures, files, formats, elapsed, look),
        _balance(figures, look),
        _people(figures),
        _timeline(figures, look),
        beside(_pages(figures, half), _referrers(figures, half), look),
        beside(_channels(figures, half), _campaigns(figures, half), look),
        beside(_devices(figures, half), _countries(figures, half), look),
        beside(_statuses(figures, half), _bot_classes(figures, half), look),
        _errors(figures),
        beside(_bots(figures, half), _rejects(figures, half), look),
    ]
    for section in sections:
        console.print(section, width=look.width)
        console.print()
    console.print(Text("The same figures for programs: add --json.", "dim"))


def _headline(
    figures: Figures,
    files: str,
    formats: Sequence[Detected],
    elapsed: float,
    look: TerminalAbilities,
) -> Panel:
    speed = f"{quantity(round(figures.lines / max(elapsed, 0.001)), 'line')} per second"
    span = "no line with a time"
    if figures.first_at and figures.last_at:
        span_text = length(figures.last_at - figures.first_at)
        ends = (_local(at, figures.zone) for at in (figures.first_at, figures.last_at))
        span = f"{' to '.join(map(moment, ends))} {name_zone(figures.zone.key)} ({span_text})"
    clients = quantity(figures.clients, "client address", "client addresses")
    hosts = describe_hosts(figures.hosts, figures.hosts_of_site)
    read = quantity(figures.lines, "line")
    lines = Text.assemble(
        (read, f"bold {ACCENT}"), " in ", (look.safe(files), "bold"), "\n", span, "\n",
        (f"{clients}, {decimal(figures.bytes)} sent", "dim"), "\n",
        (f"{look.safe(hosts)}\n" if hosts else "", WARNING),
        (f"{figures.notes.proxy}\n" if figures.notes.proxy else "", WARNING),
        (f"{figures.notes.zone}\n" if figures.notes.zone else "", "dim"),
        (f"read in {elapsed:.1f} s, {speed}", "dim"), _formats(formats),
    )  # fmt: skip
    return Panel(lines, box=box.ROUNDED, border_style=ACCENT, title="[bold]clickstream[/]")


def _formats(found: Sequence[Detected]) -> Text:
    """Return the detected formats of the files, one per line."""
    together = [
        Detected(
            name,
            sum(one.read for one in found if one.name == name),
            sum(one.seen for one in found if one.name == name),
        )
        for name in dict.fromkeys(one.name for one in found)
    ]
    return Text("".join(f"\nformat {one.sentence}" for one in together), "dim")


def _balance(figures: Figures, look: TerminalAbilities) -> Group:
    counts = {**figures.balance, "rejected": sum(figures.rejected.values())}
    if figures.other_hosts:
        counts["other_hosts"] = figures.other_hosts
    segments = [(n, KINDS[kind][1]) for kind, n in counts.items()]
    table = make_table(look.width // 2, look)
    for number, (kind, n) in enumerate(counts.items()):
        name, style = KINDS[kind]
        label = Text.assemble((look.shade(number), style), f" {name}")
        share = f"{n / figures.lines:.1%}"
        table.add_row(label, f"{n:,}", share, bar(n, figures.lines, look.width // 2, style, look))
    table.add_row(Text("= lines", "bold"), Text(f"{sum(counts.values()):,}", "bold"), "100.0%", "")
    return make_section("Every line, once", "", stacked(segments, look.width, look), table)


def _people(figures: Figures) -> Group:
    people = figures.people
    sessions = max(people.sessions, 1)
    tiles = {
        "visitors": f"{people.visitors:,}",
        "sessions": f"{people.sessions:,}",
        "page views": f"{people.page_views:,}",
        "pages / session": f"{people.page_views / sessions:.2f}",
        "bounce rate": f"{people.bounces / sessions:.1%}",
        "median session": seconds(people.median_seconds),
    }
    rows = Table.grid(expand=True, padding=(0, 1))
    for some in chunked(tiles.items(), TILES_A_ROW):
        rows.add_row(*(_tile(name, value) for name, value in some))
    for column in rows.columns:
        column.ratio = 1
    legend = (
        "Visitor: a client address with a user agent that saw a page. Session: a visitor's requests"
        f" without more than {figures.timeout_seconds / 60:g} minutes of inactivity, at least"
        " one of them a page view. Page views: the page requests of these sessions. Bounce: a"
        " session with exactly one page view. Engaged: longer than 10 seconds, with two page views,"
        " or with a goal met. Bots are left out."
    )
    engaged = f"{people.engaged / sessions:.1%} of the sessions were engaged"
    met = [f"{n:,} met the goal {goal}" for goal, n in top(people.goals).items() if n]
    outcome = Text("; ".join([engaged, *met]) + ".")
    return make_section(
        "People", "", rows, outcome, *_suspected(figures.suspects), Text(legend, "dim")
    )


def _suspected(suspects: Suspects) -> Iterator[Text]:
    """Yield a warning about visitors who are left out."""
    if suspects.visitors:
        found = quantity(suspects.visitors, "more visitor")
        yield Text(
            f"{found} are left out, because they are probably machines with a browser's user "
            "agent (docs/people.md):",
            WARNING,
        )
    for cohort in suspects.cohorts[:_COHORTS]:
        name = CohortLabel.parse(cohort.label).describe()
        yield Text(f"  {cohort.visitors:,}: {name}. Most on one date: {cohort.reason}", WARNING)
    if (more := len(suspects.cohorts) - _COHORTS) > 0:
        yield Text(f"  and {quantity(more, 'more group')}; --json lists 10.", WARNING)


def _tile(name: str, value: str) -> Panel:
    text = Text.assemble((value, "bold green"), "\n", (name, "dim"), justify="center")
    return Panel(text, box=box.ROUNDED, border_style="dim")


def _timeline(figures: Figures, look: TerminalAbilities) -> Group:
    if not figures.by_hour:
        return make_section("Requests over time", "", dim_text("No line has a time."))
    local: Counter[int] = Counter()
    for hour, number in figures.by_hour.items():
        at = datetime.fromtimestamp(hour, figures.zone).replace(tzinfo=UTC)
        local[int(at.timestamp())] += number
    step, counts = fold(local, columns=look.width - 12)
    lines = over_time(counts, step, CHART_HEIGHT, ACCENT, look)
    return make_section(
        f"Requests by {step.name}", f"{name_zone(figures.zone.key)}, people and bots", *lines
    )


def _pages(figures: Figures, look: TerminalAbilities) -> Group:
    rows = [RankingRow(path, n, "green") for path, n in figures.top_pages.items()]
    return make_ranking("Top pages", "page views", rows, "No page views.", look)


def _referrers(figures: Figures, look: TerminalAbilities) -> Group:
    rows = [RankingRow(domain, n, "green") for domain, n in figures.top_referrers.items()]
    nothing = (
        "No page view came from another site."
        if figures.referrers_logged
        else "Not known: the log has no referrer field."
    )
    ranking = make_ranking("Top referrers", "page views", rows, nothing, look)
    if figures.own_domain:
        ranking.renderables.append(Text(look.safe(figures.own_domain.sentence), "dim"))
    return ranking


def _campaigns(figures: Figures, look: TerminalAbilities) -> Group:
    rows = [
        RankingRow(
            " / ".join(part or "-" for part in (c.source, c.medium, c.campaign)),
            c.hits,
            more=f"{c.page_views:,}",
        )
        for c in figures.campaigns
    ]
    note = "requests, and the page views among them"
    return make_ranking("Campaigns", note, rows, "No request carries utm tags.", look)


def _channels(figures: Figures, look: TerminalAbilities) -> Group:
    rows = [RankingRow(channel, n, "green") for channel, n in top(figures.people.channels).items()]
    ranking = make_ranking("Channels", "sessions", rows, "No sessions.", look)
    if rows and not figures.referrers_logged:
        why = "The log has no referrer field, so the channel is known from tags and click ids only."
        ranking.renderables.append(Text(why, "dim"))
    return ranking


def _devices(figures: Figures, look: TerminalAbilities) -> Group:
    rows = [RankingRow(device, n, "green") for device, n in top(figures.people.devices).items()]
    return make_ranking("Devices", "sessions", rows, "No sessions.", look)


def _countries(figures: Figures, look: TerminalAbilities) -> Group:
    rows = [RankingRow(country, n, "green") for country, n in top(figures.people.countries).items()]
    nothing = "No database of places is set: `make geoip` fetches a free one."
    return make_ranking("Countries", "sessions", rows, nothing, look)


def _bot_classes(figures: Figures, look: TerminalAbilities) -> Group:
    rows = [RankingRow(name, n, "magenta") for name, n in top(figures.bot_classes).items()]
    return make_ranking("Kinds of bots", "requests", rows, "No bots.", look)


def _statuses(figures: Figures, look: TerminalAbilities) -> Group:
    ranked = sorted(figures.by_status.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        RankingRow(f"{status} {phrase(status)}", n, STATUS_STYLES.get(status // 100, "white"))
        for status, n in ranked[:TOP]
    ]
    if rest := ranked[TOP:]:
        rows.append(RankingRow(quantity(len(rest), "other code"), sum(n for _, n in rest), "white"))
    return make_ranking("Status codes", "requests", rows, "No request.", look)


def _errors(figures: Figures) -> Group:
    """Build the table of error answers by kind of client; sums equal those of the status codes."""
    if not any(sum(by_client.values()) for by_client in figures.errors.values()):
        return make_section("Errors by kind of client", "requests", dim_text("No error."))
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    for name in ("", *CLIENTS, "all"):
        table.add_column(name, justify="right" if name else "left")
    for status, by_client in figures.errors.items():
        counts = [*by_client.values(), sum(by_client.values())]
        table.add_row(Text(status, STATUS_STYLES[int(status[0])]), *(f"{n:,}" for n in counts))
    legend = "Others: health checks, and files for robots that no known bot asked for."
    return make_section("Errors by kind of client", "requests", table, Text(legend, "dim"))


def _bots(figures: Figures, look: TerminalAbilities) -> Group:
    rows = [RankingRow(reason, n, "magenta") for reason, n in top(figures.bot_reasons).items()]
    bots = figures.balance["bots"]
    counted = figures.parsed - figures.balance["assets"] - figures.balance["health_checks"]
    of = "of those without assets and health checks"
    note = f"{quantity(bots, 'request')} ({bots / max(counted, 1):.0%} {of}), by reason"
    return make_ranking("Bots", note, rows, "No bots.", look)


def _rejects(figures: Figures, look: TerminalAbilities) -> Group:
    total = sum(figures.rejected.values())
    if not total:
        return make_section("Rejected lines", "", dim_text("None: all lines could be parsed."))
    lines = []
    for reason, n in figures.rejected.items():
        example = figures.examples[reason]
        place = f"  such as line {example.line_number:,} of {look.safe(example.path)}"
        lines.append(Text.assemble((f"{n:,}", "bold"), f" {reason}", (place, "dim")))
        if example.line:
            lines.append(Text(f"  {look.safe(example.line)}", WARNING))
    for line in lines:
        line.no_wrap, line.overflow = True, look.overflow
    return make_section("Rejected lines", "by reason, with an example", *lines)
