"""The real logs through the lake: pulled, built hour by hour, and asked for with Athena.

The lake has the same requests and sessions of some hours as a count of all their lines at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.clickstream.pipeline.test_build_settings import in_a_trial, in_the_lake
from tests.real_logs.counting import by_hour, counted
from tests.real_logs.real_log import RealLog, some
from tests.support.lakes import build_all
from tests.support.shared_data import shared

from clickstream.clean import RequestTable
from clickstream.clean.referrers import OwnDomain
from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena
from clickstream.pipeline.build_settings import OWN_DOMAINS
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.pull.host import pull_source
from clickstream.sessions import SessionRules, cut
from clickstream.settings import SourceSettings
from clickstream.step_config import clean_rules, session_rules
from clickstream.tables import BALANCE

pytestmark = pytest.mark.shared_data

RUNS = """
select count(*) as parts, count(distinct session_id) as sessions
from session_parts
"""
SESSIONS = """
select
    count(*) as sessions,
    count(distinct visitor_id) as visitors,
    sum(page_views) as page_views,
    count_if(is_bounce) as bounces
from sessions
"""
PAGES = "select page, sum(page_views) as page_views from top_pages group by page"
BOTS = "select sum(bot_requests) as bots from daily_traffic"


def built(lake: Lake, first: str, last: str) -> list[dict[str, Any]]:
    """The ledger's rows after the hours were built in order, views made and all was verified."""
    build_all(lake, Hour.parse(first), Hour.parse(last), "real logs")
    refresh_views(lake)
    assert verify(lake, Hour.parse(first), Hour.parse(last)).is_proven
    ledger = athena.query(lake, "select * from hour_ledger order by hour_at").records()
    for row in ledger:
        assert row["lines"] == sum(row[kind] for kind in BALANCE) + row["rejected"]
    return ledger


def requests_between(log: RealLog, lake: Lake, first: str, last: str) -> RequestTable:
    """The log's requests of some hours, labelled by the lake's settings."""
    requests = log.cleaned(clean_rules(lake.settings))
    at = requests.columns["hit_at"]
    start, end = Hour.parse(first).naive, Hour.parse(last).next.naive
    return some(requests, (at >= start) & (at < end))


def assert_same_counts(lake: Lake, ledger: list[dict[str, Any]], requests: RequestTable) -> None:
    """Kinds of requests, bots and visits are the same in the lake as counted at once."""
    balance = requests.balance()
    assert {kind: sum(row[kind] for row in ledger) for kind in BALANCE} == balance
    assert athena.query(lake, BOTS).records() == [{"bots": balance["bots"]}]
    runs = runs_of(requests, session_rules(lake.settings))
    (parts,) = athena.query(lake, RUNS).records()
    assert parts["sessions"] == len(runs)
    visits = runs[~runs["is_bot"] & (runs["page_views"] > 0)]
    assert athena.query(lake, SESSIONS).records() == [
        {
            "sessions": len(visits),
            "visitors": visits["visitor_id"].nunique(),
            "page_views": visits["page_views"].sum(),
            "bounces": (visits["page_views"] == 1).sum(),
        }
    ]


def runs_of(requests: RequestTable, rules: SessionRules) -> pd.DataFrame:
    """Return the runs of requests without a longer pause, cut at once and not by hour."""
    found = cut(requests, rules)
    rows = requests.arrow(found.order, ("visitor_id", "kind", "is_bot")).to_pandas()
    number = np.repeat(np.arange(len(found.first)), np.diff(found.first, append=len(rows)))
    rows["page_views"] = (rows["kind"] == "page") & ~rows["is_bot"]
    columns = {"visitor_id": "first", "is_bot": "any", "page_views": "sum"}
    return rows.astype({"visitor_id": "str"}).groupby(number).agg(columns)


def page_views(lake: Lake) -> dict[str, int]:
    return {row["page"]: row["page_views"] for row in athena.query(lake, PAGES).records()}


@pytest.mark.lake
def test_42_hours_of_elastic_have_the_known_figures_in_the_lake(
    lake: Lake, elastic: RealLog, known: Callable[[str], Any]
) -> None:
    figures = known("elastic-apache-first5000.json")
    source = SourceSettings(name="elastic", path=str(shared("elastic-apache-5000")))
    pulled = pull_source(lake, source)
    assert (pulled.lines, len(pulled.hours)) == (figures["parsed"], figures["distinct_utc_hours"])

    hours = pulled.hours[0], pulled.hours[-1]
    ledger = built(lake, *hours)
    assert [row["lines"] for row in ledger] == [len(rows) for _, rows in by_hour(elastic)]
    (runs,) = athena.query(lake, RUNS).records()
    assert runs["sessions"] == figures["sessions_all_hits_gt"]
    requests = requests_between(elastic, lake, *hours)
    assert_same_counts(lake, ledger, requests)
    rows = requests.frame(only=["page", "kind", "is_bot"])
    assert page_views(lake) == counted(rows[(rows["kind"] == "page") & ~rows["is_bot"]]["page"])

    domain = OWN_DOMAINS.read(lake, "own-domain")
    assert domain is not None
    assert domain.value == OwnDomain("semicomplete.com", requests=1141 + 712, sample=1956)
    channels = in_the_lake(lake)
    assert channels == in_a_trial(lake.settings.model_copy(update={"sources": (source,)}))
    assert (channels["Referral"], channels.total()) == (54, 519)


@pytest.mark.lake
def test_sessions_of_iis_that_cross_midnight_are_those_of_the_whole_log(
    lake: Lake, iis: RealLog, known: Callable[[str], Any]
) -> None:
    """In some hours of two dates, three sessions cross an edge."""
    rows = known("waikolai-iis-2009.json")["data_rows_per_file"]
    files = ("u_ex090906.log", "u_ex090907.log")
    source = SourceSettings(name="iis", path=str(shared("iis-2009")), pattern="u_ex09090[67].log")
    pulled = pull_source(lake, source)
    assert (pulled.files, pulled.refused) == (len(files), [])
    assert pulled.lines == sum(rows[name] for name in files)

    hours = "2009-09-06T23", "2009-09-07T12"
    ledger = built(lake, *hours)
    assert OWN_DOMAINS.read(lake, "own-domain") is None  # the log has no referrers
    known_hours = known("waikolai-iis-2009.hourly_utc.csv")
    lines = {row["utc_hour"][:13]: int(row["hits"]) for row in known_hours}
    found = {row["hour_at"].strftime("%Y-%m-%dT%H"): row["lines"] for row in ledger}
    assert found == {hour: lines.get(hour, 0) for hour in found}
    assert_same_counts(lake, ledger, requests_between(iis, lake, *hours))
    (runs,) = athena.query(lake, RUNS).records()
    assert runs["parts"] == runs["sessions"] + 3
