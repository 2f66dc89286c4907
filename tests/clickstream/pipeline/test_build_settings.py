"""The site's own domain where the settings do not name it: inferred once, for the whole lake."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from rich.console import Console
from tests.support.lakes import aws_session, build_all

from clickstream.clean.referrers import OwnDomain
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, athena, hour_ledger, open_lake
from clickstream.logs.trial import read_figures
from clickstream.pipeline import build_settings
from clickstream.pipeline.build_settings import OWN_DOMAINS, describe_own_domain, settings_digest
from clickstream.pipeline.hour.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.hour.hour_states import hour_states
from clickstream.pipeline.publish.publish import refresh_views, register_tables
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings, SiteSettings

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T01")
HOURS = [*hour_range(FIRST, LAST)]
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CAME_FROM = ("-", "https://www.google.com/", "https://other.example/", "https://t.co/x")
CHANNELS = "select channel, sum(sessions) as sessions from traffic_sources group by channel"


def visits(domain: str, visitors: int, first: Hour = FIRST, seed: int = 1) -> list[str]:
    """People who come from somewhere, go from page to page of the site and load its assets."""
    rng = random.Random(seed)
    lines = []
    for visitor in range(visitors):
        at = first.start + timedelta(seconds=rng.randrange(len(HOURS) * 3600 - 6000))
        referrer = rng.choice(CAME_FROM)
        for step in range(3):
            page = f"https://www.{domain}/page-{rng.randrange(5)}"
            lines.append(line(visitor, at + timedelta(seconds=60 * step), "/page", referrer))
            lines.append(line(visitor, at + timedelta(seconds=60 * step + 1), "/a.css", page))
            referrer = page
            if rng.random() < 0.2:  # a pause that ends the session: the next begins inside the site
                at += timedelta(seconds=1900)
    return sorted(lines, key=lambda text: text.split("[")[1])


def line(visitor: int, at: datetime, path: str, referrer: str) -> str:
    return (
        f"192.0.2.{visitor % 250} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "
        f'"GET {path} HTTP/1.1" 200 512 "{referrer}" "{AGENT}"\n'
    )


def write(lake: Lake, lines: Iterable[str], name: str = "access.log") -> None:
    with (Path(lake.settings.sources[0].path) / name).open("a", encoding="utf-8") as log:
        log.writelines(lines)


def pull(lake: Lake) -> None:
    pull_source(lake, lake.settings.sources[0])


def in_the_lake(lake: Lake) -> Counter[str]:
    """Sessions by channel, as Athena counts them."""
    refresh_views(lake)
    rows = athena.query(lake, CHANNELS).records()
    return Counter({row["channel"]: row["sessions"] for row in rows})


def in_a_trial(settings: Settings) -> Counter[str]:
    """Sessions by channel, as `clickstream try` counts them in the same files."""
    directory = str(settings.sources[0].path)
    figures, _ = read_figures([directory], "auto", settings, Console(stderr=True))
    assert figures
    return Counter(figures["channels"])


@pytest.mark.lake
def test_inferred_domain_gives_the_rows_of_the_same_domain_in_the_settings(
    make_lake: Callable[[str], Lake],
) -> None:
    inferring, named = make_lake("inferring"), make_lake("told").settings
    write(inferring, visits("shop.example", 40))
    named = named.model_copy(update={"site": SiteSettings(domains=("shop.example",))})
    told = open_lake(named, aws_session())
    lakes = (inferring, told)
    for lake in lakes:
        pull(lake)
        build_all(lake, FIRST, LAST, "test")
    for table in ("hits", "session_parts"):
        inferred, expected = (athena.query(lake, f"select * from {table}").rows for lake in lakes)
        assert sorted(map(str, inferred)) == sorted(map(str, expected))
    digests = [set(hour_ledger.ledger(lake)["settings_digest"]) for lake in lakes]
    assert digests[0] == digests[1]
    assert OWN_DOMAINS.read(told, "own-domain") is None
    assert describe_own_domain(told) == ""


def test_stored_domain_is_kept_whatever_lines_come_later(
    lake: Lake, reopen: Callable[[], Lake]
) -> None:
    write(lake, visits("shop.example", 30))
    pull(lake)
    build_all(lake, FIRST, LAST, "test")
    stored = OWN_DOMAINS.read(lake, "own-domain")
    write(lake, visits("moved.example", 300, seed=2), "access.log.1")
    later = reopen()
    pull(later)
    build_all(later, FIRST, LAST, "again")
    assert OWN_DOMAINS.read(later, "own-domain") == stored
    digests = set(hour_ledger.ledger(later)["settings_digest"])
    assert digests == {settings_digest(lake)} == {settings_digest(later)}


def test_small_sample_is_not_stored_and_a_larger_one_outdates_what_was_built_without(
    lake: Lake, reopen: Callable[[], Lake]
) -> None:
    write(lake, visits("shop.example", 10))
    pull(lake)
    build_all(lake, FIRST, LAST, "test")
    assert OWN_DOMAINS.read(lake, "own-domain") is None
    assert "fewer than 50 asset requests" in describe_own_domain(lake)
    without = settings_digest(lake)

    write(lake, visits("shop.example", 10, LAST.plus(2), seed=3), "access.log.1")
    pull(lake)
    assert "Own domain: shop.example, inferred from" in describe_own_domain(lake)
    assert settings_digest(lake) != without
    outdated = {one.outdated for one in hour_states(reopen(), FIRST, LAST)}
    assert outdated == {"built by other settings or another version"}


def test_ledger_names_the_settings_that_an_hour_was_cleaned_with(
    lake: Lake, reopen: Callable[[], Lake]
) -> None:
    """A domain that is stored between two tasks of an hour changes nothing of what they built."""
    write(lake, visits("shop.example", 10))
    pull(lake)
    staged = check_hour(lake, build_sessions(lake, clean_hits(lake, FIRST)))
    OWN_DOMAINS.put(lake, "own-domain", OwnDomain("shop.example", 80, 90))
    register_tables(reopen(), staged, "test")
    [one] = hour_states(reopen(), FIRST, FIRST)
    assert one.outdated == "built by other settings or another version"


@pytest.mark.lake
def test_of_two_processes_that_infer_at_once_both_use_the_same_domain(
    lake: Lake, reopen: Callable[[], Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [reopen(), reopen()]
    write(lake, visits("shop.example", 40))
    pull(lake)
    both_have_inferred = Barrier(2)
    infer, answers = build_settings._infer_domain, iter(("shop.example", "other.example"))

    def inferred(of_lake: Lake) -> object:
        found = infer(of_lake)
        both_have_inferred.wait()
        return type(found)(next(answers), found.requests, found.sample)

    monkeypatch.setattr(build_settings, "_infer_domain", inferred)
    digests: list[str] = []
    threads = [
        Thread(target=lambda one=one: digests.append(settings_digest(one))) for one in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digests == [settings_digest(lake)] * 2
