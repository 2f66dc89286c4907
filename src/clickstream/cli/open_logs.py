"""`clickstream open`: the dashboard of log files, without AWS and without Airflow."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from clickstream.cli.console import (
    FormatOfLogs,
    Logs,
    LogsPort,
    ProxiesOfLogs,
    TimeZoneOfLogs,
    err,
    load_settings,
    load_settings_for_logs,
    out,
    refuse_missing,
)
from clickstream.core.ending_signals import exit_on
from clickstream.core.errors import DiskFull, InputError, is_disk_full
from clickstream.core.user_cache import user_cache
from clickstream.core.wording import quantity, shorten

if TYPE_CHECKING:
    from clickstream.dashboard.ask.view import View
    from clickstream.logs.log_set import LogSet
    from clickstream.logs.open_engine import LogEngine
    from clickstream.settings import Settings


# The options `--html` and `--range` of `clickstream open`: the Overview in one file.

PRIVATE = 0o600
"""The mode of a new file; one that exists keeps its mode."""

NAMED_LOGS = 5
"""Number of logs that the file names."""

HtmlOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the Overview to an HTML file, and open nothing."),
]
RangeOption = Annotated[
    str | None,
    typer.Option(
        "--range",
        metavar="RANGE",
        help="Dates of --html: today, yesterday, 7d, 28d, 90d, month, year, or two dates such as "
        "2026-11-01..2026-11-30; if not given, 28d, or 7d of a log of less than twelve weeks.",
    ),
]


def parse_html_options(path: Path | None, range_text: str | None) -> View | None:
    """Return the view to write; None without `--html`. Raises InputError for a wrong option.

    Call it before the logs are read, which may take minutes.
    """
    if path is None:
        if range_text is not None:
            raise typer.BadParameter("it is for --html only.", param_hint="--range")
        return None
    if path.exists() and not path.is_file():
        raise InputError(f"--html {path} is not a file; name one, such as overview.html.")
    if not path.resolve().parent.is_dir():
        raise InputError(f"The directory of --html {path} does not exist; create it first.")
    from clickstream.dashboard.ask.periods import RANGES
    from clickstream.dashboard.ask.view_urls import parse_view

    if range_text is None:
        return parse_view("overview", [])
    first, dots, last = range_text.partition("..")
    if dots:
        return parse_view("overview", [("from", first), ("to", last)])
    named = [name for name in RANGES if name != "own"]
    if range_text not in named:
        raise InputError(
            f"--range {range_text[:40]} is not known; use {', '.join(named)}, or two dates such as "
            "2026-11-01..2026-11-30."
        )
    return parse_view("overview", [("range", range_text)])


def _write_html(
    path: Path, view: View, logs: Sequence[str], settings: Settings, engine: LogEngine
) -> None:
    """Write the file from the engine's facts of the logs, and print its path.

    Raises InputError if the logs have no line in the range.
    """
    from clickstream.dashboard.web.service import DashboardService
    from clickstream.dashboard.web.single_page import READER, render_single_page
    from clickstream.logs.log_file import name_of

    dashboard = DashboardService(
        settings, lambda: _present(engine), engine=engine, log_notes=lambda: engine.notes
    )
    names = shorten(map(name_of, logs), NAMED_LOGS)
    with dashboard.page(view, READER) as page:
        if page.coverage.newest is None:
            raise InputError(
                f"The logs have no usable line from {page.period.first} to "
                f"{page.period.last}, so {path} is not written. Choose another --range."
            )
        html = render_single_page(dashboard.renderer, page, names, datetime.now(UTC))
    _replace(path, html)
    out.print(str(path), soft_wrap=True, highlight=False, markup=False)


def _replace(path: Path, html: str) -> None:
    """Write a file atomically: its readers see the old one or the new one, never a part."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else PRIVATE
        with tempfile.TemporaryDirectory(prefix=".clickstream-", dir=target.parent) as beside:
            written = Path(beside, target.name)
            written.write_text(f"{html}\n", encoding="utf-8")
            written.chmod(mode)
            written.replace(target)
    except OSError as error:
        raise InputError(
            f"Can't write {path}: {error.strerror}. Free space there, or name another file."
        ) from None


