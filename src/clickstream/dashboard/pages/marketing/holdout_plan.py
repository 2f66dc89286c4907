"""The page that plans a holdout test: which regions, for how long, and what it would find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple, get_args

from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.pages.marketing.holdouts import ask_history, utc_date
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.holdout_history import history_of_rows, leave_out_tests
from clickstream.insight.holdout_plan import (
    WEEKS,
    HoldoutOption,
    HoldoutPlan,
    days_of_plan,
    plan,
)
from clickstream.insight.holdout_terms import BEFORE_DAYS, TestedMetric
from clickstream.insight.holdout_texts import describe_plan, settings_section

MOST_CAMPAIGNS = 50
"""Campaigns that can be chosen: the first ones by their visits."""


class EffectCell(NamedTuple):
    """The smallest effect that a test finds; whether that would do, and whether it is proposed."""

    text: str
    is_enough: bool
    is_best: bool


@dataclass(frozen=True)
class RegionsRow:
    """The tests in some regions as texts, with an effect for each number of weeks."""

    regions: str
    campaign_share: str
    cost: str
    effects: Sequence[EffectCell]


@dataclass(frozen=True)
class PlanPage:
    """The choices of the form, and the plan for the chosen campaign, if one is chosen.

    `weeks` are the lengths of the tests. `metrics` are pairs of a metric and its label. `section`
    is the text for the settings, empty without a proposal.
    """

    campaigns: Sequence[str]
    metrics: Sequence[tuple[str, str]]
    campaign: str
    metric: TestedMetric
    sentence: str = ""
    weeks: Sequence[str] = ()
    rows: Sequence[RegionsRow] = ()
    section: str = ""


def build_plan(page: PageContext, campaign: str, metric: str) -> PlanPage:
    """Plan a test of a campaign; without one, only offer the campaigns of the history."""
    history = _history(page)
    campaigns = _campaigns(page, history)
    metrics: list[TestedMetric] = [
        name for name in get_args(TestedMetric) if page.has_shop or name == "visits"
    ]
    tested = next((name for name in metrics if name == metric), metrics[0])
    chosen = campaign.strip().lower()
    shown = PlanPage(
        campaigns if not chosen or chosen in campaigns else [chosen, *campaigns],
        [(name, METRICS[name].label) for name in metrics],
        chosen,
        tested,
    )
    return _planned(page, shown, history) if chosen else shown


def _history(page: PageContext) -> Period:
    yesterday = utc_date(page) - timedelta(days=1)
    days = days_of_plan(WEEKS, BEFORE_DAYS)
    return Period(yesterday - timedelta(days=days - 1), yesterday)


def _campaigns(page: PageContext, history: Period) -> list[str]:
    visits_of_names: Counter[str] = Counter()
    for name, visits in page.answer(("visits",), ("campaign",), history, filters=()).rows:
        if name and name.strip():
            visits_of_names[name.strip().lower()] += int(visits)
    return [name for name, _ in visits_of_names.most_common(MOST_CAMPAIGNS)]


def _planned(page: PageContext, shown: PlanPage, history: Period) -> PlanPage:
    answer = ask_history(page, shown.metric, [shown.campaign], history)
    holdouts = page.settings.holdouts

    def compute() -> HoldoutPlan:
        values = history_of_rows(shown.metric, answer.rows)
        panel = leave_out_tests(values.panel, holdouts, utc_date(page))
        return plan(panel, values.of_campaigns)

    holdout_plan = answer.derive(
        ("plan", *(holdout.model_dump_json() for holdout in holdouts)), compute
    )
    return replace(
        shown,
        sentence=describe_plan(holdout_plan, shown.metric),
        weeks=[page.formats.count(number) for number in WEEKS],
        rows=_rows(page, holdout_plan),
        section=_section(page, shown, holdout_plan),
    )


def _rows(page: PageContext, holdout_plan: HoldoutPlan) -> list[RegionsRow]:
    formats = page.formats
    return [
        RegionsRow(
            "; ".join(regions),
            formats.share(tests[0].campaign_share, 0),
            formats.share(tests[0].cost),
            [_effect(page, option, holdout_plan.best) for option in tests],
        )
        for regions, options in groupby(holdout_plan.options, lambda option: option.regions)
        if (tests := [*options])
    ]


def _effect(page: PageContext, option: HoldoutOption, best: HoldoutOption | None) -> EffectCell:
    effect = option.smallest_effect
    text = NO_VALUE if effect is None else page.formats.share(effect, 0)
    return EffectCell(text, option.is_enough, option is best)


def _section(page: PageContext, shown: PlanPage, holdout_plan: HoldoutPlan) -> str:
    if holdout_plan.best is None:
        return ""
    today, campaigns = utc_date(page), [shown.campaign]
    return settings_section(
        campaigns, shown.metric, holdout_plan.best, holdout_plan.before_days, today
    )
