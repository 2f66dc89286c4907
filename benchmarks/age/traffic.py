"""Lines of each hour: those of the simulated café, and of two devices that are always on.

A simulation of a whole year would take as long as its build. So two weeks of the café are simulated
and repeated with other dates. People's sessions cross hours and midnights; bots crawl and scan.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property

from benchmarks.age.plan import Plan
from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules
from clickstream.demo.cafe.agents import TABLET
from clickstream.demo.cafe.history import traffic
from clickstream.demo.cafe.weblog import render

REPEATED_HOURS = 14 * 24
MINUTES = range(5, 60, 10)
"""The minutes of each hour in which the devices send a request."""

FIRST_MINUTE = 25
"""The minute of the second device's first request."""

LATE_MINUTE = FIRST_MINUTE - 20
"""The minute of the late line; the session's gap of 30 minutes joins the two."""

ALWAYS_ON, SECOND_DEVICE = "198.51.100.7", "198.51.100.8"

MONITOR_LINES = 60
"""Lines of the café's uptime monitor in each hour, independent of the number of visitors."""

LINES_PER_VISITOR = 17.5
"""Lines of the café for each arriving visitor, with a proportional share of bots' lines."""

VISITORS_PER_BOT = 4.5


def cafe_rules(lines_per_hour: int) -> CafeRules:
    """Return the rules of a café that logs about a number of lines in an average hour."""
    visitors = max((lines_per_hour - MONITOR_LINES) / LINES_PER_VISITOR, 1)
    bots = round(visitors / VISITORS_PER_BOT)
    return CafeRules(visitors_per_hour=round(visitors), bots_per_hour=bots)


class Traffic:
    """The lines of a plan's hours, as bytes in combined format."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def lines(self, hour: Hour) -> bytes:
        """Return all lines of an hour."""
        index = (hour.number - self._plan.first_hour.number) % REPEATED_HOURS
        lines = self._cafe[index].replace(_stamp(self._plan.first_hour.plus(index)), _stamp(hour))
        devices = b"".join(_request(ALWAYS_ON, hour, minute) for minute in MINUTES)
        return lines + devices + b"".join(self._of_second_device(hour))

    @property
    def late_line(self) -> bytes:
        """A line that came late: a request of the second device, 20 minutes before its first."""
        return _request(SECOND_DEVICE, self._plan.device_first, LATE_MINUTE)

    def _of_second_device(self, hour: Hour) -> Iterator[bytes]:
        first = self._plan.device_first
        for minute in MINUTES:
            if hour > first or (hour == first and minute >= FIRST_MINUTE):
                yield _request(SECOND_DEVICE, hour, minute)

    @cached_property
    def _cafe(self) -> list[bytes]:
        """The café's lines of the first hours, by hour."""
        needed = range(min(REPEATED_HOURS, 24 * self._plan.days))
        rules = cafe_rules(self._plan.lines_per_hour)
        hours = traffic(rules, self._plan.first_hour)
        return [
            b"".join(map(render, entries)) for _, (_, entries) in zip(needed, hours, strict=False)
        ]


def _stamp(hour: Hour) -> bytes:
    return f"[{hour.start:%d/%b/%Y:%H}:".encode()


def _request(address: str, hour: Hour, minute: int) -> bytes:
    at = hour.start + timedelta(minutes=minute)
    asked = f'"GET /cafe/menu.php HTTP/1.1" 200 5120 "-" "{TABLET}"'
    return f"{address} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] {asked}\n".encode()
