"""Whether each operator's machines obey robots.txt, from the paths that they requested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.tabs.machines.panels import ROBOTS
from clickstream.dashboard.tabs.machines.robots_rules import (
    RobotsRules,
    name_in_robots,
    read_robots,
)
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.page import PageContext

ROBOTS_PATH = "/robots.txt"

Kind = tuple[str, str]
"""Operator and class of bot."""


@dataclass
class Obedience:
    """What the machines of an operator and class requested.

    `disallowed` has the requests of each disallowed path. `unknown` counts requests whose path is
    not known. `has_read` means that they requested robots.txt.
    """

    requests: int = 0
    unknown: int = 0
    has_read: bool = False
    disallowed: Counter[str] = field(default_factory=Counter)

    def add(self, path: str | None, requests: int, is_disallowed: bool) -> None:
        """Add the requests for a path."""
        self.requests += requests
        if path is None:
            self.unknown += requests
        elif path == ROBOTS_PATH:
            self.has_read = True
        if path is not None and is_disallowed:
            self.disallowed[path] += requests


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
        """Those with disallowed requests, most of them first."""
        found = [(kind, one) for kind, one in self.by_kind.items() if one.disallowed]
        return sorted(found, key=lambda pair: (-pair[1].disallowed.total(), pair[0]))


def report_obedience(page: PageContext) -> RobotsReport:
    """Ask for the requested paths, and compare them with robots.txt."""
    rules, problem = _rules(page)
    (question,) = page.questions(ROBOTS)
    answer = page.ask(question)
    by_kind = answer.derive(("obedience", rules), lambda: judge(answer, rules))
    return RobotsReport(rules, problem, by_kind)


def _rules(page: PageContext) -> tuple[RobotsRules | None, str]:
    name = page.settings.bots.robots_file
    if not name:
        return None, ""
    path = page.settings.resolve(name)
    try:
        return read_robots(path), ""
    except OSError as error:
        text = mark("%(path)s, which robots_file of [bots] names, can't be read: %(reason)s.")
        return None, page.formats.text(text, path=str(path), reason=error.strerror or str(error))


def judge(answer: Answer, rules: RobotsRules | None) -> Mapping[Kind, Obedience]:
    """Add up the requests of each operator and class, and those that the rules disallow."""
    found: dict[Kind, Obedience] = {}
    for operator, bot_class, reason, agent, path, requests in answer.rows:
        is_disallowed = (
            rules is not None
            and path is not None
            and rules.disallows(path, name_in_robots(reason, agent))
        )
        found.setdefault((operator, bot_class), Obedience()).add(path, requests, is_disallowed)
    return found
