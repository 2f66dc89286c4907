"""Proposes goals for a site without one: pages of the range that look like a confirmation."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from clickstream.core.expressions import Expression
from clickstream.core.hours import Hour
from clickstream.dashboard.ask.coverage import log_question
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.widgets.page import PageContext

MOST_PROPOSED = 5
"""Maximum number of proposed pages, by number of visits."""

LONGEST_PAGE = 80
"""Maximum length of a proposed page's name, in characters."""

_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")


@dataclass(frozen=True)
class ProposedGoal:
    """A page that may be a goal, its visits in the period, and the name to give the goal."""

    name: str
    page: str
    visits: int
    width: float

    @property
    def pattern(self) -> str:
        """The regular expression that matches only the page."""
        return _SPECIAL.sub(r"\\\g<0>", self.page)

    @property
    def toml(self) -> str:
        """The section of clickstream.toml that sets the goal."""
        return f"[goals.{self.name}]\npage = '{self.pattern}'"

    @property
    def option(self) -> str:
        """The option of `clickstream open` that sets the goal."""
        return f"--goal {shlex.quote(f'{self.name}={self.pattern}')}"


@dataclass(frozen=True)
class ProposedGoals:
    """Proposed pages, and how to set the first of each name as a goal.

    `code` has lines of clickstream.toml, or options of `clickstream open`. `rebuild` is the command
    that counts the goals in the published hours; empty without a lake or an hour.
    """

    pages: Sequence[ProposedGoal]
    code: str
    is_option: bool
    rebuild: str


_EXAMPLE = ProposedGoal("order", "/thank-you", 0, 0.0)


def propose_goals(page: PageContext) -> ProposedGoals:
    """Find the pages of the period that may be goals, in order of their visits."""
    matches = list(_matching(page))[:MOST_PROPOSED]
    widths = bar_widths([visits for _, _, visits in matches])
    goals = [ProposedGoal(*match, width) for match, width in zip(matches, widths, strict=True)]
    first_of_name = {goal.name: goal for goal in reversed(goals)}
    shown = [goal for goal in goals if first_of_name[goal.name] is goal] or [_EXAMPLE]
    if not page.has_lake:
        return ProposedGoals(goals, " ".join(goal.option for goal in shown), True, "")
    return ProposedGoals(goals, "\n\n".join(goal.toml for goal in shown), False, _rebuild(page))


def _rebuild(page: PageContext) -> str:
    """Return the command that builds the hours again whose visitor keys exist."""
    whole = page.ask(log_question(page.now)).single()
    if whole["log_begins"] is None or whole["newest_hour"] is None:
        return ""
    newest = Hour.at(whole["newest_hour"])
    oldest = newest.minus(24 * page.settings.privacy.replay_days)
    first = max(Hour.at(whole["log_begins"]), oldest)
    return f"clickstream build {first} {newest} --outdated"


def _matching(page: PageContext) -> Iterator[tuple[str, str, int]]:
    """Yield goal, page and visits of each page that matches a pattern."""
    for name, visits in page.answer(("page_visits",), ("page",), filters=()).rows:
        # A visitor can make up any name, but it must fit a literal string of TOML.
        if not name or len(name) > LONGEST_PAGE or not name.isprintable() or "'" in name:
            continue
        for goal, expression in _patterns():
            if expression.matches(name):
                yield goal, name, int(visits)
                break


@cache
def _patterns() -> Sequence[tuple[str, Expression]]:
    """Read the goals, and the expression that matches the pages of each."""
    text = files(__package__).joinpath("goal_pages.toml").read_text(encoding="utf-8")
    return [
        (row["goal"], Expression(row["page"], ignores_case=True))
        for row in tomllib.loads(text)["pages"]
    ]
