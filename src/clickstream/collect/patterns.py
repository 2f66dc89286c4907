"""Patterns of file names as in `pathlib.Path.glob`, for directories on any host.

`*`, `?` and `[…]` match within one name, also hidden ones; `**/` matches any number of directories.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

ANY_DEPTH = "**"

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Pattern:
    """The remaining parts of a pattern that the names in one directory are matched with.

    There are several possible rests after `**/`, which matches no directory, one, or more.
    """

    rests: frozenset[Parts]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Split a pattern at its slashes."""
        return cls(_with_starts([tuple(part for part in text.split("/") if part not in ("", "."))]))

    def matches(self, name: str) -> bool:
        """Return whether a file of this name, in the directory itself, matches."""
        return any(len(parts) == 1 and _matches(parts[0], name) for parts in self.rests)

    def below(self, name: str, is_link: bool) -> Pattern | None:
        """Return the pattern in a directory of this name; None if nothing in it can match.

        `**` does not follow links, as in `pathlib`, so a loop of links ends.
        """
        rests = {parts[1:] for parts in self.rests if parts[1:] and _matches(parts[0], name)}
        if not is_link:
            rests |= {parts for parts in self.rests if parts[0] == ANY_DEPTH}
        return Pattern(_with_starts(rests)) if rests else None


def _with_starts(remaining: Iterable[Parts]) -> frozenset[Parts]:
    """Return the rests, and those that remain if a `**` at their start matches nothing."""
    rests = set()
    for parts in remaining:
        rests.add(parts)
        leading = next((n for n, part in enumerate(parts) if part != ANY_DEPTH), len(parts) - 1)
        rests |= {parts[n:] for n in range(1, leading + 1)}
    return frozenset(rests)


def _matches(part: str, name: str) -> bool:
    return part != ANY_DEPTH and bool(_compiled(part).match(name))


@lru_cache(maxsize=256)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))
