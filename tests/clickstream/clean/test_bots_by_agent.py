"""Bots are called bots, and people never."""

import json

import crawleruseragents
import pytest
import yaml
from tests.clickstream.clean.requests_made import BROWSER, KEY, RULES, line, requests, row
from tests.support.shared_data import shared

from clickstream.clean import bot_reason, bots, clean
from clickstream.parse import parse


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        ("Wget/1.21", "wget"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/)", "Slurp"),
        ("NobodyKnowsMeBot/0.1", "calls itself a bot"),
        ("my-new-crawler", "calls itself a crawler"),
        ("SomeSpider 1", "calls itself a spider"),
        ("Fresh/1.0 (+https://example.org/why)", "gives an address to complain to"),
    ],
)
def test_bot(agent: str, reason: str) -> None:
    assert bot_reason(agent) == reason


@pytest.mark.parametrize(
    "agent",
    [
        BROWSER,
        "Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX) AppleWebKit/537.36 Chrome/72.0 Mobile",
        "Mozilla/5.0 (Linux; Android 7.1) Chrome/66.0 Mobile Safari/537.36 Viber/11.9.5.8",
        "",
    ],
)
def test_person(agent: str) -> None:
    assert bot_reason(agent) is None


def test_every_correction_still_corrects_a_pattern_of_the_list() -> None:
    listed = {crawler["pattern"] for crawler in crawleruseragents.CRAWLER_USER_AGENTS_DATA}
    assert set(bots._NARROWED) <= listed


def test_every_pattern_has_a_short_name() -> None:
    for crawler in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        name = bots._short_name(crawler["pattern"])
        assert len(name) > 1
        assert name.strip() == name
        assert not set(name) & set("\\[]()|*?^$")


def test_missing_agent_is_a_bots() -> None:
    labelled = clean(requests(line(agent="-"), line(agent=""), line()), RULES, KEY)
    assert labelled["is_bot"].tolist() == [True, True, False]
    assert row(labelled, 0)["bot_reason"] == "no user agent"
    assert row(labelled, 2)["bot_reason"] is None


@pytest.mark.shared_data
def test_people_are_never_sacrificed() -> None:
    path = shared("user-agents-people", "browsers.yml")
    people = [agent for agents in yaml.safe_load(path.read_text()).values() for agent in agents]
    assert len(people) == 555
    assert {agent: bot_reason(agent) for agent in people if bot_reason(agent)} == {}


@pytest.mark.shared_data
def test_known_crawlers_are_caught() -> None:
    path = shared("crawler-user-agents", "crawler-user-agents.json")
    agents = [agent for crawler in json.loads(path.read_text()) for agent in crawler["instances"]]
    caught = sum(bot_reason(agent) is not None for agent in agents)
    assert len(agents) == 2116
    assert caught / len(agents) >= 0.99


def test_without_an_agent_in_the_format_nobody_is_a_bot() -> None:
    """A common log says nothing about agents: that must not make everyone a machine."""
    common = line().split(' "-"')[0]
    labelled = clean(parse(common.encode(), "common").requests, RULES, KEY)
    assert (labelled["is_bot"].tolist(), labelled["kind"].tolist()) == ([False], ["page"])
    assert labelled["referrer_domain"].isna().all()
