"""The page of `clickstream try`: the figures of a log, for a terminal or as plain text.

`trial` builds the figures and calls `show`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from more_itertools import chunked
from rich.console import Console, Group, OverflowMethod, RenderableType
from rich.filesize import decimal
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from clickstream.clean.hosts import describe_hosts
from clickstream.clean.referrers import OwnDomain
from clickstream.core.cohort_labels import CohortLabel
from clickstream.core.wording import describe_duration, printable, quantity
from clickstream.core.zone_names import name_zone
from clickstream.logs.log_set import LogFacts
from clickstream.parse.detect import Detected

WIDEST, TWO_COLUMNS_FROM, GUTTER = 120, 100, 4
"""Limit of the width, the least width of two columns, and the space between these."""

ACCENT, WARNING, PEOPLE, BOTS = "cyan", "yellow", "green", "magenta"

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

STATUS_COLOURS = {"2": "green", "3": "cyan", "4": "yellow", "5": "red"}
TOP_STATUSES, TOP_COHORTS, TILES_OF_A_ROW = 10, 3, 3

NOT_LOGGED = "not logged"
"""The channel of sessions without any; those that are known to have no referrer are Direct."""


class Row(NamedTuple):
    """A row of a ranking; without a colour, it has no bar."""

    label: str
    number: int
    colour: str = PEOPLE
    remark: str = ""


def show(figures: dict[str, Any], logs: LogFacts, elapsed: float, console: Console) -> None:
    """Print the page of the figures of `trial.read_figures`.

    `elapsed` is the wall-clock time of reading and counting in seconds.
    """
    page = _Page(figures, logs, console)
    width = min(console.width, WIDEST)
    gap = (0, GUTTER, 1, 0)
    columns = [Column(ratio=1) for _ in range(2 if width >= TWO_COLUMNS_FROM else 1)]
    grid = Table(*columns, box=None, show_header=False, padding=gap, pad_edge=False, expand=True)
    for sections in chunked(page.sections(), len(columns)):
        grid.add_row(*sections)
    ending = Text("The same figures for programs: add --json.", "dim")
    for part in (page.headline(elapsed), "", grid, "", page.rejects(), "", ending):
        console.print(part, width=width)


class _Page:
    """The parts of the page of one log."""

    def __init__(self, figures: dict[str, Any], logs: LogFacts, console: Console) -> None:
        self._is_ascii = console.options.ascii_only
        self._overflow: OverflowMethod = "crop" if self._is_ascii else "ellipsis"
        self._figures, self._logs = self._safe(figures), logs

    def _safe(self, value: Any) -> Any:
        """Escape all texts of a value, so that none can send control sequences to the terminal."""
        if isinstance(value, dict):
            return {self._safe(key): self._safe(held) for key, held in value.items()}
        if isinstance(value, list | tuple):
            return [self._safe(element) for element in value]
        if not isinstance(value, str):
            return value
        shown = printable(value)
        return shown.encode("ascii", "backslashreplace").decode() if self._is_ascii else shown

    def headline(self, elapsed: float) -> Panel:
        """Build the panel with the lines, their files and formats, their time and their hosts."""
        figures, logs = self._figures, self._logs
        zone = ZoneInfo(logs.settings.site.time_zone)
        span = "no line with a time"
        if figures["first_at"]:
            bounds = (datetime.fromisoformat(figures[name]) for name in ("first_at", "last_at"))
            first, last = (bound.astimezone(zone) for bound in bounds)
            ends = " to ".join(f"{at.day} {at:%b %Y %H:%M}" for at in (first, last))
            span = f"{ends} {name_zone(zone.key)} ({describe_duration(last - first)})"
        clients = quantity(figures["clients"], "client address", "client addresses")
        speed = quantity(round(figures["lines"] / max(elapsed, 0.001)), "line")
        read: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        for sample in logs.read.formats:
            read[sample.name] += sample.read
            seen[sample.name] += sample.seen
        formats = (Detected(name, read[name], seen[name]).sentence for name in seen)
        lines = (
            (span, ""),
            (f"{clients}, {decimal(figures['bytes'])} sent", "dim"),
            (describe_hosts(figures["hosts"], logs.settings.site.hosts), WARNING),
            (logs.notes.warning, WARNING),
            (logs.notes.proxy, "dim"),
            (logs.notes.zone, "dim"),
            (f"read in {elapsed:.1f} s, {speed} per second", "dim"),
            *((f"format {sentence}", "dim") for sentence in formats),
        )
        text = Text.assemble(
            (quantity(figures["lines"], "line"), f"bold {ACCENT}"),
            " in ",
            (self._safe(logs.read.described), "bold"),
            *((f"\n{line}", style) for line, style in lines if line),
        )
        return Panel(text, border_style=ACCENT, title="[bold]clickstream[/]")

    def sections(self) -> Iterator[RenderableType]:
        """Yield the sections; a wide terminal has two of them in a row."""
        figures = self._figures
        terms = {**figures["balance"], "rejected": figures["rejected"]["total"]}
        if figures["other_hosts"]:
            terms["other_hosts"] = figures["other_hosts"]
        shares = {kind: f"{number / figures['lines']:.1%}" for kind, number in terms.items()}
        balance = [Row(KINDS[kind][0], terms[kind], KINDS[kind][1], shares[kind]) for kind in terms]
        balance.append(Row("= lines", sum(terms.values()), "", "100.0%"))
        yield self._ranking("Every line, once", "", balance)
        yield self._people()
        pages = [Row(*page.values()) for page in figures["top_pages"]]
        yield self._ranking("Top pages", "page views", pages, "No page views.")
        yield self._referrers()
        channels = [Row(*channel) for channel in figures["channels"].items()]
        remark = (
            "Not logged: the log has no referrer field, or none for these sessions. Only tags "
            "and click ids name their channel."
        )
        remark = remark if NOT_LOGGED in figures["channels"] else ""
        yield self._ranking("Channels", "sessions", channels, "No sessions.", remark)
        campaigns = [
            Row(" / ".join(tag or "-" for tag in tags), hits, ACCENT, f"{page_views:,}")
            for *tags, hits, page_views in (campaign.values() for campaign in figures["campaigns"])
        ]
        note = "requests, and the page views among them"
        yield self._ranking("Campaigns", note, campaigns, "No request carries utm tags.")
        devices = [Row(*device) for device in figures["devices"].items()]
        yield self._ranking("Devices", "sessions", devices, "No sessions.")
        countries = [Row(*country) for country in figures["countries"].items()]
        nothing = "No database of places is set: `make geoip` fetches a free one."
        yield self._ranking("Countries", "sessions", countries, nothing)
        yield self._statuses()
        yield self._errors()
        counted = figures["parsed"] - terms["assets"] - terms["health_checks"]
        share = f"{figures['bots']['requests'] / max(counted, 1):.0%}"
        remark = f"{share} of the requests without assets and health checks."
        kinds = [Row(name, n, BOTS) for name, n in figures["bots"]["by_class"].items()]
        yield self._ranking("Kinds of bots", "requests", kinds, "No bots.", remark)
        reasons = [
            Row(row["reason"], row["requests"], BOTS) for row in figures["bots"]["top_reasons"]
        ]
        yield self._ranking("Reasons for bots", "requests", reasons, "No bots.")

    def _people(self) -> Group:
        """Build the tiles of visitors and sessions, with goals, machines and definitions."""
        figures = self._figures
        sessions = max(figures["sessions"], 1)
        median = figures["median_session_seconds"]
        minutes, seconds = divmod(median or 0, 60)
        length = f"{minutes:.0f} min {seconds:.0f} s" if minutes else f"{seconds:g} s"
        tiles = {
            "visitors": f"{figures['visitors']:,}",
            "sessions": f"{figures['sessions']:,}",
            "page views": f"{figures['page_views']:,}",
            "bounce rate": f"{figures['bounces'] / sessions:.1%}",
            "engaged": f"{figures['engaged_sessions'] / sessions:.1%}",
            "median time": "-" if median is None else length,
        }
        columns = [Column(ratio=1) for _ in range(TILES_OF_A_ROW)]
        grid = Table.grid(*columns, expand=True, padding=(0, 1))
        panels = (
            Panel(
                Text.assemble((number, f"bold {PEOPLE}"), f"\n{name}", justify="center"),
                border_style="dim",
            )
            for name, number in tiles.items()
        )
        for of_row in chunked(panels, TILES_OF_A_ROW):
            grid.add_row(*of_row)
        ranked = sorted(figures["goals"].items(), key=lambda goal: -goal[1])
        goals = [Text(f"{n:,} of the sessions met the goal {name}.") for name, n in ranked if n]
        timeout = self._logs.settings.sessions.timeout_seconds / 60
        legend = (
            "Visitor: a client address with a user agent that saw a page. Session: a visitor's "
            f"requests without more than {timeout:g} minutes of inactivity, at least one of them a "
            "page view. Bounce: a session with one page view. Engaged: longer than 10 seconds, two "
            "page views, or a goal met. Median time: from the first to the last request of a "
            "session. Bots are left out."
        )
        return Group(
            heading("People"), grid, *goals, *self._left_out_machines(), Text(legend, "dim")
        )

    def _left_out_machines(self) -> Iterator[Text]:
        suspected = self._figures["suspected"]
        if suspected["visitors"]:
            yield Text(
                f"{quantity(suspected['visitors'], 'more visitor')} are left out, because they are "
                "probably machines with a browser's user agent (docs/people.md):",
                WARNING,
            )
        for cohort in suspected["cohorts"][:TOP_COHORTS]:
            members = self._safe(CohortLabel.parse(cohort["label"]).describe())
            reason = f"Most on one date: {cohort['reason']}"
            yield Text(f"  {cohort['visitors']:,}: {members}. {reason}", WARNING)
        if len(suspected["cohorts"]) > TOP_COHORTS:
            yield Text("  and more groups; --json lists 10.", WARNING)

    def _referrers(self) -> Group:
        figures = self._figures
        rows = [Row(*referrer.values()) for referrer in figures["top_referrers"]]
        nothing = "No page view came from another site."
        if NOT_LOGGED in figures["channels"] and "Direct" not in figures["channels"]:
            nothing = "Not known: the log has no referrer field."
        domain = OwnDomain(**figures["own_domain"]).sentence if figures["own_domain"] else ""
        return self._ranking("Top referrers", "page views", rows, nothing, domain)

    def _statuses(self) -> Group:
        phrases = {str(status.value): status.phrase for status in HTTPStatus}
        ranked = sorted(self._figures["by_status"].items(), key=lambda status: -status[1])
        rows = [
            Row(
                f"{code} {phrases.get(code, '(unassigned)')}",
                n,
                STATUS_COLOURS.get(code[0], "white"),
            )
            for code, n in ranked[:TOP_STATUSES]
        ]
        if rest := [n for _, n in ranked[TOP_STATUSES:]]:
            rows.append(Row(quantity(len(rest), "other code"), sum(rest), "white"))
        return self._ranking("Status codes", "requests", rows, "No request.")

    def _errors(self) -> Group:
        """Build the table of errors by kind of client; the sums equal those of the status codes."""
        errors = self._figures["errors"]
        table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
        for name in ("", *errors["4xx"], "all"):
            table.add_column(name, justify="right" if name else "left")
        for status, by_client in errors.items():
            counts = [*by_client.values(), sum(by_client.values())]
            table.add_row(Text(status, STATUS_COLOURS[status[0]]), *(f"{n:,}" for n in counts))
        legend = "Others: health checks, and files for robots that no known bot asked for."
        return Group(heading("Errors by kind of client", "requests"), table, Text(legend, "dim"))

    def rejects(self) -> Group:
        """Build the list of rejected lines by reason, with the first line of each."""
        lines = []
        for reason, number in self._figures["rejected"]["by_reason"].items():
            path, line_number, example = self._figures["examples"][reason]
            where = f"  such as line {line_number:,} of {path}"
            lines.append(Text.assemble((f"{number:,}", "bold"), f" {reason}", (where, "dim")))
            lines += [Text(f"  {example}", WARNING)] if example else []
        for line in lines:
            line.no_wrap, line.overflow = True, self._overflow
        nothing = Text("None: all lines could be parsed.", "dim")
        note = "by reason, with an example" if lines else ""
        return Group(heading("Rejected lines", note), *(lines or [nothing]))

    def _ranking(
        self, title: str, note: str, rows: Sequence[Row], nothing: str = "", remark: str = ""
    ) -> Group:
        """Build a section with a bar for each row; `nothing` is its text without rows."""
        if not rows:
            return Group(heading(title, note), Text(nothing, "dim"))
        columns = (
            Column(ratio=2, no_wrap=True, overflow=self._overflow),
            Column(justify="right", no_wrap=True),
            Column(justify="right", no_wrap=True, style="dim"),
            Column(ratio=1, no_wrap=True),
        )
        table = Table.grid(*columns, expand=True, padding=(0, 1))
        longest = max(row.number for row in rows if row.colour)
        for label, number, colour, more in rows:
            bar = ProgressBar(longest, number, complete_style=colour, finished_style=colour)
            table.add_row(Text(label), f"{number:,}", Text(more), bar if colour else "")
        return Group(heading(title, note), table, *([Text(remark, "dim")] if remark else []))


def heading(title: str, note: str = "") -> Text:
    """Return the title of a section with a note."""
    return Text.assemble((title, f"bold {ACCENT}"), "  ", (note, "dim"))
