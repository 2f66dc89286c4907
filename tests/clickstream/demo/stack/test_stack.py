from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from clickstream.dashboard.access.link import use_token
from clickstream.demo.stack import Ports, Stack, StackLayout, show_addresses
from clickstream.demo.stack.layout import Secrets
from clickstream.demo.stack.stack import Processes, show_start


def test_the_addresses_have_a_link_that_logs_in_whole_on_80_columns(tmp_path: Path) -> None:
    layout, shown = StackLayout(tmp_path), io.StringIO()
    processes = Processes(tmp_path, layout.logs, {})
    stack = Stack(layout, Ports(18080, 14566, 18095), Secrets.new(), {}, processes)
    console = Console(file=shown, width=80)
    show_addresses(stack, console)
    show_addresses(stack, console)
    rows = [line.split() for line in shown.getvalue().splitlines() if line.startswith("Dashboard")]
    links = [link for _, link in rows]
    assert all(link.startswith("http://127.0.0.1:18095/login/once/") for link in links)
    tokens = [link.rpartition("/")[2] for link in links]
    assert [use_token(layout.dashboard, token) for token in tokens] == [True, True]
    assert "new link: clickstream dashboard link" in shown.getvalue()


def test_the_start_shows_the_elapsed_time_and_promises_none(tmp_path: Path) -> None:
    class Started(Stack):
        def ready_parts(self) -> Iterator[str]:
            yield "Local AWS"

    layout, shown = StackLayout(tmp_path), io.StringIO()
    processes = Processes(tmp_path, layout.logs, {})
    stack = Started(layout, Ports(18080, 14566, 18095), Secrets.new(), {}, processes)
    show_start(stack, Console(file=shown, width=80, force_terminal=True))
    assert "Starting PostgreSQL, the local AWS and Airflow" in shown.getvalue()
    assert "0:00:0" in shown.getvalue()
    assert "Local AWS is ready" in shown.getvalue()
    assert "minute" not in shown.getvalue()
