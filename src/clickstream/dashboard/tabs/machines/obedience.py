"""Whether each operator's machines obey robots.txt, from the paths that they requested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.tabs.machines.panels import ROBOTS
from clickstream.dashboard.tabs.machines.robots_rules import (
    RobotsRules,
    name_in_robots,
    read_robots,
)
from clickstream.dashboard.widgets.page import PageContext

MOST_PATHS = 20_000
"""Maximum number of paths of all programs that are compared with the rules, by requests.
They take 10 MB of memory and 0.1 s of CPU time."""

Kind = tuple[str, str]
"""Operator and class of bot."""


@dataclass
class Obedience:
    """The requests of an operator's machines of one class that were compared with the rules.

    `disallowed` has the requests for each disallowed path.
    """

    requests: int = 0
    disallowed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class RobotsReport:
    """The rules of the settings' file, and the obedience of each operator and class.

    `rules` is None without a file, and if it can't be read; `problem` then has the reason.
    """

    rules: RobotsRules | None
    problem: str
    by_kind: Mapping[Kind, Obedience]

    @property
    def disobedient(self) -> Sequence[tuple[Kind, Obedience]]:
        """The operators and classes with disallowed requests, the largest number first."""
        found = [(kind, one) for kind, one in self.by_kind.items() if one.disallowed]
        return sorted(found, key=lambda pair: (-pair[1].disallowed.total(), pair[0]))


def robots_questions(page: PageContext) -> list[Question]:
    """Ask for the requested paths of each program."""
    metrics, by = page.parts(ROBOTS)
    return [page.question(metrics, by, limit=MOST_PATHS, filters=())]


def report_obedience(page: PageContext) -> RobotsReport:
    """Compare the requested paths with robots.txt, if the settings name the file."""
    rules, problem = _rules(page)
    if rules is None:
        return RobotsReport(None, problem, {})
    (question,) = robots_questions(page)
    answer = page.ask(question)
    by_kind = answer.derive(("obedience", rules), lambda: compare_paths(answer, rules))
    return RobotsReport(rules, "", by_kind)


def _rules(page: PageContext) -> tuple[RobotsRules | None, str]:
    name = page.settings.bots.robots_file
    if not name:
        return None, ""
    path = page.settings.resolve(name)
    try:
        return read_robots(path), ""
    except OSError as error:
        return None, (
            f"{path}, which robots_file of [bots] names, can't be read: "
            f"{error.strerror or error}. Save a copy of the site's robots.txt there."
        )


def compare_paths(answer: Answer, rules: RobotsRules) -> Mapping[Kind, Obedience]:
    """Sum the requests of each operator and class, and those that the rules disallow."""
    found: dict[Kind, Obedience] = {}
    for operator, bot_class, reason, agent, path, requests in answer.rows:
        one = found.setdefault((operator, bot_class), Obedience())
        if path is None:
            continue
        one.requests += requests
        if rules.disallows(path, name_in_robots(reason, agent)):
            one.disallowed[path] += requests
    return found
