"""Parts that the commands share: consoles, argument types, and opening the lake."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clickstream.core.errors import ClickstreamError, SettingsError, UnreadableLog
from clickstream.core.hours import Hour, HourSpan
from clickstream.core.memory import freeze_imports
from clickstream.core.terminal import SafeConsole
from clickstream.core.wording import shorten

if TYPE_CHECKING:
    from clickstream.lake import Lake
    from clickstream.settings import Settings

out = SafeConsole()
err = SafeConsole(stderr=True)

FirstHour = Annotated[
    Hour, typer.Argument(parser=Hour.first_of, metavar="FROM", help="First hour or day, UTC.")
]
LastHour = Annotated[
    Hour, typer.Argument(parser=Hour.last_of, metavar="TO", help="Last hour or day, UTC.")
]


def _port(text: str) -> Any:
    return typer.Option(metavar="PORT", min=1, max=65_535, help=text)


AirflowPort = Annotated[int, _port("Port of Airflow's web UI.")]
AwsPort = Annotated[int, _port("Port of the local AWS.")]
DashboardPort = Annotated[int, _port("Port of the owner's dashboard.")]
LogsPort = Annotated[int, _port("Port of this machine at which the pages are opened.")]
Logs = Annotated[
    list[str], typer.Argument(metavar="LOG...", help="Log files or directories; - is stdin.")
]
FormatOfLogs = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=r"Log format: auto, a name in docs/formats.md, one of \[formats] in settings, or the "
        "log_format of nginx or LogFormat of Apache in single quotes.",
    ),
]
TimeZoneOfLogs = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        metavar="ZONE",
        help="Time zone of days and hours, such as Europe/Berlin. If not given, that of the "
        "settings, or of the log's offsets.",
    ),
]
ProxiesOfLogs = Annotated[
    list[str] | None,
    typer.Option(
        "--proxy",
        metavar="NETWORK",
        help="Address or network of a trusted proxy, or none. If not given, those of the settings, "
        "or the private addresses that nearly all requests come from.",
    ),
]
NO_PROXY = "none"
FromSpan = Annotated[
    HourSpan | None,
    typer.Argument(parser=HourSpan.parse, metavar="[FROM]", help="First hour or day, UTC."),
]
ToSpan = Annotated[
    HourSpan | None,
    typer.Argument(parser=HourSpan.parse, metavar="[TO]", help="Last hour or day, UTC."),
]


def refuse_missing(logs: Sequence[str]) -> None:
    """Raise UnreadableLog if no log exists. Reading finds out the same, after a second of imports.

    A log that can't be looked at counts as one that exists: reading it names the reason.
    """
    if not logs or not all(map(_is_missing, logs)):
        return
    if len(logs) == 1:
        raise UnreadableLog(f"{logs[0]} does not exist: check the name.")
    raise UnreadableLog(f"None of {shorten(logs)} exists: check the names.")


def _is_missing(log: str) -> bool:
    try:
        if log != "-":
            Path(log).stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def run_by_hand() -> str:
    """Return the name under which the ledger records a run of the command line."""
    return f"by hand at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def load_settings() -> Settings:
    """Load the settings. Their import takes 0.2 s of CPU time, which help pages can do without."""
    from clickstream.settings import load

    return load()


def load_settings_for_logs(
    time_zone: str | None, proxies: Sequence[str] | None, variables: Mapping[str, str] | None = None
) -> Settings:
    """Load the settings, and apply options of the command and further variables.

    Raises SettingsError, with the name of the option, for a zone or a network that is none.
    """
    from clickstream.settings import load

    options: dict[str, tuple[str, str]] = {}
    if time_zone:
        options["CLICKSTREAM_SITE__TIME_ZONE"] = "--time-zone", time_zone
    if proxies:
        networks = [proxy for proxy in proxies if proxy != NO_PROXY]
        options["CLICKSTREAM_CLEAN__TRUSTED_PROXIES"] = "--proxy", json.dumps(networks)
    values = {variable: value for variable, (_, value) in options.items()}
    try:
        return load(environment={**os.environ, **(variables or {}), **values})
    except SettingsError as error:
        text = str(error)
        for variable, (option, _) in options.items():
            text = text.replace(f"{variable}: ", f"{option}: ")
        raise SettingsError(text) from None


def open_lake(chosen: Settings | None = None) -> Lake:
    """Open the lake that the settings describe; those of this shell by default.

    Raises SettingsError if a local stack runs on the same endpoint with other settings.
    """
    from clickstream import lake
    from clickstream.demo.environment_file import check_beside_stack

    chosen = chosen or load_settings()
    check_beside_stack(chosen)
    freeze_imports()
    return lake.open_lake(chosen)


def progress_bar() -> Progress:
    """Build a progress bar on stderr that disappears when the work is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=err, transient=True)


def print_error(error: ClickstreamError) -> None:
    """Print an error of the library, with its code, on stderr."""
    err.print(f"[red]clickstream:[/] {escape(error.printed)}", soft_wrap=True)


def refresh_readers(lake: Lake) -> None:
    """Refresh what readers see, and print the results."""
    from clickstream.pipeline.publish import facts

    with err.status("Views, suspected machines and facts") as status:
        for sentence in facts.refresh_readers(lake, status.update):
            out.print(sentence, soft_wrap=True)
