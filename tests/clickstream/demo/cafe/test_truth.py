"""The café's truth against a reading of its raw lines that shares no code with it."""

import re
from collections import Counter, defaultdict
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from crawleruseragents import is_crawler
from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import CafeRules, History, LogLine, simulate

LINE = re.compile(
    rb'(\S+) - - \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" '
    rb'"((?:[^"\\]|\\.)*)"\n'
)
ASSET = re.compile(r"\.(css|js|png|jpe?g|svg|ico|woff2|webp|avif)$")
EDGE = timedelta(hours=1)
DOMAINS = CafeRules().domains
KINDS = "page_requests assets bots redirects client_errors server_errors others rejected".split()

Reading = list[tuple[LogLine, dict | None]]

FIRST, LAST = Hour.parse("2026-11-20T05"), Hour.parse("2026-11-22T04")


@pytest.fixture(scope="module")
def history() -> History:
    return simulate(FIRST, LAST, CafeRules(visitors_per_hour=45, bots_per_hour=5))


@pytest.fixture(scope="module")
def reading(history: History) -> Reading:
    return read_all(history)


@cache
def is_bot(client: str, agent: str) -> bool:
    """Named, or hostile, or a crawler in disguise, whose addresses no person has."""
    is_hostile = any(sign in agent for sign in ("<", "${", "' OR '"))
    return agent == "-" or is_crawler(agent) or is_hostile or client.startswith("192.0.2.")


@cache
def moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z")


def read(raw: bytes) -> dict | None:
    match = LINE.fullmatch(raw)
    if match is None:
        return None
    client, at, asked, status, size, referrer, agent = (part.decode() for part in match.groups())
    method, target, *_ = (*asked.split(" "), "", "")
    return {
        "client": client,
        "agent": agent,
        "at": moment(at),
        "method": method,
        "path": target.partition("?")[0],
        "query": parse_qs(target.partition("?")[2]),
        "status": int(status),
        "size": 0 if size == "-" else int(size),
        "referrer": None if referrer == "-" else urlsplit(referrer).hostname,
    }


def read_all(history: History) -> Reading:
    return [(line, read(line.raw)) for line in history.lines]


def kind(record: dict) -> str:
    if ASSET.search(record["path"]):
        return "assets"
    if is_bot(record["client"], record["agent"]):
        return "bots"
    if record["method"] == "GET" and record["status"] in (200, 304):
        return "page_requests"
    if record["status"] // 100 == 3:
        return "redirects"
    if record["status"] // 100 == 4:
        return "client_errors"
    return "server_errors" if record["status"] // 100 == 5 else "others"


def count(reading: Reading) -> dict[Hour, Counter]:
    hours = defaultdict(Counter)
    for line, record in reading:
        hour = hours[Hour.of(record["at"] if record else line.at)]
        hour["lines"] += 1
        hour[kind(record) if record else "rejected"] += 1
        hour["bytes"] += record["size"] if record else 0
    return hours


def visits(reading: Reading) -> dict[tuple[str, str], list[dict]]:
    """Every person's records by time; within a second, as logged."""
    visitors = defaultdict(list)
    for _, record in reading:
        if record and not is_bot(record["client"], record["agent"]):
            visitors[record["client"], record["agent"]].append(record)
    return {who: sorted(records, key=lambda r: r["at"]) for who, records in visitors.items()}


def cut(records: list[dict]) -> list[list[dict]]:
    sessions = [records[:1]]
    for last, record in pairwise(records):
        midnight = record["at"].replace(hour=0, minute=0, second=0)
        is_silent = record["at"] - last["at"] > timedelta(seconds=1800)
        is_long = midnight - sessions[-1][0]["at"] >= timedelta(hours=12)
        if is_silent or (is_long and last["at"] < midnight):
            sessions.append([])
        sessions[-1].append(record)
    return sessions


def source(record: dict) -> tuple:
    domain = None if record["referrer"] in DOMAINS else record["referrer"]
    tags = ("utm_source", "utm_medium", "utm_campaign")
    return (domain, *(record["query"].get(tag, [None])[0] for tag in tags))


def describe(session: list[dict]) -> tuple:
    pages = [r for r in session if kind(r) == "page_requests"]
    return (
        session[0]["client"],
        session[0]["agent"],
        session[0]["at"],
        session[-1]["at"],
        len(session),
        sum(kind(r) in ("client_errors", "server_errors") for r in session),
        tuple((r["path"].rstrip("/") or "/", r["at"]) for r in pages),
        tuple(filter(None, map(goal, session))),
        *next((s for s in map(source, reversed(session)) if any(s)), (None,) * 4),
        tuple(dict.fromkeys(Hour.of(r["at"]) for r in session)),
    )


