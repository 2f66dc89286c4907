"""`clickstream dashboard share`: create, list and withdraw share links of the dashboard."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl

import typer
from rich.markup import escape

from clickstream.cli.console import err, load_settings, out
from clickstream.core.errors import InputError

if TYPE_CHECKING:
    from clickstream.dashboard.access.shares import Share, Shares

LOCAL_URL = "http://127.0.0.1:8095"

share = typer.Typer(
    no_args_is_help=True, help="Create, list and withdraw links that show pages without a login."
)

Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Dashboard address for browsers; by default url of \\[dashboard] in the settings, "
        f"the address of the local stack, or {LOCAL_URL}.",
    ),
]


@share.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the recipient.")],
    days: Annotated[int, typer.Option(metavar="DAYS", help="Days until the link expires.")] = 30,
    page: Annotated[
        list[str] | None,
        typer.Option(metavar="PAGE", help="A page to open; repeat for several; default all."),
    ] = None,
    range_: Annotated[
        str | None,
        typer.Option("--range", metavar="RANGE", help="Date range at the first visit."),
    ] = None,
    url: Url = None,
) -> None:
    """Create a share link and print it.

    Anyone who has the link can read its pages without an account until it expires.

    Example: [bold]clickstream dashboard share add "Bean & Co" --page marketing --days 90[/]

    Example: [bold]clickstream dashboard share add Auditor --page trust --range year[/]
    """
    from clickstream.dashboard.access.accounts import OWNER
    from clickstream.dashboard.access.shares import Share
    from clickstream.dashboard.ask.view import TABS
    from clickstream.dashboard.ask.view_urls import parse_view

    shares = _shares()
    pages = page or [*TABS]
    start = next((tab for tab in TABS if tab in pages), TABS[0])
    view = parse_view(start, parse_qsl(f"range={range_}") if range_ else [])
    made = shares.add(Share.create(name, days, pages, view, OWNER, datetime.now(UTC)))
    err.print(
        escape(f"The link for {made.name} is valid until {made.expires_at:%Y-%m-%d %H:%M} UTC:")
    )
    out.print(_address(shares, made, url), soft_wrap=True, highlight=False, markup=False)


@share.command("list")
def list_(url: Url = None) -> None:
    """List the share links with their addresses.

    Example: [bold]clickstream dashboard share list[/]
    """
    from clickstream.dashboard.ask.view import TABS

    shares = _shares()
    entries = shares.file.read().entries
    if not entries:
        out.print("There are no links; create one with `clickstream dashboard share add NAME`.")
        return
    for link in entries:
        until = f"{link.expires_at:%Y-%m-%d %H:%M} UTC"
        state = "expired" if link.expires_at <= datetime.now(UTC) else "until"
        pages = "all pages" if link.tabs == TABS else ", ".join(link.tabs)
        about = f"{link.id}, {pages}, {state} {until}, created by {link.created_by}"
        line = f"[bold]{escape(link.name)}[/] ({escape(about)})"
        out.print(line, soft_wrap=True, highlight=False)
        out.print(_address(shares, link, url), soft_wrap=True, highlight=False, markup=False)


@share.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="Name or id of the link.")],
) -> None:
    """Withdraw a share link. It opens no page from the next request on.

    Example: [bold]clickstream dashboard share remove "Bean & Co"[/]
    """
    shares = _shares()
    link = _find(shares.file.read().entries, name)
    shares.withdraw(link.id)
    out.print(escape(f"The link for {link.name} is withdrawn; it opens nothing any more."))


def _find(entries: Sequence[Share], name: str) -> Share:
    """Return the link with an id, or the only link with a name.

    Raises InputError if there is no such link, or if several have the name.
    """
    matches = [link for link in entries if name in (link.id, link.name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(link.id for link in matches)
        raise InputError(f"There are {len(matches)} links for {name!r}; give the id of one: {ids}.")
    names = ", ".join(link.name for link in entries) or "none"
    raise InputError(f"There is no link {name[:80]!r}; the links are for: {names}.")


def _shares() -> Shares:
    from clickstream.dashboard.access.shares import Shares

    chosen = load_settings()
    return Shares(chosen.resolve(chosen.dashboard.directory), lambda: datetime.now(UTC))


def _address(shares: Shares, link: Share, url: str | None) -> str:
    of_stack = os.environ.get("STACK_DASHBOARD_URL")
    base = url or load_settings().dashboard.url or of_stack or LOCAL_URL
    return base.rstrip("/") + shares.path(link)
