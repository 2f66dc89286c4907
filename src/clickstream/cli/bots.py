"""`clickstream bots`: look at the rules against bots."""

from __future__ import annotations

from typing import Annotated

import typer

from clickstream.cli.console import (
    FormatOfLogs,
    Logs,
    ProxiesOfLogs,
    load_settings_for_logs,
    out,
)

app = typer.Typer(no_args_is_help=True, help="Look at the rules against bots.")


@app.callback()
def _group() -> None:
    """Group the commands. Without a callback, typer would run the only command without its name."""


@app.command()
def check(
    logs: Logs,
    log_format: FormatOfLogs = "auto",
    proxies: ProxiesOfLogs = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show which visitors of log files each rule against bots removes, before you set it.

    Rules that are on in the settings are listed under "Removed now". All others, also
    the list of hosting networks that `make geoip` has downloaded, are listed under
    "Would be removed". Each rule has two sample lines, with addresses masked.

    Example: [bold]clickstream bots check /var/log/nginx/access.log*[/]

    Example: [bold]CLICKSTREAM_BOTS__PAGES_IN_A_MINUTE=20 clickstream bots check access.log[/]
    """
    from clickstream.logs.bots_check import check_bots

    settings = load_settings_for_logs(None, proxies)
    raise typer.Exit(check_bots(logs, log_format, as_json, out, settings))
