"""Check hosts: connect to each one, inspect its files, and report problems and their remedies.

`clickstream sources check` calls this. It reads the first and last lines of one file of each host,
and stores nothing. It does not need the lake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from clickstream import parse
from clickstream.collect import (
    FileHandle,
    Host,
    ListedFile,
    LogSource,
    OpenLog,
    is_named_access_log,
    kind_of,
)
from clickstream.collect.source import HostFileError, describe_failed_read, describe_gone
from clickstream.core.errors import ClickstreamError, InputError
from clickstream.core.wording import printable, shorten
from clickstream.lake.pull_states import PullState
from clickstream.pipeline.hosts.access import open_source
from clickstream.settings import AUTO, Settings, SourceSettings
from clickstream.step_config import log_format_of

OPENED = 10
"""Number of newest files that are opened, to check whether the account may read them."""

SAMPLE_BYTES = 64 << 10
NAMES_SHOWN = 6


@dataclass(frozen=True)
class HostCheck:
    """What a host has for a pull.

    `problems` say what prevents lines from being pulled and how to fix it, `notes` what else was
    found. `newest_line_at`, in Unix seconds, and `log_format` are those of the file `newest`.
    `unchecked` says why the host was not checked, for example because its login is not available
    here. `state` is what the lake knows of a host that is retired or has problems.
    """

    name: str
    address: str
    files: int = 0
    newest: str = ""
    log_format: str = ""
    newest_line_at: int | None = None
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()
    unchecked: str = ""
    state: str = ""


def check_hosts(settings: Settings, hosts: Iterable[Host]) -> Iterator[HostCheck]:
    """Check several hosts at a time; yield the results in the order of `hosts`."""
    at_once = settings.collect.hosts_at_once
    with ThreadPoolExecutor(at_once, thread_name_prefix="check") as pool:
        yield from pool.map(lambda host: check_host(settings, host), hosts)


def check_host(settings: Settings, host: Host) -> HostCheck:
    """Check one host. An error of the host is part of the result and not raised."""
    is_remote = kind_of(host.source).needs_login or host.address
    check = HostCheck(host.name, host.address if is_remote else "this machine")
    if host.source.connection:
        login = f"its login is in the Airflow connection {host.source.connection}"
        return replace(check, unchecked=f"{login}; pull_logs of clickstream_hourly uses it")
    try:
        with open_source(settings, host) as logs:
            return _with_files(check, settings, host.source, logs)
    except ClickstreamError as error:
        return replace(check, problems=[error.printed])


def with_state(check: HostCheck, state: PullState) -> HostCheck:
    """Return a check with what the lake knows of the host. A retired host has no problems."""
    if state.retired_at:
        notes = [*check.notes, *check.problems]
        return replace(check, state="is retired: no pull reads it", problems=(), notes=notes)
    if check.problems and state.pulled_at is not None:
        pulled = f"{datetime.fromtimestamp(state.pulled_at, UTC):%Y-%m-%d %H:%M} UTC"
        return replace(check, state=f"was last pulled at {pulled}")
    return check


def _with_files(
    check: HostCheck, settings: Settings, source: SourceSettings, logs: LogSource
) -> HostCheck:
    files = sorted(logs.list(), key=lambda file: file.stat.modified_ns, reverse=True)
    notes = [f"{printable(left_out.name)} {left_out.reason}" for left_out in logs.list_left_out()]
    check = replace(check, files=len(files), notes=[shorten(notes)] if notes else [])
    if not files:
        names = logs.list_names()
        listed = shorten(map(printable, names), NAMES_SHOWN) if names else "no files at all"
        problem = (
            f"no file in {printable(source.path)} matches the pattern {printable(source.pattern)}; "
            f"there are: {listed}. Set the source's pattern or path."
        )
        return replace(check, problems=[problem])
    findings = _Findings()
    for file in files[:OPENED]:
        _look_at(settings, source, logs, file, findings)
    problems = [*findings.unknown]
    if findings.refused:
        problems.append(shorten(findings.refused, shown=1))
    if not findings.newest and not problems:
        findings.notes.append("its files have no finished line yet")
    return replace(
        check,
        newest=findings.newest,
        log_format=findings.log_format,
        newest_line_at=findings.newest_line_at,
        problems=problems,
        notes=[*check.notes, *findings.notes],
    )


@dataclass
class _Findings:
    """What the newest files show; format and time are those of the newest access log."""

    newest: str = ""
    log_format: str = ""
    newest_line_at: int | None = None
    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _look_at(
    settings: Settings,
    source: SourceSettings,
    logs: LogSource,
    file: ListedFile,
    findings: _Findings,
    is_second_look: bool = False,
) -> None:
    """Open a file; read it only if no newer file was an access log."""
    try:
        with logs.open(file.name) as handle:
            if not findings.newest:
                _read(settings, source, file, handle, findings)
    except FileNotFoundError as error:
        if is_second_look:
            findings.refused.append(f"{printable(file.name)} {describe_gone(error)}")
        elif file in logs.list():  # otherwise it was renamed since the listing
            _look_at(settings, source, logs, file, findings, is_second_look=True)
    except InputError as error:
        findings.refused.append(f"{printable(file.name)} {error}")
    except HostFileError as error:
        findings.refused.append(f"{printable(file.name)} {describe_failed_read(error)}")


def _read(
    settings: Settings,
    source: SourceSettings,
    file: ListedFile,
    handle: FileHandle,
    findings: _Findings,
) -> None:
    log = OpenLog(handle)
    head, _, unfinished = log.sample(SAMPLE_BYTES).rpartition(b"\n")
    if not head and log.damage:
        findings.refused.append(f"{printable(file.name)} can't be read ({log.damage})")
    if not head:
        return
    try:
        named = source.format
        longest = settings.clean.longest_line_bytes
        detected = parse.detect(head + b"\n", longest=longest) if named == AUTO else None
        log_format = detected.name if detected else named
    except InputError as error:
        if is_named_access_log(file.name):
            findings.unknown.append(f"{printable(file.name)}: {error}")
        else:
            findings.notes.append(f"{printable(file.name)} is set aside, no access log")
        return
    chosen = log_format if named == AUTO else log_format_of(settings, log_format)
    newest = _newest_line(log, head + b"\n", unfinished, chosen)
    if newest is None:
        findings.unknown.append(
            f"{printable(file.name)}: none of its lines has the format {log_format}; set the "
            "source's format to auto, or to theirs"
        )
        return
    findings.newest, findings.log_format, findings.newest_line_at = file.name, log_format, newest


def _newest_line(
    log: OpenLog, head: bytes, unfinished: bytes, chosen: str | parse.Format
) -> int | None:
    """Return the newest time of the first lines and, unless it is compressed, of the last lines."""
    samples = [(head, b"")]
    size = 0 if log.is_compressed else log.stat().size
    if size > log.padding + len(head) + len(unfinished):
        begin = max(log.padding + len(head), size - SAMPLE_BYTES)
        tail = log.read(begin, size - begin)
        lines = tail[: tail.rfind(b"\n") + 1]
        start = 0 if begin == log.padding + len(head) else lines.find(b"\n") + 1
        samples.append((lines[start:], parse.header_after(head, chosen)))
    times = [parse.event_seconds(lines, chosen, header) for lines, header in samples if lines]
    newest = max((int(seconds.max()) for seconds in times if len(seconds)), default=-1)
    return newest if newest >= 0 else None
