"""Whether each operator's machines obey robots.txt, from the paths that they requested."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.operators import program_of
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.pages.machines.panels import ROBOTS
from clickstream.dashboard.widgets.page import PageContext

# Which requests the site's robots.txt disallows, by RFC 9309.
#
# Protego parses the file. Requests are known by their paths without queries, so a request counts as
# disallowed only if its path is disallowed both alone and with a query.

MOST_BYTES = 500 * 1024
"""Bytes of the file that are read; crawlers read at least this many (RFC 9309, 2.5)."""

_SITE = "https://site"
"""Any site: without it, a path that begins with two slashes would be read as a host."""

_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+")
"""The name of a crawler in robots.txt (RFC 9309, 2.2.1)."""

_WITH_QUERY = re.compile(r"^\s*(?:dis)?allow\s*:[^#]*\?", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class RobotsRules:
    """The rules of a robots.txt file.

    `with_query` is the number of rules that contain a question mark, which paths can't decide.
    """

    parsed: Any
    with_query: int

    @classmethod
    def parse(cls, text: str) -> RobotsRules:
        """Parse the text of a file. No text is refused (RFC 9309, 2.2.4)."""
        from protego import Protego  # imported only if the file is set

        return cls(Protego.parse(text), len(_WITH_QUERY.findall(text)))

    def disallows(self, path: str, program: str) -> bool:
        """Whether the path is disallowed for a program, with any query and without one."""
        url = _SITE + path
        return not (
            self.parsed.can_fetch(url, program) or self.parsed.can_fetch(f"{url}?", program)
        )


def name_in_robots(bot_reason: str, agent: str | None) -> str:
    """Return the name under which a program is found in robots.txt; empty if it has none.

    The name is the one in the reason of its verdict if that can be in the file, else the one of its
    user agent, which may be longer: Ahrefs and AhrefsBot.
    """
    program = program_of(bot_reason)
    if program is None or not _PRODUCT_TOKEN.fullmatch(program):
        return agent or ""
    is_longer = agent is not None and agent.casefold().startswith(program.casefold())
    return agent if agent and is_longer else program


def read_robots(path: Path) -> RobotsRules:
    """Read a robots.txt file again if it has changed. Raises OSError if it can't be read."""
    changed = path.stat()
    return _read(path, changed.st_mtime_ns, changed.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _changed_at: int, _size: int) -> RobotsRules:
    with path.open("rb") as file:
        return RobotsRules.parse(file.read(MOST_BYTES).decode("utf-8-sig", "replace"))


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
        pairs = [
            (kind, obedience) for kind, obedience in self.by_kind.items() if obedience.disallowed
        ]
        return sorted(pairs, key=lambda pair: (-pair[1].disallowed.total(), pair[0]))


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
    by_kind: dict[Kind, Obedience] = {}
    for operator, bot_class, reason, agent, path, requests in answer.rows:
        obedience = by_kind.setdefault((operator, bot_class), Obedience())
        if path is None:
            continue
        obedience.requests += requests
        if rules.disallows(path, name_in_robots(reason, agent)):
            obedience.disallowed[path] += requests
    return by_kind
