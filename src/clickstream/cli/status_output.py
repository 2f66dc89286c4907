"""Text and JSON output of `clickstream status`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clickstream.cli.alerts_output import incident_values, show_incidents
from clickstream.core.errors import StateCode, with_code
from clickstream.core.hours import Hour, describe_hours, group_hours
from clickstream.core.wording import describe_duration, quantity, shorten

if TYPE_CHECKING:
    from clickstream.alerts.lake_state import LakeState
    from clickstream.pipeline.hosts.host_freshness import HostFreshness
    from clickstream.pipeline.proof.freshness import Freshness

GOOD, NOTE, BAD = "[green]✓[/]", "[yellow]![/]", "[red]✗[/]"
COLOURS = {0: "green", 1: "red", 2: "yellow"}
FILES_NAMED = 5
SPANS_NAMED = 3


def show_status(state: LakeState, out: Console) -> None:
    """Print the state on one screen: the verdict, the hours, the sources, problems, incidents."""
    freshness = state.freshness
    assert freshness is not None  # noqa: S101  `read_lake_state` has read it
    out.print(
        f"[bold {COLOURS[state.exit_code]}]{state.verdict}[/] at {_minute(freshness.now)}. "
        f"Checked: hours since {freshness.since}. Bucket: {escape(freshness.bucket)}.",
        "",
        _hours(freshness),
        sep="\n",
        highlight=False,
    )
    if freshness.sources:
        out.print("", _sources(freshness.sources), sep="\n", highlight=False)
        for source in freshness.sources:
            _show_files(source, out)
    in_table = ("newest hour", "hours")
    sentences = [(BAD, p.sentence) for p in state.problems if p.kind not in in_table]
    sentences += [(NOTE, sentence) for sentence in (*freshness.doubts, *state.doubts)]
    if state.exit_code:
        sentences.append((" ", "What to do: docs/runbook.md, the section of the code."))
        out.print()
    for mark, sentence in sentences:
        out.print(f"{mark} {escape(sentence)}", soft_wrap=True, highlight=False)
    show_incidents(state.incidents, freshness.now, out)


def _hours(freshness: Freshness) -> Table:
    """Build the table of hours: a row for the newest one, and one for each problem or note.

    Each source of sales has a row at the end.
    """
    table = Table.grid(padding=(0, 1))
    table.add_column()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(*_newest(freshness))
    perhaps = sorted({entry.hour for entry in freshness.perhaps_incomplete})
    for name, hours, code in (
        ("Waiting", freshness.waiting, None),
        ("Late lines", freshness.reopened, None),
        ("Missing", freshness.missing, StateCode.MISSING),
        ("Other rules", freshness.outdated, None),
        ("Publishing", freshness.publishing, None),
        ("Interrupted", freshness.broken_off, StateCode.INTERRUPTED),
        ("Incomplete", freshness.lacking, StateCode.LACKS_HOST),
        ("Incomplete?", perhaps, None),
    ):
        is_late = name in ("Waiting", "Late lines") and not set(freshness.late).isdisjoint(hours)
        table.add_row(*(_late_row(name, hours, freshness) if is_late else _row(name, hours, code)))
    table.add_row(NOTE if freshness.past_window else GOOD, "Past window", _past_window(freshness))
    for source in (sales for sales in freshness.sales if sales.has_dates):
        text = escape(f"{source.name}: {source.sentence(freshness.now)}")
        mark = BAD if source.problem or source.interrupted else NOTE if source.has_notes else GOOD
        table.add_row(mark, "Sales", text)
    return table


def _row(name: str, hours: Collection[Hour], code: StateCode | None) -> tuple[str, str, str]:
    """Return mark, label and text of a row; hours in a row with a code are a problem."""
    if not hours:
        return GOOD, name, "none"
    return (BAD, name, with_code(_named(hours), code)) if code else (NOTE, name, _named(hours))


def _late_row(name: str, hours: Collection[Hour], freshness: Freshness) -> tuple[str, str, str]:
    """Return the row of hours, some of which have waited for longer than allowed."""
    allowed = describe_duration(freshness.limits.lag)
    late = f"{len(set(freshness.late).intersection(hours)):,} for more than {allowed}"
    return BAD, name, with_code(f"{_named(hours)}; {late}", StateCode.LINES_WAIT)


def _past_window(freshness: Freshness) -> str:
    """Describe hours whose late lines can't be built: visitor key or raw lines are deleted."""
    late = freshness.past_window
    if not late:
        return "none"
    lines = quantity(sum(entry.lines or 0 for entry in late), "line")
    objects = sum(entry.raw_objects for entry in late if entry.lines is None)
    uncounted = f" and {quantity(objects, 'uncounted raw object')}" if objects else ""
    return f"{_named([entry.hour for entry in late])}; {lines}{uncounted} wait"


def _newest(freshness: Freshness) -> tuple[str, str, str]:
    """Return the row of the newest published hour: mark, label and text."""
    if freshness.newest_published is None or freshness.lag is None:
        return NOTE, "Newest hour", "none is published"
    allowed = f" ({describe_duration(freshness.limits.lag)} allowed)" if freshness.is_late else ""
    text = f"{freshness.newest}, ended {describe_duration(freshness.lag)} ago{allowed}"
    publisher = escape(freshness.newest_published.published_by.removeprefix("by "))
    text = f"{text}; by {publisher}"
    if not freshness.is_late:
        return GOOD, "Newest hour", text
    return BAD, "Newest hour", with_code(text, StateCode.NO_RECENT_HOUR)


def _named(hours: Collection[Hour]) -> str:
    """Return the ranges of hours with their number, which a single range has at its end."""
    named = describe_hours(hours, SPANS_NAMED)
    return named if len(group_hours(hours)) == 1 else f"{quantity(len(hours), 'hour')}: {named}"


def _sources(sources: Iterable[HostFreshness]) -> Table:
    table = Table("", "Host", "Newest line", "Lag", box=None, header_style="bold", padding=(0, 1))
    for name in ("Files", "Refused", "Set aside"):
        table.add_column(name, justify="right")
    for source in sources:
        table.add_row(
            NOTE if not source.is_known else BAD if source.problem else GOOD,
            escape(source.name),
            _minute(source.newest_line_at) if source.newest_line_at else "none",
            describe_duration(source.lag) if source.lag is not None else "",
            f"{source.files:,}",
            *(f"{len(files):,}" for files in (source.refused, source.set_aside)),
        )
    return table


def _show_files(source: HostFreshness, out: Console) -> None:
    """Print the names of a source's files that were not read, or not to their end."""
    for name, files in (
        ("refused", source.refused),
        ("set aside", source.set_aside),
        ("waiting", source.waiting),
    ):
        if files:
            named = shorten((file.name for file in files), FILES_NAMED)
            out.print(
                f"  [dim]{escape(f'{source.name} {name}: {named}')}[/]",
                soft_wrap=True,
                highlight=False,
            )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def status_values(state: LakeState) -> dict[str, Any]:
    """Return the state of a lake as JSON values.

    Times are in ISO 8601, durations in seconds, hours are text. Problems are those that no incident
    reports.
    """
    freshness = state.freshness
    assert freshness is not None  # noqa: S101  `read_lake_state` has read it
    return {
        "health": str(state.health),
        "exit_code": state.exit_code,
        "problems": [problem.sentence for problem in state.problems],
        "unknowns": [unknown.sentence for unknown in state.unknowns],
        "doubts": [*freshness.doubts, *filter(None, [state.old_check])],
        **_plain(freshness),
        **incident_values(state.incidents, freshness.now),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Hour):
        return str(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    return value.isoformat() if isinstance(value, date) else value
