"""What a visitor does in an hour: each rule, what must not matter, and the simulated café."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import Asked, hour, hour_of_log
from tests.support.shared_data import shared

from clickstream.clean.bots import (
    BEHAVIOURS,
    BehaviourRules,
    agent_verdict,
    behaviour,
    is_scanner_path,
)
from clickstream.clean.request_kinds import KINDS
from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules
from clickstream.demo.cafe.history import traffic
from clickstream.demo.cafe.weblog import Request, render
from clickstream.parse import parse

RULES = BehaviourRules()
SCANS, ROBOTS, HURRIES, NO_ASSET, NO_REFERRER = range(len(BEHAVIOURS))
PERSON = -1


def found(rows: list[Asked], rules: BehaviourRules = RULES) -> list[int]:
    return list(map(int, behaviour(hour(rows), rules)))


def pages(visitor: int, how_many: int, every: int, *, has_referrer: bool = True) -> list[Asked]:
    """Different pages at an even pace, in seconds."""
    return [
        Asked(visitor, f"/page/{n}", n * every, has_referrer=has_referrer) for n in range(how_many)
    ]


def reader(visitor: int) -> list[Asked]:
    """A person: a page, and what it pulls in."""
    return [Asked(visitor), Asked(visitor, "/a.css", 1, "asset", has_referrer=True)]


def test_an_hour_without_requests_has_no_verdicts() -> None:
    assert found([]) == []


def test_two_scanner_paths_or_one_and_no_page() -> None:
    env, login = (Asked(0, path, kind="client_error") for path in ("/.env", "/wp-login.php"))
    assert found([env, login, *reader(0)]) == [SCANS]
    assert found([env, env, *reader(0)]) == [PERSON]
    assert found([env]) == [SCANS]
    assert found([env], replace(RULES, scanner_paths=None)) == [PERSON]


def test_a_visitor_that_asks_for_pages_after_robots_txt_is_a_bot() -> None:
    robots = Asked(0, "/robots.txt", 5, "other")
    assert found([robots, Asked(0, second=6)]) == [ROBOTS]
    assert found([robots, Asked(0, second=4)]) == [PERSON]
    assert found([robots, Asked(0, "/favicon.ico", 6, "asset")]) == [PERSON]
    assert found([robots], replace(RULES, robots_txt=False)) == [PERSON]


def test_more_pages_in_any_minute_than_anyone_reads() -> None:
    rules = replace(RULES, pages_in_a_minute=10)
    assert found(pages(0, 10, 1), rules) == [PERSON]
    assert found(pages(0, 11, 1), rules) == [HURRIES]
    assert found(pages(0, 11, 6), rules) == [PERSON]
    assert found([*pages(0, 6, 1), *pages(1, 6, 1)], rules) == [PERSON, PERSON]
    assert found(pages(0, 11, 1), replace(rules, pages_in_a_minute=None)) == [PERSON]


def test_many_pages_and_no_asset_where_people_take_assets() -> None:
    crawl = pages(0, 20, 120)
    assert found([*crawl, *reader(1)]) == [NO_ASSET, PERSON]
    assert found([*crawl[:-1], *reader(1)]) == [PERSON, PERSON]
    assert found([*crawl, Asked(0, "/a.css", 0, "asset"), *reader(1)]) == [PERSON, PERSON]
    assert found([*crawl, Asked(1), Asked(2)]) == [PERSON] * 3, "a log without assets"


def test_breadth_without_a_referrer_where_people_have_referrers() -> None:
    crawl = [*pages(0, 50, 70, has_referrer=False), Asked(0, "/a.css", 0, "asset")]
    assert found([*crawl, *reader(1)]) == [NO_REFERRER, PERSON]
    assert found([*crawl[1:], *reader(1)]) == [PERSON, PERSON]
    assert found([*crawl, Asked(0, has_referrer=True), *reader(1)]) == [PERSON, PERSON]
    assert found([*crawl, Asked(1), Asked(2)]) == [PERSON] * 3, "a log without referrers"


def test_the_first_rule_that_holds_gives_the_verdict() -> None:
    env, robots = (Asked(0, path, kind="other") for path in ("/.env", "/robots.txt"))
    assert found([env, robots]) == [SCANS]
    assert found([robots, *pages(0, 61, 0)]) == [ROBOTS]
    assert found([*pages(0, 61, 0), *reader(1)]) == [HURRIES, PERSON]


def test_every_verdict_begins_with_its_layer() -> None:
    assert all(verdict.reason.startswith("behaviour: ") for verdict in BEHAVIOURS)


limits = st.one_of(st.none(), st.integers(1, 6))
some_rules = st.builds(
    BehaviourRules,
    scanner_paths=limits,
    robots_txt=st.booleans(),
    pages_in_a_minute=limits,
    pages_without_asset=limits,
    pages_without_referrer=limits,
    usual=st.sampled_from([0.0, 0.5, 1.0]),
)
some_rows = st.lists(
    st.builds(
        Asked,
        st.integers(0, 4),
        st.sampled_from(["/", "/a", "/b", "/c", "/a.css", "/.env", "/wp-login.php", "/robots.txt"]),
        st.integers(0, 150),
        st.sampled_from(KINDS),
        st.booleans(),
    ),
    max_size=40,
)


@given(some_rows, some_rules, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    rows: list[Asked], rules: BehaviourRules, dice: object
) -> None:
    shuffled = rows.copy()
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert found(shuffled, rules) == found(rows, rules)


@given(some_rows, some_rules, st.permutations(range(5)))
def test_the_numbers_of_visitors_do_not_matter(
    rows: list[Asked], rules: BehaviourRules, numbers: list[int]
) -> None:
    renamed = [row._replace(visitor=numbers[row.visitor]) for row in rows]
    before = behaviour(hour(rows, visitors=5), rules)
    after = behaviour(hour(renamed, visitors=5), rules)
    assert after[numbers].tolist() == before.tolist()


@given(some_rows, some_rows, some_rules)
def test_other_visitors_do_not_matter(
    rows: list[Asked], others: list[Asked], rules: BehaviourRules
) -> None:
    """Save for what is usual in the hour."""
    rules = replace(rules, usual=0.0)
    others = [row._replace(visitor=row.visitor + 5) for row in others]
    alone = behaviour(hour(rows, visitors=5), rules)
    together = behaviour(hour([*others, *rows], visitors=10), rules)
    assert together[:5].tolist() == alone.tolist()


def laxest(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


@given(some_rows, some_rules, some_rules)
def test_higher_limits_never_find_more(
    rows: list[Asked], one: BehaviourRules, other: BehaviourRules
) -> None:
    """The laxer of two settings of every limit, None being the laxest, condemns no more."""
    laxer = BehaviourRules(
        scanner_paths=laxest(one.scanner_paths, other.scanner_paths),
        robots_txt=one.robots_txt and other.robots_txt,
        pages_in_a_minute=laxest(one.pages_in_a_minute, other.pages_in_a_minute),
        pages_without_asset=laxest(one.pages_without_asset, other.pages_without_asset),
        pages_without_referrer=laxest(one.pages_without_referrer, other.pages_without_referrer),
        usual=max(one.usual, other.usual),
    )
    is_bot = np.array(found(rows, laxer), int) >= 0
    assert (np.array(found(rows, one), int)[is_bot] >= 0).all()


@pytest.mark.parametrize(
    "path",
    [
        *("/.env", "/shop/.ENV", "/.git/config", "/wp-login.php", "/phpMyAdmin/index.php"),
        *("/cgi-bin/%%32%65%%32%65/bin/sh", "/a/%2e%2e/etc", "/a/%252e%252e/x", "/?../etc/passwd"),
    ],
)
def test_paths_that_only_scanners_ask_for_are_recognized(path: str) -> None:
    assert is_scanner_path(path)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/menu.php", "/environment", "/gitarre/", "/.well-known/security.txt", "/a..b"),
        *("", "%", "/robots.txt", "/admin", "/backup-cafe/", "/images/Strawberry-&-Tarts.png"),
    ],
)
def test_ordinary_paths_are_no_scanner_paths(path: str) -> None:
    assert not is_scanner_path(path)


def test_a_site_says_what_is_a_scanner_path() -> None:
    assert not is_scanner_path("/wp-login.php", ())
    assert is_scanner_path("/old-shop/x", ("/old-shop/",))


def test_people_of_the_simulated_cafe_are_people_and_its_machines_are_bots() -> None:
    """No person of the simulated café is condemned, and no machine gets away with its agent."""
    alone, machines = 0, 0
    busy = CafeRules(seed=5, visitors_per_hour=200, bots_per_hour=30, scanners_per_hour=10)
    for _, entries in islice(traffic(busy, Hour.parse("2026-11-20T11")), 3):
        clients = {entry.client for entry in entries if isinstance(entry, Request)}
        is_machine = {(client.address, client.agent): client.is_machine for client in clients}
        log = b"".join(map(render, entries))
        requests, visitors = hour_of_log(parse(log, "combined").requests)
        verdicts = behaviour(requests, RULES)
        for (address, agent), verdict in zip(visitors, verdicts, strict=True):
            if is_machine[address, agent]:
                machines += 1
                alone += verdict >= 0
                assert agent_verdict(None if agent == "-" else agent) is not None
            else:
                assert (verdict, agent_verdict(agent)) == (PERSON, None)
    assert alone / machines > 0.3


@pytest.mark.shared_data
def test_a_crawler_in_disguise_asks_for_robots_txt() -> None:
    """In a real log, one of a search engine's networks sends a browser's agent."""
    log = shared("elastic-apache-5000", "access.log").read_bytes()
    parsed = parse(log, "combined").requests
    disguised = set()
    for _, of_hour in parsed.groupby(parsed["at"].dt.floor("h")):
        requests, visitors = hour_of_log(of_hour)
        verdicts = behaviour(requests, RULES)
        for (address, agent), verdict in zip(visitors, verdicts, strict=True):
            if verdict >= 0 and agent != "-" and agent_verdict(agent) is None:
                disguised.add((address.rpartition(".")[0], int(verdict)))
    assert {("180.76.5", ROBOTS), ("180.76.6", ROBOTS), ("195.250.34", SCANS)} <= disguised
    assert len(disguised) < 10
