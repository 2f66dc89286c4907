"""`clickstream sources`: check the hosts that logs come from, trust their keys, retire them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from clickstream.cli.console import err, load_settings, open_lake, out
from clickstream.cli.status_output import BAD, GOOD, NOTE
from clickstream.core.errors import ClickstreamError, HostKeyRefused, InputError, NoHost
from clickstream.core.wording import printable, quantity

if TYPE_CHECKING:
    from clickstream.collect import Host
    from clickstream.lake import Lake
    from clickstream.lake.pull_states import PullState
    from clickstream.pipeline.hosts.access import ShownKey
    from clickstream.pipeline.hosts.check import HostCheck
    from clickstream.pipeline.hosts.listing import HostState
    from clickstream.settings import Settings


# Text and JSON output of `clickstream sources`.


def show_check(checked: HostCheck, width: int, out: Console) -> None:
    """Print the check of one host: a line, and one more for each problem and note."""
    mark = BAD if checked.problems else NOTE if checked.unchecked else GOOD
    files = _describe_files(checked)
    first, *problems = [files, *checked.problems] if files else checked.problems
    label = f"{escape(checked.name):<{width}}"
    _line(out, f"{mark} {label}  {escape(first)}")
    for problem in problems:
        _line(out, f"  {'':<{width}}  [red]{escape(problem)}[/]")
    for note in checked.notes:
        _line(out, f"  {'':<{width}}  [yellow]![/] {escape(note)}")


def _describe_files(checked: HostCheck) -> str:
    """Describe a host's files in one line; empty if none were seen."""
    if checked.unchecked:
        return f"not checked: {checked.unchecked}"
    if not checked.files:
        return ""
    parts = [quantity(checked.files, "file")]
    if checked.newest:
        parts.append(f"{checked.log_format} in {printable(checked.newest)}")
    if checked.newest_line_at is not None:
        parts.append(f"newest line of {_time(checked.newest_line_at)}")
    if checked.address != "this machine" and checked.address not in checked.name:
        parts.append(f"at {checked.address}")
    return ", ".join(parts)


def _line(out: Console, text: str) -> None:
    out.print(text, soft_wrap=True, highlight=False)


def check_values(checked: HostCheck) -> dict[str, Any]:
    """Return the check of a host as JSON values, with times in ISO 8601."""
    values = asdict(checked)
    values["newest"] = printable(checked.newest)
    values["newest_line_at"] = _iso(checked.newest_line_at)
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
    width = max((len(entry.host.name) for entry in states), default=0)
    now = int(time.time())
    for entry in sorted(states, key=lambda entry: bool(entry.state.retired_at)):
        style = "dim" if entry.state.retired_at else ""
        problems = _problems(entry)
        mark = next((mark for mark, _ in problems), NOTE if entry.state.pulled_at is None else GOOD)
        first, *figures = _figures(entry, now)
        out.print(
            f"{mark} {escape(entry.host.name):<{width}}  {first}",
            *(f"  {'':<{width}}  {line}" for line in figures),
            *(f"  {'':<{width}}  {colour} {escape(text)}" for colour, text in problems),
            sep="\n",
            soft_wrap=True,
            highlight=False,
            style=style,
        )


def _figures(entry: HostState, now: int) -> list[str]:
    """Return the lines that say what was pulled from a host, and when."""
    state = entry.state
    retired = " (retired)" if state.retired_at else ""
    if state.pulled_at is None:
        return [f"never pulled{retired}"]
    rate = f" at {_size(state.bytes / state.seconds)}/s" if state.seconds and state.bytes else ""
    brought = f"{quantity(state.lines, 'line')}, {_size(state.bytes)}{rate}"
    newest = "no line with a time yet"
    if state.newest_line_at is not None:
        newest = f"newest line {_ago(state.newest_line_at, now)}"
    bookmarks = (
        "many bookmarks" if entry.bookmarks is None else quantity(entry.bookmarks, "bookmark")
    )
    return [
        f"pulled {_ago(state.pulled_at, now)}{retired}: {brought}",
        f"{newest}, {quantity(state.files, 'file')}, {bookmarks}",
    ]


def _problems(entry: HostState) -> list[tuple[str, str]]:
    """Return the problems of a host, each with its mark."""
    state = entry.state
    if state.retired_at:
        return []
    problems = []
    if state.failure:
        problems.append((BAD, f"pull of {_time(state.failed_at)}: {state.failure}"))
    elif entry.host.problem:
        problems.append((BAD, entry.host.problem))
    problems += [(BAD, f"{printable(f.name)}: {f.reason}") for f in state.refused]
    problems += [(NOTE, f"{printable(f.name)} waits: {f.reason}") for f in state.waiting]
    return problems


