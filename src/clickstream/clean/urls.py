"""What a request's target says: path, page, kept parameters, campaign tags, the ad's platform.

Nothing that names a person or a session comes out: parameters are dropped unless listed, and
session and click ids even then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus, urlencode

from clickstream.clean.known_sites import CLICK_IDS
from clickstream.clean.pages import PageRules, names_a_session, page_name, without_session_ids

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
# Links that were escaped for HTML once too often have &amp;, old ones a semicolon. A semicolon is
# a separator only before a campaign tag: values may hold one.
_SEPARATOR = re.compile(r"&(?:amp;)?|;(?=utm_)", re.IGNORECASE)


@dataclass(frozen=True)
class TargetRules:
    """What is kept of a target: query parameters by name, and how pages are named."""

    query_parameters: frozenset[str] = frozenset()
    pages: PageRules = field(default_factory=PageRules)


class Tags(NamedTuple):
    """How a link to the site was tagged: the part of a Target that tells where people came from."""

    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_platform: str | None = None


_TAGS = {*Tags._fields} - {"click_platform"}
_NO_TAGS = Tags()


class Target(NamedTuple):
    """The parts of a request target that are kept; None where there is none."""

    path: str
    page: str
    query: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_platform: str | None = None


def split_target(target: str, rules: TargetRules) -> Target:
    """What is kept of a request target (RFC 9112, 3.2)."""
    path, parameters = path_and_parameters(target)
    query, tags = query_and_tags(parameters, rules)
    return Target(*path_and_page(path, rules), query, *tags)


def path_and_parameters(target: str) -> tuple[str, str]:
    """A target's path and its parameters, both as logged; an absolute target's host falls away."""
    rest = target.partition("#")[0]
    if not rest.startswith("/") and (origin := _ORIGIN.match(rest)):
        rest = rest[origin.end() :]
    path, _, parameters = rest.partition("?")
    return path, parameters


def path_and_page(path: str, rules: TargetRules) -> tuple[str, str]:
    """The path without session ids, and the name of its page."""
    path = without_session_ids(path)
    return path, page_name(path, rules.pages)


@lru_cache(maxsize=1 << 14)
def query_and_tags(parameters: str, rules: TargetRules) -> tuple[str | None, Tags]:
    """The parameters that are kept, encoded afresh in their order, and what tags say.

    Parameters are decoded once, as forms are (`%xx`, and `+` for a space). Names of tags and click
    ids are compared without case; values are trimmed and keep theirs, as in GA4. Of a tag that
    comes twice the first counts; an empty one is none.
    """
    if not parameters:
        return None, _NO_TAGS
    pairs = [_decoded(pair) for pair in _SEPARATOR.split(parameters) if pair]
    first = {name.lower(): value for name, value in reversed(pairs)}
    tags = {tag: _text(first[tag]) for tag in _TAGS & first.keys()}
    return _kept(pairs, rules.query_parameters), Tags(**tags, click_platform=_platform(first))


def extension(path: str) -> str:
    """The extension of the path's last segment, lower-case, without its dot; empty if none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


@lru_cache(maxsize=1 << 14)
def _decoded(pair: str) -> tuple[str, str]:
    """Name and value of a parameter; many links share theirs."""
    name, _, value = pair.partition("=")
    return unquote_plus(name, errors="surrogateescape"), unquote_plus(
        value, errors="surrogateescape"
    )


def _kept(pairs: Iterable[tuple[str, str]], allowed: frozenset[str]) -> str | None:
    kept = [
        (name, value)
        for name, value in pairs
        if name in allowed and name.lower() not in CLICK_IDS and not names_a_session(name)
    ]
    return urlencode(kept, errors="surrogateescape") if kept else None


def _platform(parameters: Mapping[str, str]) -> str | None:
    """Whose click id is among the parameters: of several, the first in CLICK_IDS."""
    if CLICK_IDS.keys().isdisjoint(parameters):
        return None
    return next((CLICK_IDS[name] for name in CLICK_IDS if parameters.get(name)), None)


def _text(value: str) -> str | None:
    r"""A decoded value, trimmed, with bytes that are not UTF-8 as `\xhh`; None for an empty one."""
    text = value.strip()
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text or None
