"""Which requests the site's robots.txt disallows, by RFC 9309.

Protego parses the file. Requests are known by their paths without queries, so a request counts as
disallowed only if its path is disallowed both alone and with a query.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from clickstream.dashboard.questions.operators import program_of

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
