"""Faults of the café's server: pages that fail for some time, and lines that are not requests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from random import Random

from clickstream.core.hours import Hour
from clickstream.demo.cafe import addresses, agents, menu, story
from clickstream.demo.cafe.rules import (
    HOUR,
    MINUTE,
    SECOND,
    CafeRules,
    dice,
    how_many,
    milliseconds,
)
from clickstream.demo.cafe.weblog import Ask, BrokenLine, Client, Reply, log, render

_DAY = 24 * HOUR
_ERROR_LOG = (
    b"[proxy_fcgi:error] [pid 2411:tid 2437] AH01071: Got error 'PHP message: "
    b'PHP Warning: Undefined array key "total" in orderConfirmation.php on line 41\'\n'
)


def is_failing(rules: CafeRules, page: menu.MenuPage, moment: int) -> bool:
    """Whether the page answers 500 at that time.

    The menu fails for some minutes every other day, the order form for one hour of the story.
    """
    if page is menu.ORDER:
        return story.order_form_fails(rules, moment // HOUR)
    if page is not menu.MENU:
        return False
    begins, ends = _incident(rules, moment // _DAY)
    return begins <= moment < ends


@lru_cache(maxsize=64)
def _incident(rules: CafeRules, day: int) -> tuple[int, int]:
    """Return start and end of the day's incident; 0, 0 on every other day."""
    if (day + rules.seed) % 2:
        return 0, 0
    rng = dice(rules, day, "incident")
    begins = day * _DAY + rng.randrange(8 * HOUR, 20 * HOUR)
    return begins, begins + rng.randrange(1 * MINUTE, 4 * MINUTE)


def broken_lines(rules: CafeRules, hour: Hour) -> Iterator[BrokenLine]:
    """Yield lines that a server writes into its log beside the requests of an hour.

    Some have no time of their own, so the pipeline counts them in the hour of their neighbours. At
    least two minutes from the start and end of the hour, these neighbours are of the same hour.
    """
    rng = dice(rules, hour, "broken lines")
    for _ in range(how_many(rng, rules.broken_lines_per_hour)):
        moment = milliseconds(hour) + rng.randrange(2 * MINUTE, HOUR - 2 * MINUTE)
        match rng.choices(("cut", "error log", "empty", "zeros"), weights=(5, 2, 1, 1))[0]:
            case "cut":
                line = _cut_line(rng, moment)
            case "error log":
                line = _ERROR_LOG
            case "empty":
                line = b"\n"
            case _:  # as in a file after a power failure
                line = b"\0" * rng.randrange(8, 200) + b"\n"
        yield BrokenLine(received=moment, written=moment, raw=line)


def _cut_line(rng: Random, moment: int) -> bytes:
    """Return a line that is cut off inside its request, as by a full disk."""
    client = Client(addresses.home_address(rng), agents.pick(rng, agents.BROWSERS))
    whole = render(
        log(client, moment - moment % SECOND, Ask("GET", menu.HOME.path), Reply(200, 9_120, 0))
    )
    return whole[: rng.randrange(1, whole.index(b'HTTP/1.1"'))] + b"\n"
