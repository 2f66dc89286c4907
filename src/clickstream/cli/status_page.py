"""The page that `clickstream status` prints, and the same as JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clickstream.durations import describe_duration
from clickstream.hours import Hour, count, describe_hours

if TYPE_CHECKING:
    from clickstream.pipeline import Freshness, SourceFreshness

GOOD, NOTE, BAD = "[green]✓[/]", "[yellow]![/]", "[red]✗[/]"
COLOURS = {0: "green", 1: "red", 2: "yellow"}
FILES_NAMED = 5


def show_status(found: Freshness, out: Console) -> None:
    """Print freshness on one screen: the verdict, the hours, the sources, what is wrong."""
    health = found.health
    days = (found.now - found.since.start).days
    out.print(
        f"[bold {COLOURS[health.exit_code]}]{health.capitalize()}[/] at {_minute(found.now)}, "
        f"by the hours since {found.since.event_date} ({count(days, 'day')}).",
        soft_wrap=True,
    )
    out.print()
    out.print(_hours(found))
    if found.sources:
        out.print()
        out.print(_sources(found.sources))
        for source in found.sources:
            _show_files(source, out)
    for mark, sentences in ((BAD, found.problems), (NOTE, found.unknowns)):
        for sentence in sentences:
            out.print(f"\n{mark} {escape(sentence)}", soft_wrap=True, end="")
    out.print()


def _hours(found: Freshness) -> Table:
    """A line for each thing that an hour can be: published, waiting, missing, outdated."""
    table = Table.grid(padding=(0, 1))
    table.add_column()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    newest, late = found.newest_published, set(found.late)
    if newest and found.lag is not None:
        text = f"{found.newest}, over for {describe_duration(found.lag)}; by {newest.published_by}"
        table.add_row(BAD if found.is_late else GOOD, "Newest hour", escape(text))
    else:
        table.add_row(NOTE, "Newest hour", "none published")
    for name, hours, mark in (
        ("Waiting", found.waiting, BAD if late.intersection(found.waiting) else NOTE),
        ("Late lines", found.reopened, BAD if late.intersection(found.reopened) else NOTE),
        ("Never built", found.gaps, BAD),
        ("Other rules", found.outdated, NOTE),
        ("Publishing", found.publishing, NOTE),
        ("Broken off", found.broken_off, BAD),
    ):
        text = f"{count(len(hours), 'hour')}: {describe_hours(hours, 3)}" if hours else "none"
        table.add_row(mark if hours else GOOD, name, text)
    return table


def _sources(sources: Iterable[SourceFreshness]) -> Table:
    table = Table("", "Source", "Newest line", "Lag", box=None, header_style="bold", padding=(0, 1))
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


def _show_files(source: SourceFreshness, out: Console) -> None:
    """Name the files of a source that were not read, or not to their end."""
    for name, files in (
        ("refused", source.refused),
        ("set aside", source.set_aside),
        ("waiting", source.waiting),
    ):
        if files:
            named = ", ".join(file.name for file in files[:FILES_NAMED])
            more = f" and {len(files) - FILES_NAMED:,} more" if len(files) > FILES_NAMED else ""
            out.print(f"  [dim]{escape(f'{source.name} {name}: {named}{more}')}[/]", soft_wrap=True)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def status_values(found: Freshness) -> dict[str, Any]:
    """Freshness as plain values: times in ISO 8601, durations in seconds, hours as text."""
    return {
        "health": str(found.health),
        "exit_code": found.health.exit_code,
        "problems": found.problems,
        "unknowns": found.unknowns,
        **_plain(found),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Hour):
        return str(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    return value.isoformat() if isinstance(value, datetime) else value
