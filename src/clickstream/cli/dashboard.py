"""`clickstream dashboard`: start the owner's dashboard, and manage its accounts and share links."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl

import typer
from rich.markup import escape

from clickstream.cli.console import DashboardPort, err, load_settings, out
from clickstream.core.errors import InputError
from clickstream.core.terminal import print_rows
from clickstream.dashboard.access.accounts import Accounts
from clickstream.dashboard.access.link import login_link

if TYPE_CHECKING:
    from clickstream.dashboard.access.shares import Share, Shares

LOCAL_HOST = "127.0.0.1"
DEFAULT_PORT = 8095
LOCAL_URL = f"http://{LOCAL_HOST}:{DEFAULT_PORT}"

app = typer.Typer()
user = typer.Typer(no_args_is_help=True, help="Add, list and remove accounts of the dashboard.")
share = typer.Typer(
    no_args_is_help=True, help="Create, list and withdraw links that show pages without a login."
)
app.add_typer(user, name="user")
app.add_typer(share, name="share")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin; do not ask.")
]

Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Dashboard address for browsers; by default url of \\[dashboard] in the settings, "
        f"the address of the local stack, or {LOCAL_URL}.",
    ),
]


@app.callback(invoke_without_command=True)
def dashboard(
    context: typer.Context,
    port: DashboardPort = DEFAULT_PORT,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen on; any but 127.0.0.1 needs a proxy with TLS in front.",
        ),
    ] = LOCAL_HOST,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    print_link: Annotated[
        bool, typer.Option("--link/--no-link", help="Print a link that logs in once.")
    ] = True,
) -> None:
    """Serve the owner's dashboard on this machine. Ctrl-C stops it.

    The printed link logs in once, within 24 hours.

    Example: [bold]clickstream dashboard --open[/]

    Example: [bold]clickstream dashboard user add ana[/]

    Example: [bold]clickstream dashboard link[/]

    Example: [bold]clickstream dashboard share add "Bean & Co" --page marketing[/]
    """
    if context.invoked_subcommand:
        return
    from clickstream.dashboard.web import app as pages
    from clickstream.dashboard.web import server, surroundings

    os.umask(0o077)  # DuckDB would let every user of the machine read its write-ahead log
    chosen = load_settings()

    def announce() -> None:
        base_url = f"http://{LOCAL_HOST}:{port}"
        logins = escape(surroundings.describe_logins(chosen.dashboard))
        err.print(logins, highlight=False, soft_wrap=True)
        for warning in surroundings.login_warnings(chosen.dashboard, host):
            text = f"[yellow]Warning:[/] {escape(warning)}"
            err.print(text, highlight=False, soft_wrap=True)
        if print_link:
            _show_link(login_link(_directory(), base_url))
        if open_browser:
            webbrowser.open(login_link(_directory(), base_url))

    with server.listen(host, port) as listener:
        server.serve(pages.build_app(chosen), listener, announce)


@app.command()
def link(
    url: Annotated[
        str,
        typer.Option(
            metavar="URL", envvar="STACK_DASHBOARD_URL", help="Dashboard address for browsers."
        ),
    ] = LOCAL_URL,
) -> None:
    """Print a link that logs in once as the account `owner`, within 24 hours.

    Example: [bold]clickstream dashboard link[/]

    Example: [bold]clickstream dashboard link --url https://dashboard.example[/]
    """
    _show_link(login_link(_directory(), url))


@user.command()
def add(name: Name, password_stdin: PasswordStdin = False) -> None:
    """Add an account. The command asks for the password twice.

    Example: [bold]clickstream dashboard user add ana[/]

    Example: [bold]pass show dashboard | clickstream dashboard user add ana --password-stdin[/]
    """
    _accounts().add(name, _ask_password(password_stdin))
    out.print(f"The account {escape(name)} can log in now.")


@user.command()
def password(name: Name, password_stdin: PasswordStdin = False) -> None:
    """Set the password of an account, also of the account `owner`, and end its sessions.

    Example: [bold]clickstream dashboard user password owner[/]
    """
    _accounts().set_password(name, _ask_password(password_stdin))
    out.print(f"The account {escape(name)} has a new password; its sessions are ended.")


@user.command()
def remove(name: Name) -> None:
    """Remove an account and end its sessions.

    Example: [bold]clickstream dashboard user remove ana[/]
    """
    _accounts().remove(name)
    out.print(f"The account {escape(name)} is removed; its sessions are ended.")


@user.command("list")
def list_() -> None:
    """List the accounts.

    Example: [bold]clickstream dashboard user list[/]
    """
    rows = [
        (
            escape(account.name),
            f"{account.created_at:%Y-%m-%d %H:%M}",
            "password" if account.password else "one-time link",
        )
        for account in _accounts().list()
    ]
    print_rows(("Name", "Added (UTC)", "Logs in with"), rows, out)
    if not rows:
        out.print("There are no accounts; add one with `clickstream dashboard user add NAME`.")


@share.command("add")
def add_link(
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
    out.print(_address_of(shares, made, url), soft_wrap=True, highlight=False, markup=False)


@share.command("list")
def list_links(url: Url = None) -> None:
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
        out.print(_address_of(shares, link, url), soft_wrap=True, highlight=False, markup=False)


@share.command("remove")
def remove_link(
    name: Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="Name or id of the link.")],
) -> None:
    """Withdraw a share link. It opens no page from the next request on.

    Example: [bold]clickstream dashboard share remove "Bean & Co"[/]
    """
    shares = _shares()
    link = _find_link(shares.file.read().entries, name)
    shares.withdraw(link.id)
    out.print(escape(f"The link for {link.name} is withdrawn; it opens nothing any more."))


def _directory() -> Path:
    chosen = load_settings()
    return chosen.resolve(chosen.dashboard.directory)


def _accounts() -> Accounts:
    return Accounts(_directory())


def _show_link(address: str) -> None:
    err.print("Open the dashboard with this link. It logs in once, within 24 hours:")
    out.print(address, soft_wrap=True, highlight=False)


def _ask_password(from_stdin: bool) -> str:
    """Read the password from the first line of stdin, or ask for it twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _find_link(entries: Sequence[Share], name: str) -> Share:
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

    return Shares(_directory(), lambda: datetime.now(UTC))


def _address_of(shares: Shares, link: Share, url: str | None) -> str:
    of_stack = os.environ.get("STACK_DASHBOARD_URL")
    base = url or load_settings().dashboard.url or of_stack or LOCAL_URL
    return base.rstrip("/") + shares.path(link)