def state_values(entry: HostState) -> dict[str, Any]:
    """Return the state of a host as JSON values, with times in ISO 8601."""
    values = asdict(entry.state)
    for name in ("pulled_at", "newest_line_at", "failed_at", "retired_at"):
        values[name] = _iso(values[name])
    address = {"source": entry.host.source.name, "address": entry.host.address}
    return {"host": values.pop("host"), **address, "bookmarks": entry.bookmarks} | values


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
    largest = next((index for index, (number, _) in enumerate(parts) if number), None)
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


app = typer.Typer(
    no_args_is_help=True,
    help="Check the hosts that logs are pulled from, trust their keys, and retire hosts.",
)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[HOST]...", help="Hosts or sources, by name; all by default."),
]
NO_SOURCE = "No source is set; add a [[sources]] section to the settings."

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def check(names: Names = None, as_json: AsJson = False) -> None:
    """Check for each host what can be pulled, what can't, and how to fix it.

    The command reads a few lines of one file of each host, and stores nothing. The hosts
    that the settings name are checked first, and need no lake.

    The exit code is 1 if lines of a host can't be pulled, or if the lake can't be read.

    Example: [bold]clickstream sources check[/]

    Example: [bold]clickstream sources check web.shop-1.example[/]
    """
    from clickstream.pipeline.hosts.listing import hosts_of_settings

    settings = load_settings()
    if not settings.sources:
        raise NoHost(NO_SOURCE)
    results: list[HostCheck] = []
    try:
        _check(settings, _select(hosts_of_settings(settings), names), results, as_json)
        _check(settings, _look_into_lake(settings, names, results, as_json), results, as_json)
    finally:
        if as_json:
            out.print_json(data=[check_values(result) for result in results])
    if any(result.problems for result in results):
        raise typer.Exit(1)


def _check(
    settings: Settings, hosts: Sequence[Host], results: list[HostCheck], as_json: bool
) -> None:
    """Check hosts, show the results as they come, and add them to `results`."""
    from clickstream.pipeline.hosts.check import check_hosts

    width = max((len(host.name) for host in hosts), default=0)
    with err.status(f"Checking {quantity(len(hosts), 'host')}"):
        for result in check_hosts(settings, hosts):
            results.append(result)
            if not as_json:
                show_check(result, width, out)


def _look_into_lake(
    settings: Settings, names: Sequence[str] | None, results: list[HostCheck], as_json: bool
) -> list[Host]:
    """Add to the checks what the lake knows of the hosts; return the hosts that only it knows.

    Raises the lake's error after a sentence about what is not known without the lake.
    """
    from clickstream.lake import pull_states
    from clickstream.pipeline.hosts.check import with_state

    try:
        lake = open_lake()
        hosts = _find_hosts(lake, names, with_retired=True)
    except NoHost:
        raise
    except ClickstreamError:
        instances = [source.name for source in settings.sources if source.instances]
        also = f", nor the EC2 instances of {', '.join(instances)}" if instances else ""
        unknown = f"Without the lake it is not known which hosts are retired{also}:"
        _line(err, f"[yellow]![/] {unknown}")
        raise
    pulled = pull_states.states_of(lake, [host.name for host in hosts])
    states = {state.host: state for state in pulled}
    for number, result in enumerate(results):
        completed = results[number] = with_state(result, states[result.name])
        if not as_json and completed != result:
            _line(out, f"{NOTE} {escape(completed.name)} {escape(completed.state)}")
    checked = {result.name for result in results}
    return [host for host in hosts if host.name not in checked and not states[host.name].retired_at]


@app.command()
def show(names: Names = None, as_json: AsJson = False) -> None:
    """Show the last pull of each host: its age, lines, rate, bookmarks and failures.

    The command connects to no host. Retired hosts are listed last.

    Example: [bold]clickstream sources show[/]

    Example: [bold]clickstream sources show web --json[/]
    """
    from clickstream.pipeline.hosts.listing import list_states

    lake = open_lake()
    states = list_states(lake, _find_hosts(lake, names, with_retired=True))
    if as_json:
        out.print_json(data=[state_values(entry) for entry in states])
    else:
        show_states(states, out)