def goal(record: dict) -> str | None:
    is_good = record["status"] in (200, 304)
    if record["path"] == "/cafe/orderConfirmation.php" and is_good:
        return "order"
    is_sign_up = record["path"] == "/cafe/newsletter.php" and record["method"] == "POST"
    return "newsletter" if is_sign_up and is_good else None


def expected_sessions(reading: Reading) -> list[tuple]:
    found = [describe(s) for records in visits(reading).values() for s in cut(records)]
    return sorted(found, key=lambda s: (s[2], s[0], s[1]))


def orders(reading: Reading) -> dict[int, tuple[datetime, int]]:
    found = {}
    confirmations = [r for _, r in reading if r and r["path"] == "/cafe/orderConfirmation.php"]
    for record in sorted(confirmations, key=lambda r: r["at"]):
        if not is_bot(record["client"], record["agent"]):
            cents = int(record["query"]["total"][0].replace(".", ""))
            found.setdefault(int(record["query"]["order"][0]), (record["at"], cents))
    return found


def told(session: object) -> tuple:
    derived = ("channel", "source", "medium")
    names = [name for name in session.__dataclass_fields__ if name not in derived]
    return tuple(getattr(session, name) for name in names)


def agrees(history: History, reading: Reading) -> None:
    counted = count(reading)
    assert list(history.truth.hours) == list(hour_range(history.first, history.last))
    for hour, truth in history.truth.hours.items():
        assert {k: v for k, v in asdict(truth).items() if v} == +counted[hour], hour
    assert [told(s) for s in history.truth.sessions] == expected_sessions(reading)
    shown = {o.number: (o.confirmed_at, o.total_cents) for o in history.truth.orders}
    assert shown == orders(reading)


def test_two_days_agree_with_an_independent_reading_to_the_last_hit(history, reading):
    agrees(history, reading)


@given(
    seed=st.integers(0, 10**9),
    start=st.integers(0, 24 * 365 * 3),
    hours=st.integers(1, 6),
    rates=st.tuples(st.integers(0, 40), *[st.integers(0, 15)] * 3),
)
@example(3, 24 * (365 + 11) + 11, 2, (20, 10, 3, 2))
@example(3, 24 * (365 + 18) + 11, 3, (60, 1, 3, 2))
def test_any_cafe_agrees_with_an_independent_reading(seed, start, hours, rates):
    first = Hour(datetime(2024, 1, 1, tzinfo=UTC) + start * EDGE)
    rules = CafeRules(seed, *rates, story_begins=date(2024, 12, 31))
    history = simulate(first, first.minus(1 - hours), rules)
    agrees(history, read_all(history))


def test_the_kinds_of_every_hour_add_up_to_its_lines(history):
    for truth in history.truth.hours.values():
        assert truth.lines == sum(getattr(truth, kind) for kind in KINDS)
    total = history.truth.total
    assert total.lines == sum(1 for _ in history.lines)
    never = {"downloads", "health_checks", "api_calls"}  # the café has nothing of the kind
    assert {name for name, n in asdict(total).items() if not n} == never
    assert history.truth.order_cents == sum(o.total_cents for o in history.truth.orders)


def test_the_session_rule_is_tested_on_both_sides_of_its_edges(history, reading):
    records = visits(reading)
    pauses = Counter(
        (later["at"] - earlier["at"]).seconds
        for who in records.values()
        for earlier, later in pairwise(who)
    )
    assert min(pauses[seconds] for seconds in (1799, 1800, 1801)) >= 5
    sessions = history.truth.sessions
    assert any(s.started_at.date() < s.ended_at.date() for s in sessions)
    assert sum(len(s.hours) > 1 for s in sessions) > 100
    assert any(s.duration_seconds > 12 * 3600 for s in sessions)
    assert any(s.page_views == 0 for s in sessions)


def test_a_session_of_half_a_day_is_cut_at_midnight_without_a_silence(history):
    following = {}
    for s in history.truth.sessions:
        following.setdefault((s.client, s.user_agent), []).append(s)
    cuts = [
        (before, after)
        for sessions in following.values()
        for before, after in pairwise(sessions)
        if after.started_at - before.ended_at <= timedelta(seconds=1800)
    ]
    assert cuts
    for before, after in cuts:
        midnight = after.started_at.replace(hour=0, minute=0, second=0)
        assert before.ended_at < midnight
        assert midnight - before.started_at >= timedelta(hours=12)


def test_several_people_share_one_address(history):
    agents = defaultdict(set)
    for session in history.truth.sessions:
        agents[session.client].add(session.user_agent)
    assert max(map(len, agents.values())) >= 5


def test_campaign_tags_are_written_in_both_encodings(history):
    text = b"".join(line.raw for line in history.lines)
    assert b"utm_campaign=weekly+news" in text
    assert b"utm_campaign=weekly%20news" in text
    names = {session.utm_campaign for session in history.truth.sessions}
    assert {"weekly news", "café & friends", "coffee+cake", "autumn_cakes", None} <= names
