"""What the simulated log looks like, and that it is always the same."""

import hashlib
import subprocess
import sys
from functools import cache
from ipaddress import ip_address, ip_network
from itertools import pairwise

import pytest
from crawleruseragents import is_crawler

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.demo.cafe import COUNTRIES, CafeRules, agents, menu, simulate, trouble

FIRST = Hour.parse("2026-03-28T22")
RULES = CafeRules(seed=3, visitors_per_hour=30, bots_per_hour=5)
RESERVED = [
    ip_network(block)
    for block in ("192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 198.18.0.0/15 2001:db8::/32".split())
]


@cache
def raw(first: Hour, last: Hour, rules: CafeRules = RULES) -> list[bytes]:
    return [line.raw for line in simulate(first, last, rules).lines]


@pytest.mark.parametrize("earlier", [1, 30])
def test_ranges_that_overlap_agree_on_the_hours_they_share(earlier):
    shared = raw(FIRST, FIRST.next)
    longer = raw(FIRST.minus(earlier), FIRST.next.next)
    start = len(raw(FIRST.minus(earlier), FIRST.previous))
    assert longer[start : start + len(shared)] == shared


def test_another_process_writes_the_same_lines():
    program = (
        "import hashlib\n"
        "from clickstream.core.hours import Hour\n"
        "from clickstream.demo.cafe import CafeRules, simulate\n"
        "hour = Hour.parse('2026-03-28T22')\n"
        "rules = CafeRules(seed=3, visitors_per_hour=30, bots_per_hour=5)\n"
        "text = b''.join(line.raw for line in simulate(hour, hour, rules).lines)\n"
        "print(hashlib.sha256(text).hexdigest())"
    )
    command = [sys.executable, "-c", program]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert there == hashlib.sha256(b"".join(raw(FIRST, FIRST))).hexdigest()


def test_another_seed_writes_other_lines():
    assert raw(FIRST, FIRST) != raw(FIRST, FIRST, CafeRules(seed=4))


def test_lines_are_logged_in_order_but_stamped_up_to_two_seconds_out_of_order():
    lines = list(simulate(FIRST, FIRST.next, CafeRules()).lines)
    assert all(a.at <= b.at for a, b in pairwise(lines))
    assert all(line.raw.endswith(b"\n") and line.raw.count(b"\n") == 1 for line in lines)
    stamps = [(line, line.raw.split(b"[")[1][12:20]) for line in lines if b" +0000]" in line.raw]
    late = []
    for line, stamp in stamps:
        hours, minutes, seconds = map(int, stamp.split(b":"))
        assert hours == line.at.hour
        late.append(line.at.minute * 60 + line.at.second - minutes * 60 - seconds)
    assert min(late) == 0
    assert 0 < max(late) <= 2


def test_no_address_is_a_real_persons():
    lines = raw(FIRST, FIRST.next, CafeRules(broken_lines_per_hour=0))
    seen = {ip_address(line.split(b" ")[0].decode()) for line in lines}
    assert all(any(address in block for block in RESERVED) for address in seen)
    assert {address.version for address in seen} == {4, 6}


def test_every_countrys_blocks_are_its_own():
    blocks = [ip_network(block) for v4, v6, _ in COUNTRIES.values() for block in (v4, v6)]
    for n, block in enumerate(blocks):
        others = blocks[:n] + blocks[n + 1 :]
        assert not any(o.version == block.version and o.overlaps(block) for o in others)


def test_peoples_agents_are_peoples_and_machines_agents_are_machines():
    assert not [agent for agent in (*agents.BROWSERS, agents.TABLET) if is_crawler(agent)]
    machines = (*agents.CRAWLERS, *agents.SCANNERS, agents.MONITOR)
    assert [agent for agent in machines if not is_crawler(agent)] == ["-"]


def test_the_average_hour_of_a_week_has_about_as_many_lines_and_people_as_asked_for():
    rules = CafeRules(seed=3, visitors_per_hour=10, bots_per_hour=1)
    week = simulate(Hour.parse("2026-06-01T00"), Hour.parse("2026-06-07T23"), rules)
    quiet = [t.page_requests for h, t in week.truth.hours.items() if h.start.hour == 2]
    busy = [t.page_requests for h, t in week.truth.hours.items() if h.start.hour == 12]
    assert sum(busy) > 4 * sum(quiet)
    assert 0.8 < len(week.truth.sessions) / (168 * 10 * 1.1) < 1.2


def test_the_menu_fails_for_some_minutes_every_other_day():
    start = int(Hour.parse("2026-06-01T00").start.timestamp())
    minutes = [
        sum(
            trouble.is_failing(RULES, menu.MENU, 1000 * (start + 86_400 * day + 60 * minute))
            for minute in range(24 * 60)
        )
        for day in range(4)
    ]
    failing, sound = sorted((minutes[0::2], minutes[1::2]), reverse=True)
    assert sound == [0, 0]
    assert all(1 <= n <= 4 for n in failing)
    assert not trouble.is_failing(RULES, menu.HOME, 1000 * start)


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(InputError, match="bots_per_hour = -1 is negative"):
        CafeRules(bots_per_hour=-1)
    with pytest.raises(InputError, match="no domain"):
        CafeRules(domains=())
    early = Hour.parse("2019-12-31T23")
    with pytest.raises(InputError, match="opened at 2020-01-01T00"):
        list(simulate(early, early).lines)


def test_no_hours_have_no_lines():
    nothing = simulate(FIRST, FIRST.previous)
    assert list(nothing.lines) == []
    assert nothing.truth.total.lines == 0
