"""The hosts of the tests: two directories, and one host behind a real sshd."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.support.access_log import Client, append
from tests.support.sshd import Sshd

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.stack import Stack

SOURCES = """
[[sources]]
name = "web-1"
path = "web-1"
format = "combined"

[[sources]]
name = "web-2"
path = "web-2"
format = "combined"

[[sources]]
name = "shop"
kind = "sftp"
hosts = ["{sshd.address}"]
user = "{sshd.user}"
key_file = "{sshd.key_file}"
path = "{shop}"
format = "combined"
max_kb_per_second = 50

"""
ANA, BEN = Client("203.0.113.7"), Client("203.0.113.8")
TODAY = Hour.first_of(str(datetime.now(UTC).date()))


def hours_ago(days: int, hour: int, number: int) -> list[Hour]:
    """The hours that begin some days ago, at an hour of the day.

    Days 5 to 90 are before the days of the demo, and after the visitor keys that are destroyed.
    """
    first = TODAY.minus(24 * days).plus(hour)
    return [*hour_range(first, first.plus(number - 1))]


OUTAGE_HOURS = hours_ago(60, hour=21, number=3)
"""Hours of which the first two are built while the shop is down, and the last afterwards."""


def name_of_shop(sshd: Sshd) -> str:
    """The name of the host behind sshd."""
    return f"shop.127.0.0.1_{sshd.port}"


def write(stack: Stack, host: str, lines: Sequence[str]) -> None:
    """Append lines to the log of `web-1`, `web-2` or `shop`."""
    append(stack.layout.root / host / "access.log", list(lines))
