"""Text and JSON output of `clickstream sources`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from clickstream.cli.status_output import BAD, GOOD, NOTE
from clickstream.wording import printable, quantity

if TYPE_CHECKING:
    from clickstream.lake.collection import PullState
    from clickstream.pipeline.hosts.check import HostCheck
    from clickstream.pipeline.hosts.states import HostState
    from clickstream.pipeline.hosts.trusted_keys import ShownKey


def show_check(found: HostCheck, width: int, out: Console) -> None:
    """Print the check of one host: a line, and one more for each problem and note."""
    mark = BAD if found.problems else NOTE if found.unchecked else GOOD
    seen = _seen(found)
    first, *problems = [seen, *found.problems] if seen else found.problems
    label = f"{escape(found.name):<{width}}"
    _line(out, f"{mark} {label}  {escape(first)}")
    for problem in problems:
        _line(out, f"  {'':<{width}}  [red]{escape(problem)}[/]")
    for note in found.notes:
        _line(out, f"  {'':<{width}}  [yellow]![/] {escape(note)}")


def show_state(found: HostCheck, out: Console) -> None:
    """Print what the lake knows of a host that was checked."""
    _line(out, f"{NOTE} {escape(found.name)} {escape(found.state)}")


def _seen(found: HostCheck) -> str:
    """Describe a host's files in one line; empty if the host could not be reached."""
    if found.unchecked:
        return f"not checked: {found.unchecked}"
    if not found.files:
        return ""
    parts = [quantity(found.files, "file")]
    if found.newest:
        parts.append(f"{found.log_format} in {printable(found.newest)}")
    if found.newest_line_at is not None:
        parts.append(f"newest line of {_time(found.newest_line_at)}")
    if found.address != "this machine" and found.address not in found.name:
        parts.append(f"at {found.address}")
    return ", ".join(parts)


def _line(out: Console, text: str) -> None:
    out.print(text, soft_wrap=True, highlight=False)


def check_values(found: HostCheck) -> dict[str, Any]:
    """Return the check of a host as JSON values, with times in ISO 8601."""
    values = asdict(found)
    values["newest"] = printable(found.newest)
    values["newest_line_at"] = _iso(found.newest_line_at)
    return values


def show_key(shown: ShownKey, out: Console) -> None:
    """Print a host's key, and how to show the key on the host itself for comparison."""
    from clickstream.collect.hosts import SSH_PORT

    host = shown.host
    where = f"[{host.address}]:{host.port}" if host.port != SSH_PORT else host.address
    _line(out, f"{host.name} at {escape(where)} has this key:")
    out.print(f"  {shown.kind} [bold]{shown.fingerprint}[/]", soft_wrap=True, highlight=False)
    for fingerprint in shown.trusted:
        _line(out, f"  It would replace {fingerprint}, which is trusted now.")
    out.print("Compare it with the key that the host itself or its console shows:")
    kind = shown.kind.removeprefix("ssh-").split("-")[0]
    _line(out, f"  ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub")
    if host.source.instances:
        _line(
            out,
            f"  aws ec2 get-console-output --instance-id {host.key_name} --latest --output text"
            " | grep -A 5 'SSH HOST KEY FINGERPRINTS'",
        )


def show_states(states: Sequence[HostState], out: Console) -> None:
    """Print a few lines for each host, with the reasons of failures; retired hosts dimmed, last.

    The lines are sentences because a table would not fit a terminal of 80 columns.
    """
    width = max((len(one.host.name) for one in states), default=0)
    now = int(time.time())
    for one in sorted(states, key=lambda one: bool(one.state.retired_at)):
        style = "dim" if one.state.retired_at else ""
        problems = _problems(one)
        mark = next((mark for mark, _ in problems), NOTE if one.state.pulled_at is None else GOOD)
        first, *others = _figures(one, now)
        out.print(
            f"{mark} {escape(one.host.name):<{width}}  {first}",
            *(f"  {'':<{width}}  {line}" for line in others),
            *(f"  {'':<{width}}  {colour} {escape(text)}" for colour, text in problems),
            sep="\n",
            soft_wrap=True,
            highlight=False,
            style=style,
        )


def _figures(one: HostState, now: int) -> list[str]:
    """Return the lines that say what was pulled from a host, and when."""
    state = one.state
    retired = " (retired)" if state.retired_at else ""
    if state.pulled_at is None:
        return [f"never pulled{retired}"]
    rate = f" at {_size(state.bytes / state.seconds)}/s" if state.seconds and state.bytes else ""
    brought = f"{quantity(state.lines, 'line')}, {_size(state.bytes)}{rate}"
    newest = "no line with a time yet"
    if state.newest_line_at is not None:
        newest = f"newest line {_ago(state.newest_line_at, now)}"
    known = "many bookmarks" if one.bookmarks is None else quantity(one.bookmarks, "bookmark")
    return [
        f"pulled {_ago(state.pulled_at, now)}{retired}: {brought}",
        f"{newest}, {quantity(state.files, 'file')}, {known}",
    ]


def _problems(one: HostState) -> list[tuple[str, str]]:
    """Return the problems of a host, each with its mark."""
    state = one.state
    if state.retired_at:
        return []
    found = []
    if state.failure:
        found.append((BAD, f"pull of {_time(state.failed_at)}: {state.failure}"))
    elif one.host.problem:
        found.append((BAD, one.host.problem))
    found += [(BAD, f"{printable(f.name)}: {f.reason}") for f in state.refused]
    found += [(NOTE, f"{printable(f.name)} waits: {f.reason}") for f in state.waiting]
    return found


def state_values(one: HostState) -> dict[str, Any]:
    """Return the state of a host as JSON values, with times in ISO 8601."""
    values = asdict(one.state)
    for name in ("pulled_at", "newest_line_at", "failed_at", "retired_at"):
        values[name] = _iso(values[name])
    address = {"source": one.host.source.name, "address": one.host.address}
    return {"host": values.pop("host"), **address, "bookmarks": one.bookmarks} | values


def describe_last_pull(state: PullState) -> str:
    """Describe the last pull of a host that is to be retired, and the lines that stay missing."""
    if state.pulled_at is None:
        return f"{state.host} was never pulled: none of its lines are in the lake."
    newest = state.newest_line_at
    last = f", the newest line is of {_time(newest)}" if newest is not None else ""
    return (
        f"{state.host} was last pulled at {_time(state.pulled_at)}{last}. Lines that it logged "
        "after that pull are not in the lake."
    )


def _time(seconds: int | None) -> str:
    return (
        "never" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    )


def _iso(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _ago(seconds: int, now: int) -> str:
    """Return the age of a time in its two largest units: `3d 4h ago`, `1h 32m ago`."""
    minutes = max(now - seconds, 0) // 60
    parts = ((minutes // 1_440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m"))
    largest = next((place for place, (number, _) in enumerate(parts) if number), None)
    if largest is None:
        return "just now"
    shown = [f"{number}{unit}" for number, unit in parts[largest : largest + 2] if number]
    return f"{' '.join(shown)} ago"


def _size(size: float) -> str:
    """Return a number of bytes in a suitable decimal unit: `512 B`, `1.5 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000 or unit == "GB":
            break
        size /= 1_000
    return f"{size:,.0f} {unit}" if unit == "B" or size >= 100 else f"{size:,.1f} {unit}"
