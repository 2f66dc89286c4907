"""Bots are called bots, and people never."""

import json
import random
import statistics

import crawleruseragents
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import KEY, RULES, line, requests, row
from tests.clickstream.clean.user_agents import ATTACKS, BOTS, PEOPLE
from tests.support.cases import each_case
from tests.support.shared_data import shared

from clickstream.clean import clean
from clickstream.clean.bots import BOT_CLASSES, OWN_EQUIPMENT, agent_verdict, agents
from clickstream.clean.bots.agents import (
    attacks,
    listed,
    scanners,
    short_name,
)
from clickstream.clean.bots.verdict import SIGNED_AGENT
from clickstream.clean.data import read_csv, read_toml
from clickstream.parse import parse

CRAWLERS = crawleruseragents.CRAWLER_USER_AGENTS_DATA
AI_AGENTS = {row["name"]: row["class"] for row in read_csv("ai_agents.csv")}


@each_case("agent", PEOPLE)
def test_user_agents_of_people_get_no_verdict(agent: str) -> None:
    assert agent_verdict(agent) is None


@each_case("bot_class, agent", [(name, agent) for name, those in BOTS.items() for agent in those])
def test_user_agents_of_bots_get_their_class_and_a_reason(bot_class: str, agent: str) -> None:
    verdict = agent_verdict(agent)
    assert verdict is not None
    assert (verdict.bot_class, verdict.reason[:12]) == (bot_class, "user agent: ")


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        ("Wget/1.21", "wget"),
        ("NobodyKnowsMeBot/0.1", "calls itself a bot"),
        ("my-new-crawler", "calls itself a crawler"),
        ("Fresh/1.0 (+https://example.org/why)", "gives an address to complain to"),
        ("Freshlet/1.0", "names no system, as browsers and apps do"),
    ],
)
def test_the_reason_says_what_gave_it_away(agent: str, reason: str) -> None:
    verdict = agent_verdict(agent)
    assert verdict is not None
    assert verdict.reason == f"user agent: {reason}"


@each_case("sign, agent", [(sign, agent) for sign, those in ATTACKS.items() for agent in those])
def test_an_attack_is_a_scanners_with_or_without_a_browsers_name(sign: str, agent: str) -> None:
    for text in (agent, agent.upper(), f"{PEOPLE[0]} {agent}", f"{agent} {PEOPLE[0]}"):
        verdict = agent_verdict(text)
        assert verdict is not None, text
        assert verdict.bot_class == "scanner", text
    verdict = agent_verdict(agent)
    assert verdict is not None
    assert verdict.reason == f"user agent: {sign}"


def test_every_family_of_attacks_has_examples() -> None:
    signs = {verdict.reason.removeprefix("user agent: ") for _, verdict in attacks()}
    assert signs == ATTACKS.keys()


def test_scanners_have_the_class_scanner_in_any_case() -> None:
    names = [verdict.reason.removeprefix("user agent: ") for _, verdict in scanners()]
    assert {"w3af", "Acunetix", "Netsparker", "Nikto", "sqlmap", "Nuclei"} <= set(names)
    for name in names:
        for text in (name, name.lower(), name.upper(), f"{PEOPLE[0]} {name.lower()}/1.0"):
            verdict = agent_verdict(text)
            assert verdict is not None, text
            assert (verdict.bot_class, verdict.reason) == ("scanner", f"user agent: {name}")


def test_ai_agents_match_in_any_case() -> None:
    for name, bot_class in AI_AGENTS.items():
        for text in (name.lower(), name.upper(), f"{PEOPLE[0]} ({name.swapcase()}/1.0)"):
            verdict = agent_verdict(text)
            assert verdict is not None, text
            assert verdict.bot_class == bot_class, text


def test_known_crawlers_are_caught_in_any_case() -> None:
    """Save the few that are plain words beside a whole browser's agent, as apps' names may be."""
    known = [agent for crawler in CRAWLERS for agent in crawler["instances"]]
    caught = [agent for agent in known if agent_verdict(agent)]
    for change in (str.lower, str.upper, str.swapcase):
        lost = [agent for agent in caught if not agent_verdict(change(agent))]
        assert len(lost) <= 0.006 * len(caught), lost


def test_every_verdict_has_a_class_that_there_is() -> None:
    shapes = read_toml("bot_shapes.toml")
    classes = {verdict.bot_class for _, verdict in listed()} | {
        shape["class"] for shape in (*shapes["words"], *shapes["marks"])
    }
    assert classes | {*AI_AGENTS.values()} | {OWN_EQUIPMENT, SIGNED_AGENT} == set(BOT_CLASSES)
    assert set(BOTS) <= set(BOT_CLASSES)


