"""`clickstream dashboard`: start the owner's dashboard, and manage its accounts."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from clickstream.cli.console import DashboardPort, err, load_settings, out
from clickstream.cli.share import share
from clickstream.core.terminal import print_rows
from clickstream.dashboard.access.accounts import Accounts
from clickstream.dashboard.access.link import login_link

LOCAL_HOST = "127.0.0.1"
DEFAULT_PORT = 8095

app = typer.Typer()
user = typer.Typer(no_args_is_help=True, help="Add, list and remove accounts of the dashboard.")
app.add_typer(user, name="user")
app.add_typer(share, name="share")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin; do not ask.")
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
    ] = f"http://{LOCAL_HOST}:{DEFAULT_PORT}",
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
