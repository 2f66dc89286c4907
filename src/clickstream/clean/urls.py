"""Parse request targets: path, page, kept parameters, campaign tags and click platform.

The result contains nothing that identifies a person or a session. Query parameters are dropped
unless the settings list them. Session ids and click ids are always dropped.
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
# Links that were escaped for HTML twice have &amp; as separator, and old links a semicolon. A
# semicolon counts as a separator only before a campaign tag, because values may contain one.
_SEPARATOR = re.compile(r"&(?:amp;)?|;(?=utm_)", re.IGNORECASE)


@dataclass(frozen=True)
class TargetRules:
    """The names of the query parameters to keep, and the rules for page names."""

    query_parameters: frozenset[str] = frozenset()
    pages: PageRules = field(default_factory=PageRules)


class CampaignTags(NamedTuple):
    """The campaign tags and the click platform of a link: the fields of Target about its origin."""

    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_platform: str | None = None


_TAGS = {*CampaignTags._fields} - {"click_platform"}
_NO_TAGS = CampaignTags()


class Target(NamedTuple):
    """The parts of a request target that are kept; None for missing parts."""

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
    """Parse a request target (RFC 9112, 3.2)."""
    path, parameters = path_and_parameters(target)
    query, tags = query_and_tags(parameters, rules)
    return Target(*path_and_page(path, rules), query, *tags)


def path_and_parameters(target: str) -> tuple[str, str]:
    """Split a target into path and parameters, as logged; drops scheme, host and fragment."""
    rest = target.partition("#")[0]
    if not rest.startswith("/") and (origin := _ORIGIN.match(rest)):
        rest = rest[origin.end() :]
    path, _, parameters = rest.partition("?")
    return path, parameters


def path_and_page(path: str, rules: TargetRules) -> tuple[str, str]:
    """Return the path without session ids, and its page name."""
    path = without_session_ids(path)
    return path, page_name(path, rules.pages)


@lru_cache(maxsize=1 << 14)
def query_and_tags(parameters: str, rules: TargetRules) -> tuple[str | None, CampaignTags]:
    """Return the kept parameters, encoded again and in their order, and the campaign tags.

    Parameters are decoded once, as form data (`%xx`, and `+` for a space). The names of tags and
    click ids are compared without case; the case of values is kept, as in GA4, and spaces around
    them are removed. If a tag occurs twice, the first one counts. An empty tag counts as missing.
    """
    if not parameters:
        return None, _NO_TAGS
    pairs = [_decoded(pair) for pair in _SEPARATOR.split(parameters) if pair]
    first = {name.lower(): value for name, value in reversed(pairs)}
    tags = {tag: _text(first[tag]) for tag in _TAGS & first.keys()}
    return _kept(pairs, rules.query_parameters), CampaignTags(
        **tags, click_platform=_platform(first)
    )


def extension(path: str) -> str:
    """Return the extension of a path in lower case, without its dot; an empty text if none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


@lru_cache(maxsize=1 << 14)
def _decoded(pair: str) -> tuple[str, str]:
    """Decode a parameter into name and value; cached, because many links have the same ones."""
    name, _, value = pair.partition("=")
    return unquote_plus(name, errors="surrogateescape"), unquote_plus(
        value, errors="surrogateescape"
    )


def _kept(pairs: Iterable[tuple[str, str]], allowed: frozenset[str]) -> str | None:
    allowed_pairs = [
        (name, value)
        for name, value in pairs
        if name in allowed and name.lower() not in CLICK_IDS and not names_a_session(name)
    ]
    return urlencode(allowed_pairs, errors="surrogateescape") if allowed_pairs else None


def _platform(parameters: Mapping[str, str]) -> str | None:
    """Return the platform of a click id in the parameters; of several, the first of CLICK_IDS."""
    if CLICK_IDS.keys().isdisjoint(parameters):
        return None
    return next((CLICK_IDS[name] for name in CLICK_IDS if parameters.get(name)), None)


def _text(value: str) -> str | None:
    r"""Strip a decoded value and write bytes that are not UTF-8 as `\xhh`; None if it is empty."""
    text = value.strip()
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text or None
