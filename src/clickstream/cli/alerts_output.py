"""Text and JSON output of incidents and mutes, for `clickstream alerts list` and `status`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from clickstream.wording import describe_duration

if TYPE_CHECKING:
    from clickstream.alerts.incidents import Incident, Incidents


def show_incidents(found: Incidents, now: datetime, out: Console, closed: int = 0) -> None:
    """Print the open incidents, the mutes, and the last `closed` incidents that have ended."""
    lines = [f"[red]✗[/] {escape(_open(one, now))}" for one in found.open]
    lines += [
        f"[yellow]![/] Alerts of {one.rule or 'all rules'} are muted until {_minute(one.until)}: "
        f"{escape(one.why)}"
        for one in found.active_mutes(now)
    ]
    ended = found.closed[::-1][:closed]
    lines += [
        f"{'[yellow]![/]' if one.is_unwatched else '[green]✓[/]'} {escape(_ended(one))}"
        for one in ended
    ]
    for line in lines:
        out.print(line, soft_wrap=True, highlight=False)


def _open(one: Incident, now: datetime) -> str:
    since = describe_duration(now - one.opened_at)
    failed = [f"{name}: {mark.problem}" for name, mark in one.alerts.items() if mark.problem]
    unsent = f" Not sent over {'; '.join(failed)}" if failed else ""
    return f"Incident {one.rule} ({one.subject}) for {since}: {one.text}{unsent}"


def _ended(one: Incident) -> str:
    ended = one.closed_at or one.opened_at
    times = f"{_minute(one.opened_at)} to {_minute(ended)}"
    end = "No longer watched" if one.is_unwatched else "Ended"
    return f"{end}: {one.rule} ({one.subject}), {times}: {one.text}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def incident_values(found: Incidents, now: datetime) -> dict[str, Any]:
    """Return open incidents, active mutes and closed incidents as JSON values."""
    return {
        "incidents": [_values(one) for one in found.open],
        "mutes": [
            {"rule": one.rule, "until": one.until.isoformat(), "why": one.why}
            for one in found.active_mutes(now)
        ],
        "ended": [_values(one) for one in found.closed[::-1]],
    }


def _values(one: Incident) -> dict[str, Any]:
    moments = {"opened_at": one.opened_at, "closed_at": one.closed_at}
    return {
        **{"rule": one.rule, "subject": one.subject, "text": one.text},
        "is_unwatched": one.is_unwatched,
        **{name: at.isoformat() if at else None for name, at in moments.items()},
        "alerts": {name: mark.problem or mark.state for name, mark in one.alerts.items()},
    }
