"""Print the result of `clickstream bots check` on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clickstream.wording import printable, quantity

if TYPE_CHECKING:
    from clickstream.report.bots_check import BotsCheck, CheckedRule

NO_DATABASE = (
    "No ASN database was found, so hosting networks are not checked: `make geoip` downloads a free "
    "one (docs/bots.md)."
)
PROXY = (
    "Most visitors come from hosting networks. If a proxy or a CDN is in front of the site, the "
    "log has its address in place of theirs: set [clean] trusted_proxies (docs/places.md)."
)


def show_check(check: BotsCheck, files: str, console: Console) -> None:
    """Print the tables and the notes. `files` names or counts the files."""
    visitors, requests = quantity(check.visitors, "visitor"), quantity(check.requests, "request")
    console.print(Text(f"{visitors} with {requests} in {printable(files)}."), soft_wrap=True)
    for title, rules in _groups(check):
        console.print()
        console.print(_table(title, rules, check))
    console.print()
    for note in _notes(check):
        console.print(Text(note), soft_wrap=True)


def _groups(check: BotsCheck) -> Iterator[tuple[str, list[CheckedRule]]]:
    """Yield the rules that are on, and those of each setting that would switch some on."""
    for setting in dict.fromkeys(rule.setting for rule in check.rules):
        title = f"Would be removed by {setting}" if setting else "Removed now"
        yield title, [rule for rule in check.rules if rule.setting == setting]


def _table(title: str, rules: list[CheckedRule], check: BotsCheck) -> Table:
    """Build a table with a row for each rule; its sample lines are below its reason."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(Text(title), overflow="fold")
    for name in ("Visitors", "Share", "Requests"):
        table.add_column(name, justify="right", no_wrap=True)
    for rule in rules:
        found = rule.removal
        numbers = (f"{found.visitors:,}", f"{check.share(rule):.1%}", f"{found.requests:,}")
        table.add_row(_description(rule), *numbers)
    return table


def _description(rule: CheckedRule) -> Text:
    text = Text.assemble((printable(rule.removal.reason), "cyan"), f" ({rule.removal.bot_class})")
    for line in rule.samples:
        text.append(f"\n  {printable(line)}", "dim")
    return text


def _notes(check: BotsCheck) -> Iterator[str]:
    after = (
        f"; {check.people_if_on:,} with all rules on" if check.people_if_on != check.people else ""
    )
    yield f"{quantity(check.people, 'visitor')} without a verdict now{after}."
    yield f"Hosting networks of {check.networks_dated}." if check.networks_dated else NO_DATABASE
    if check.proxy_advice:
        yield check.proxy_advice
    elif check.is_behind_proxy:
        yield PROXY
