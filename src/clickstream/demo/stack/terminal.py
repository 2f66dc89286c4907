"""Terminal output of the local stack: progress of its start, and its addresses."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from clickstream.core.terminal import SafeConsole
from clickstream.dashboard.access.link import login_link
from clickstream.demo.environment_file import drop_stack_variables, source_command
from clickstream.demo.stack.layout import LOGIN, Ports, StackLayout
from clickstream.demo.stack.stack import Stack, running_stack


def up(
    layout: StackLayout,
    ports: Ports | None = None,
    more: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> int:
    """Start the stack of a project and run it until Ctrl-C or SIGTERM.

    `more` has further processes (name → shell command), and `variables` further environment
    variables. Raises StackError if the stack can't start or if one of its processes ends
    unexpectedly.
    """
    console = console or SafeConsole()
    drop_stack_variables(os.environ)
    with running_stack(layout, ports, more, variables) as stack:
        show_start(stack, console)
        show_addresses(stack, console)
        console.print("Ctrl-C stops everything; the next start continues from here.")
        stack.wait()
    return 0


def show_start(stack: Stack, console: Console) -> None:
    """Wait until the stack is ready, and print a line for each part when it is."""
    started = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task("Starting PostgreSQL, the local AWS and Airflow", total=None)
        for part in stack.ready_parts():
            console.print(f"[green]✓[/] {part} is ready ({time.monotonic() - started:.0f} s)")


def show_addresses(stack: Stack, console: Console) -> None:
    """Print the addresses, the logins, and the command by which other shells use the stack.

    The dashboard's link logs in once, so each call prints a new one.
    """
    table = Table.grid(padding=(0, 2))
    table.add_row("Dashboard", login_link(stack.layout.dashboard, stack.ports.dashboard_url))
    table.add_row("", "logs in once, within 24 hours; new link: clickstream dashboard link")
    table.add_row("Airflow", stack.ports.airflow_url)
    table.add_row("Login", f"{LOGIN} / {stack.secrets.password}")
    table.add_row("Local AWS", stack.ports.aws_url)
    table.add_row("Logs", str(stack.layout.logs))
    console.print(table)
    command = source_command(stack.layout.environment_file)
    hint = f"To use `clickstream` commands or AWS clients in another shell: {command}"
    console.print(escape(hint), soft_wrap=True, highlight=False)
