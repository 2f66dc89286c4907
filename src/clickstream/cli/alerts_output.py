"""Text and JSON output of incidents and mutes, for `clickstream alerts list` and `status`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from clickstream.core.wording import describe_duration

if TYPE_CHECKING:
    from clickstream.alerts.incidents import Incident, Incidents


def show_incidents(incidents: Incidents, now: datetime, out: Console, closed: int = 0) -> None:
    """Print the open incidents, the mutes, and the last `closed` incidents that have ended."""
    lines = [f"[red]✗[/] {escape(_open(incident, now))}" for incident in incidents.open]
    lines += [
        f"[yellow]![/] Alerts of {mute.rule or 'all rules'} are muted until {_minute(mute.until)}: "
        f"{escape(mute.why)}"
        for mute in incidents.active_mutes(now)
    ]
    ended = incidents.closed[::-1][:closed]
    lines += [
        f"{'[yellow]![/]' if incident.is_unwatched else '[green]✓[/]'} {escape(_ended(incident))}"
        for incident in ended
    ]
    for line in lines:
        out.print(line, soft_wrap=True, highlight=False)


def _open(incident: Incident, now: datetime) -> str:
    since = describe_duration(now - incident.opened_at)
    failed = [f"{name}: {mark.problem}" for name, mark in incident.alerts.items() if mark.problem]
    unsent = f" Not sent over {'; '.join(failed)}" if failed else ""
    return f"Incident {incident.rule} ({incident.subject}) for {since}: {incident.text}{unsent}"


def _ended(incident: Incident) -> str:
    ended = incident.closed_at or incident.opened_at
    times = f"{_minute(incident.opened_at)} to {_minute(ended)}"
    end = "No longer watched" if incident.is_unwatched else "Ended"
    return f"{end}: {incident.rule} ({incident.subject}), {times}: {incident.text}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def incident_values(incidents: Incidents, now: datetime) -> dict[str, Any]:
    """Return open incidents, active mutes and closed incidents as JSON values."""
    return {
        "incidents": [_values(incident) for incident in incidents.open],
        "mutes": [
            {"rule": mute.rule, "until": mute.until.isoformat(), "why": mute.why}
            for mute in incidents.active_mutes(now)
        ],
        "ended": [_values(incident) for incident in incidents.closed[::-1]],
    }


def _values(incident: Incident) -> dict[str, Any]:
    moments = {"opened_at": incident.opened_at, "closed_at": incident.closed_at}
    return {
        "rule": incident.rule,
        "subject": incident.subject,
        "text": incident.text,
        "is_unwatched": incident.is_unwatched,
        **{name: at.isoformat() if at else None for name, at in moments.items()},
        "alerts": {name: mark.problem or mark.state for name, mark in incident.alerts.items()},
    }