def test_every_ai_agent_has_its_class() -> None:
    for name, bot_class in AI_AGENTS.items():
        verdict = agent_verdict(f"Mozilla/5.0 (compatible; {name}; +https://a.example)")
        assert verdict is not None
        assert verdict.bot_class == bot_class, name


@given(st.sampled_from(PEOPLE), st.sampled_from(["FreshBot/1.0", "(Freshcrawler)"]))
def test_a_persons_agent_with_a_bots_word_is_a_bots(agent: str, word: str) -> None:
    assert agent_verdict(f"{agent} {word}") is not None


@example("\udc80 half a character")
@given(st.text())
def test_any_text_gets_a_verdict(agent: str) -> None:
    verdict = agent_verdict(agent)
    assert verdict is None or verdict.bot_class in BOT_CLASSES


def test_every_tag_of_the_list_has_a_class() -> None:
    tags = {tag for crawler in CRAWLERS for tag in crawler["tags"]}
    assert tags <= agents.CRAWLERS["class_of_tag"].keys()


def test_every_correction_still_corrects_a_pattern_of_the_list() -> None:
    corrections = agents.CRAWLERS
    corrected = {*corrections["narrowed"], *corrections["left_out"], *corrections["apps"]}
    assert corrected <= {crawler["pattern"] for crawler in CRAWLERS}


def test_every_pattern_has_a_short_name() -> None:
    for crawler in CRAWLERS:
        name = short_name(crawler["pattern"])
        assert len(name) > 1
        assert name.strip() == name
        assert not set(name) & set("\\[]()|*?^$")


def test_missing_agent_is_a_bots() -> None:
    labelled = clean(requests(line(agent="-"), line(agent=""), line()), RULES, KEY)
    assert labelled["is_bot"].tolist() == [True, True, False]
    assert row(labelled, 0)["bot_reason"] == "user agent: none given"
    assert row(labelled, 2)["bot_reason"] is None


def test_without_an_agent_in_the_format_nobody_is_a_bot() -> None:
    """A common log says nothing about agents: that must not make everyone a machine."""
    common = line().split(' "-"')[0]
    labelled = clean(parse(common.encode(), "common").requests, RULES, KEY)
    assert (labelled["is_bot"].tolist(), labelled["kind"].tolist()) == ([False], ["page"])
    assert labelled["referrer_domain"].isna().all()


def test_most_crawlers_nobody_has_listed_are_caught() -> None:
    """Without a fifth of the list, 98 % of the agents of that fifth are caught all the same."""
    patterns = list(listed())
    kept_whole = [c for c in CRAWLERS if c["pattern"] not in agents.CRAWLERS["left_out"]]
    shares = []
    for seed in range(5):
        left_out = set(random.Random(seed).sample(range(len(patterns)), len(patterns) // 5))
        known = agents.PatternSet(p for i, p in enumerate(patterns) if i not in left_out)
        unseen = [agent for i in left_out for agent in kept_whole[i]["instances"]]
        caught = [known.find(a)[1] or agents.shape_verdict(a, agents._shapes()) for a in unseen]
        shares.append(sum(verdict is not None for verdict in caught) / len(unseen))
    assert min(shares) >= 0.97
    assert statistics.mean(shares) >= 0.98


NO_PEOPLE = {
    "LWPrCa2l') OR 941=(SELECT 941 FROM PG_SLEEP(15))--": "scanner",
    "Mozilla/5.0 (Laravel Reaver .env Presence)": "scanner",
    'Mozilliqa"<?=print(9347655345-4954366);?>"': "scanner",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Amzn-User/0.1) "
    "Chrome/119.0.6045.214 Safari/537.36": "ai user",
}
"""What the list of people's agents holds besides: attacks and a fetcher, and their classes."""


@pytest.mark.shared_data
def test_listed_agents_of_people_get_no_verdict_but_for_the_known_exceptions() -> None:
    path = shared("user-agents-people", "browsers.yml")
    listed_as_people = yaml.safe_load(path.read_text()).values()
    agents_of_people = [agent for those in listed_as_people for agent in those]
    assert len(agents_of_people) == 555
    judged = {agent: agent_verdict(agent) for agent in agents_of_people}
    assert {agent: v.bot_class for agent, v in judged.items() if v} == NO_PEOPLE


@pytest.mark.shared_data
def test_known_crawlers_are_caught() -> None:
    path = shared("crawler-user-agents", "crawler-user-agents.json")
    known = [agent for crawler in json.loads(path.read_text()) for agent in crawler["instances"]]
    caught = sum(agent_verdict(agent) is not None for agent in known)
    assert len(known) == 2116
    assert caught / len(known) >= 0.99