@app.command()
def trust(
    name: Annotated[
        str, typer.Argument(metavar="HOST", help="A host, or a source for all its hosts.")
    ],
    fingerprint: Annotated[
        str,
        typer.Option(
            metavar="SHA256:...", help="Trust the key only if it has this fingerprint; do not ask."
        ),
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the key that is trusted now.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Trust the shown keys without confirmation.")
    ] = False,
) -> None:
    """Fetch a host's SSH key, show its fingerprint, and trust the key after confirmation.

    Compare the fingerprint with the one on the host itself. Read that one on the
    host's console and not over this network, where an attacker who intercepts the
    connection could change it.

    Example: [bold]clickstream sources trust web.shop-1.example[/]

    Example: [bold]clickstream sources trust web.i-0abc --fingerprint SHA256:9rK...[/]

    Example: [bold]clickstream sources trust web.shop-1.example --replace[/]
    """
    from clickstream.pipeline.hosts.listing import hosts_of_settings

    settings = load_settings()
    hosts = _select(hosts_of_settings(settings), [name]) or _find_hosts(open_lake(), [name])
    if fingerprint and len(hosts) > 1:
        raise InputError(
            f"{name} has {len(hosts)} hosts, but a fingerprint belongs to one: name that host."
        )
    failed = False
    for host in hosts:
        try:
            _trust_one(settings, host, fingerprint, replace, yes)
        except ClickstreamError as error:
            failed = True
            err.print(f"[red]✗[/] {escape(error.printed)}", soft_wrap=True, highlight=False)
    if failed:
        raise typer.Exit(1)


def _trust_one(settings: Settings, host: Host, fingerprint: str, replace: bool, yes: bool) -> None:
    from clickstream.pipeline.hosts import access
    from clickstream.pipeline.hosts.access import ask_for_key, known_hosts_of

    shown = ask_for_key(settings, host)
    _check_fingerprint(shown, fingerprint, replace)
    if shown.is_trusted:
        _say(f"[green]✓[/] {host.name}: {shown.fingerprint} is trusted already.")
        return
    show_key(shown, out)
    if not (yes or fingerprint) and not typer.confirm(
        "Are both fingerprints equal, and do you trust the key?"
    ):
        _say(f"{host.name}: nothing is changed.")
        return
    access.trust(settings, shown)
    path = known_hosts_of(settings)
    _say(f"[green]✓[/] {host.name} is trusted now; {escape(str(path))} has its key.")


def _say(text: str) -> None:
    _line(out, text)


def _check_fingerprint(shown: ShownKey, fingerprint: str, replace: bool) -> None:
    """Raise HostKeyRefused if the key is not the expected one, or not the trusted one."""
    name, actual = shown.host.name, shown.fingerprint
    if fingerprint and fingerprint != actual:
        raise HostKeyRefused(
            f"{name} has the key {actual}, and not {fingerprint}: nothing is changed. An attacker "
            "may intercept the connection; compare with the key on the host itself."
        )
    if shown.trusted and not shown.is_trusted and not replace:
        raise HostKeyRefused(
            f"{name} has the key {actual}, but the trusted key is {', '.join(shown.trusted)}: "
            "nothing is changed. An attacker may intercept the connection. If the host was "
            "reinstalled, compare the fingerprint with the one on the host and add --replace."
        )


@app.command()
def retire(
    name: Annotated[str, typer.Argument(metavar="HOST", help="Name of the host.")],
    undo: Annotated[bool, typer.Option("--undo", help="Pull the retired host again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Retire a host that will not come back, so that hours without its lines are complete.

    A retired host is not pulled any more, and no hour waits for it. Lines that were
    pulled from it stay.

    Example: [bold]clickstream sources retire web.i-0abc[/]

    Example: [bold]clickstream sources retire web.i-0abc --undo[/]
    """
    from clickstream.pipeline.hosts.listing import find_host, known_state
    from clickstream.pipeline.hosts.listing import retire as retire_host

    lake = open_lake()
    if undo:
        retire_host(lake, find_host(lake, name).name, undo=True)
        _say(f"{name} is pulled again from the next run on.")
        return
    state = known_state(lake, name)
    if state.retired_at:
        _say(f"{name} is retired already. {describe_last_pull(state)}")
        return
    _say(describe_last_pull(state))
    if not yes:
        typer.confirm(f"Retire {name}?", abort=True)
    retire_host(lake, name)
    _say(
        f"{name} is retired: no hour waits for it any more. To undo: clickstream sources "
        f"retire {name} --undo"
    )


def _find_hosts(lake: Lake, names: Sequence[str] | None, with_retired: bool = False) -> list[Host]:
    """Return the hosts with the given names, each the name of a host or of a source.

    Without names, return all hosts. Raises InputError for an unknown name.
    """
    from clickstream.pipeline.hosts.listing import find_host, list_hosts

    hosts = list_hosts(lake, with_retired)
    if not names and not hosts:
        raise NoHost(NO_SOURCE)
    known_names = {name for host in hosts for name in (host.name, host.source.name)}
    for name in names or ():
        if name not in known_names:
            find_host(lake, name)  # raises an InputError that lists the known hosts
    return _select(hosts, names)


def _select(hosts: Sequence[Host], names: Sequence[str] | None) -> list[Host]:
    """Return the hosts with the given names, or all without names."""
    return [host for host in hosts if not names or {host.name, host.source.name} & {*names}]
