"""From signed lines to the views: an agent that orders has its own session and facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.clean.bots.signing import (
    AGENT,
    LOG_FORMAT,
    REQUEST,
    SITE,
    line,
    private_key,
    signed,
    write_keys,
)
from tests.clickstream.clean.builders import BROWSER
from tests.support.lakes import built, settings_of_a_lake

from clickstream import settings
from clickstream.clean.bots.signed_request import SignedRequest
from clickstream.core.hours import Hour
from clickstream.dashboard.ask.engines import ask_athena
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import build_question
from clickstream.lake import Lake, athena
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.settings.labels import BotSettings

ROOT = Path(__file__).parents[4]
FIRST, LAST = Hour.parse("2026-11-20T05"), Hour.parse("2026-11-20T06")
DAY = date(2026, 11, 20)
RANGE = Period(DAY, DAY)
PATHS = ("/", "/cafe/menu.php", "/cafe/order.php", "/cafe/orderConfirmation.php")


def requests() -> list[SignedRequest]:
    """An agent that orders across two hours, a forger, and a person; all have one user agent."""
    at = REQUEST.at + 3510
    browser = replace(REQUEST, user_agent=BROWSER)
    asked = [replace(browser, at=at + 30 * n, target=path) for n, path in enumerate(PATHS)]
    sent = replace(asked[2], method="POST", target="/cafe/processOrder.php", at=at + 75)
    agent = [signed(one) for one in (*asked[:3], sent, asked[3])]
    forged = [signed(one, key=private_key(2)) for one in asked]
    return [*agent, *forged, *(replace(one, signature_agent=None) for one in asked[:2])]


def rows(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    return athena.query(lake, sql).rows


@pytest.fixture
def lake(local_aws: Any, tmp_path: Path) -> Lake:
    (tmp_path / "logs").mkdir()
    write_keys(tmp_path / "agents")
    (tmp_path / "logs" / "access.log").write_text("".join(map(line, requests())))
    hopes = settings.load(ROOT / "cafe.toml", {})
    chosen = settings_of_a_lake(local_aws.endpoint, tmp_path / "logs")
    own = {
        "site": settings.SiteSettings(name="cafe", domains=(SITE,), time_zone="Asia/Tokyo"),
        "sources": (chosen.sources[0].model_copy(update={"format": "signed"}),),
        "bots": BotSettings(agent_keys="agents"),
        "formats": {"signed": LOG_FORMAT},
        "goals": hopes.goals,
        "funnel": hopes.funnel,
        "directory": tmp_path,
    }
    return built(chosen.model_copy(update=own), FIRST, LAST)


def test_an_agent_that_orders_has_a_session_with_goal_and_funnel(lake: Lake) -> None:
    refresh_views(lake)
    asked = "select agent, landing_page, exit_page, page_views, requests, conversions, funnel_steps"
    agent = [(AGENT, "/", "/cafe/orderConfirmation.php", 4, 5, 1, 4)]
    assert rows(lake, f"{asked} from agent_sessions") == agent
    facts = "select agent, goal, step, sessions, page_views, local_date, session_date"
    of_all = {(AGENT, None, None, 1, 4, DAY, DAY), (AGENT, "order", None, 1, 4, DAY, DAY)}
    of_steps = {(AGENT, None, step, 1, 4, DAY, DAY) for step in range(1, 5)}
    assert {*rows(lake, f"{facts} from agent_facts")} == of_all | of_steps
    visits = build_question(("agent_visits", "agent_page_views"), ("signed_agent",), RANGE)
    assert ask_athena(lake, visits) == [(AGENT, 1, 4)]
    people = "select landing_page, exit_page, page_views, conversions from sessions"
    assert rows(lake, people) == [("/", "/cafe/menu.php", 2, 0)]
    bots = "select bot_class, bot_reason, sum(requests) from bot_facts group by 1, 2 order by 1"
    forged = ("scanner", f"signature: forged, claims {AGENT}", 4)
    assert rows(lake, bots) == [forged, ("signed agent", f"signature: {AGENT}", 5)]
    assert verify(lake, now=LAST.plus(24).start).findings == ()