LOCAL_HOST = "127.0.0.1"
DEFAULT_PORT = 8096
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def open_(
    logs: Logs,
    log_format: FormatOfLogs = "auto",
    time_zone: TimeZoneOfLogs = None,
    proxies: ProxiesOfLogs = None,
    goals: Annotated[
        list[str] | None,
        typer.Option(
            "--goal", metavar="NAME=PAGE", help="A goal and its page, such as order=/thank-you."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Read new lines while the dashboard is open.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the facts as Parquet files, and open nothing."),
    ] = None,
    html: HtmlOption = None,
    range_: RangeOption = None,
    port: LogsPort = DEFAULT_PORT,
    open_browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
) -> None:
    """Open the dashboard of log files in a browser, without AWS or Airflow. Ctrl-C stops it.

    Facts are kept in ~/.cache/clickstream, so that a second start is quick.

    Example: [bold]clickstream open /var/log/nginx[/]

    Example: [bold]clickstream open access.log --goal order=/thank-you[/]

    Example: [bold]clickstream open access.log --html overview.html --range 7d[/]

    Example: [bold]ssh web1 'zcat -f /var/log/nginx/access.log*' | clickstream open -[/]
    """
    if export and html:
        raise typer.BadParameter("use --export or --html, not both.")
    refuse_missing(logs)
    os.umask(0o077)  # DuckDB would let every user of the machine read its write-ahead log
    with _temporary_directory() as temporary:
        # Arrow's usual allocator keeps about 90 MB of freed memory. Arrow reads this when loaded.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        view = parse_html_options(html, range_)
        listening: AbstractContextManager[socket.socket | None] = contextlib.nullcontext()
        if not (export or html):
            from clickstream.dashboard.web import server

            # A port in use is refused before the imports that take a second.
            listening = server.listen(LOCAL_HOST, port)
        with listening as listener:
            from clickstream.logs.log_set import LogSet

            settings = _load_settings(time_zone, proxies)
            chosen = _with_goals(settings, goals or []).model_copy(update={"sales": ()})
            log_set = LogSet(logs, chosen, log_format)
            with _full_disks_named(log_set), _engine(log_set, follow, temporary) as engine:
                _read(engine)
                for note in filter(None, engine.notes):
                    err.print(escape(note), soft_wrap=True, highlight=False)
                if export:
                    for path in engine.export(export):
                        out.print(str(path), soft_wrap=True, highlight=False)
                    return
                chosen = _for_pages(chosen, engine.directory)
                if html and view:
                    _write_html(html, view, logs, chosen, engine)
                if listener:
                    _serve(engine, chosen, listener, open_browser)


@contextlib.contextmanager
def _temporary_directory() -> Iterator[Path]:
    """Create a directory for all temporary files, which is removed however the command ends."""
    before = tempfile.tempdir
    with exit_on(*ENDING_SIGNALS), tempfile.TemporaryDirectory(prefix="clickstream-open-") as name:
        tempfile.tempdir = name
        try:
            yield Path(name)
        finally:
            tempfile.tempdir = before


def _serve(
    engine: LogEngine, settings: Settings, listener: socket.socket, open_browser: bool
) -> None:
    """Serve the dashboard until Ctrl-C."""
    from clickstream.dashboard.web import app as pages
    from clickstream.dashboard.web import server
    from clickstream.logs.open_engine import read_file_lines

    app = pages.build_app(
        settings,
        lambda: _present(engine),
        engine=engine,
        read_lines=partial(read_file_lines, engine),
        log_notes=lambda: engine.notes,
    )
    base_url = f"http://{LOCAL_HOST}:{listener.getsockname()[1]}"
    server.serve(app, listener, lambda: _announce(engine.directory, base_url, open_browser))


def _load_settings(time_zone: str | None, proxies: Sequence[str] | None) -> Settings:
    """Load the settings for log files, whose site may have no name."""
    from clickstream.settings.loading import variables_for_logs

    return load_settings_for_logs(time_zone, proxies, variables_for_logs(load_settings()))


def _with_goals(settings: Settings, goals: Sequence[str]) -> Settings:
    """Return the settings with the goals of the command line. Raises InputError for a wrong one."""
    if not goals:
        return settings
    from clickstream.settings import Settings

    named = {}
    for text in goals:
        name, _, page = text.partition("=")
        if not (name and page.startswith("/")):
            raise InputError(f"--goal {text} is not NAME=PAGE, such as order=/thank-you.")
        named[name] = {"page": page}
    return settings.model_copy(update={"goals": Settings.model_validate({"goals": named}).goals})


@contextlib.contextmanager
def _full_disks_named(logs: LogSet) -> Iterator[None]:
    """Raise DiskFull, with the directories in question, for errors about a full disk."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if not is_disk_full(error):
            raise
        temporary = Path(tempfile.gettempdir()).parent
        raise DiskFull(
            f"The disk is full: free space in {_cache_of(logs)}, which has the facts, and in "
            f"{temporary}, which has temporary files, or set XDG_CACHE_HOME or TMPDIR to another "
            "directory. Then run the command again."
        ) from None


@contextlib.contextmanager
def _engine(logs: LogSet, follow: bool, temporary: Path) -> Iterator[LogEngine]:
    """Open an engine in the cache; for stdin, or if it can't be used, in a temporary directory."""
    from clickstream.dashboard.ask.fact_copy import CopyInUse
    from clickstream.logs.open_engine import LogEngine

    engine = None
    if not logs.is_stdin:
        with contextlib.suppress(CopyInUse, OSError):
            engine = LogEngine(logs, _cache_of(logs), err, follows=follow)
    engine = engine or LogEngine(logs, temporary, err, follows=follow)
    with contextlib.closing(engine):
        yield engine


def _cache_of(logs: LogSet) -> Path:
    """Return the directory of the cache for these logs."""
    names = "\0".join(sorted(str(Path(path).resolve()) for path in logs.paths))
    digest = hashlib.blake2b(names.encode(), digest_size=8).hexdigest()
    return user_cache() / "open" / digest


def _read(engine: LogEngine) -> None:
    """Read the logs, and print what was read. Exits with 1 if there is no usable line."""
    from clickstream.logs.read_logs import print_problems

    if not engine.refresh():
        err.print("Nothing has changed since the last start.")
        return
    logs = engine.last
    if logs is None:
        return
    print_problems(logs.read, err)
    lines, parsed = logs.lines.lines, logs.lines.parsed
    if not parsed:
        raise typer.Exit(1)
    rest = f", {quantity(lines - parsed, 'line')} rejected" if lines > parsed else ""
    err.print(f"{quantity(lines, 'line')} of {escape(logs.read.described)}{rest}.")


def _for_pages(settings: Settings, directory: Path) -> Settings:
    """Return the settings of the pages, which are kept in a directory of this machine's user."""
    from clickstream.dashboard.formats import machine_language

    chosen = {"directory": str(directory)}
    if "language" not in settings.dashboard.model_fields_set:
        chosen["language"] = machine_language(os.environ)
    dashboard = settings.dashboard.model_copy(update=chosen)
    return settings.model_copy(update={"dashboard": dashboard})


def _present(engine: LogEngine) -> datetime:
    """Return the present of the dashboard: of an old log, the end of its last hour."""
    now = datetime.now(UTC)
    return min(now, engine.until - timedelta(seconds=1)) if engine.until else now


def _announce(directory: Path, base_url: str, open_browser: bool) -> None:
    from clickstream.dashboard.access.link import login_link

    address = login_link(directory, base_url)
    tunnel = tunnel_command(os.environ, base_url)
    if tunnel:
        err.print("Run this on your own machine, and leave it open:")
        out.print(tunnel, soft_wrap=True, highlight=False, markup=False)
    err.print("The dashboard is open; Ctrl-C stops it. This link logs in once:")
    out.print(address, soft_wrap=True, highlight=False)
    if open_browser and not tunnel:
        webbrowser.open(login_link(directory, base_url))


def tunnel_command(environment: Mapping[str, str], base_url: str) -> str:
    """Return the command that makes the pages reachable over SSH; "" outside of an SSH session."""
    connection = environment.get("SSH_CONNECTION", "").split()
    if len(connection) != 4:
        return ""
    _, _, host, ssh_port = connection
    _, _, port = base_url.rpartition(":")
    other_port = "" if ssh_port == "22" else f"-p {ssh_port} "
    user = environment.get("USER") or environment.get("LOGNAME")
    target = f"{user}@{host}" if user else host
    return f"ssh {other_port}-N -L {port}:{LOCAL_HOST}:{port} {target}"
