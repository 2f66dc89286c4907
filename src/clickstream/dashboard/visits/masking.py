"""Masks log lines: only what the tables store of a request, and its user agent, remains readable.

Every other value becomes `[…]`: addresses, names of users, cookies, query parameters that the
settings do not list, paths of other sites, and whatever else a format has. A value is shown only if
the parsed line has it as one of the fields below, so an unknown format hides too much, not too
little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clickstream import parse
from clickstream.clean.pages import without_session_ids
from clickstream.clean.referrers import referrer_of
from clickstream.core.networks import address_in
from clickstream.parse.wrappers import unwrap

MASK = "[…]"

_PLAIN_FIELDS = ("method", "protocol", "host", "status", "bytes", "response_ms")
"""Fields that are shown as they are in the line."""

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\[[^\]"]*\]|[^\s"]+')
_TIME = re.compile(
    r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4})?"
    r"|\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:?\d\d)?)?"
    r"|\d\d:\d\d:\d\d(\.\d+)?|\d{1,3}\.\d{1,3}"
)
_NAME = re.compile(r"[A-Za-z_][\w.@-]{0,39}")
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*)+(:\d+)?")
"""A host name, which is no address."""
_PAIRS = re.compile(r"[&;]")
_ADDRESS = re.compile(r"(?<![\w.:/])[\[]?[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]*")


@dataclass(frozen=True)
class Mask:
    """What may be shown of query strings and referrers, as the settings say."""

    parameters: frozenset[str]
    domains: tuple[str, ...] = ()

    def line(self, raw: bytes, log_format: str | parse.Format, header: bytes = b"") -> str:
        """Return a line as text, masked and without what another program wrote around it.

        A line that can't be parsed is masked as a whole.
        """
        raw = unwrap(raw.rstrip(b"\r\n"))
        requests = parse.parse(raw, log_format, header=header).requests
        if len(requests) != 1:
            return MASK
        fields = {name: value for name, value in requests.iloc[0].items() if not pd.isna(value)}
        text = raw.decode("utf-8", "replace")
        shown = self._shown_values(fields)
        if text.lstrip().startswith("{"):
            return _mask_json(text, shown)
        return _TOKEN.sub(lambda match: _mask_token(match[0], shown), text)

    def _shown_values(self, fields: Mapping[Any, Any]) -> dict[str, str]:
        """Return the values of a line that are shown, each with the text to show."""
        texts = {str(name): str(value) for name, value in fields.items() if value != ""}
        shown = {texts[name]: texts[name] for name in _PLAIN_FIELDS if name in texts}
        agent = texts.get("user_agent", "")
        shown[agent] = _without_addresses(agent)
        shown[agent.replace(" ", "+")] = _without_addresses(agent).replace(" ", "+")
        referrer, target = texts.get("referrer", ""), texts.get("target", "")
        shown[referrer] = self._referrer(referrer)
        path, _, query = target.partition("?")
        masked = self._target(target)
        shown |= {path: without_session_ids(path), query: self._query(query), target: masked}
        before, after = (f"{texts.get('method', '')} ", f" {texts.get('protocol', '')}")
        shown[(before + target + after).strip()] = (before + masked + after).strip()
        return {**shown, "": "", "-": "-"}

    def _target(self, target: str) -> str:
        path, mark, query = target.partition("?")
        return without_session_ids(path) + mark + self._query(query)

    def _query(self, query: str) -> str:
        """Mask the values of parameters that the lake does not keep."""
        return "&".join(map(self._pair, _PAIRS.split(query))) if query else ""

    def _pair(self, pair: str) -> str:
        name, equals, _ = pair.partition("=")
        if equals and (name in self.parameters or name.startswith("utm_")):
            return pair
        return f"{name}={MASK}" if equals and _NAME.fullmatch(name) else MASK

    def _referrer(self, referrer: str) -> str:
        """Mask the path of another site's page, of which the lake keeps the host only."""
        scheme, _, rest = referrer.partition("://")
        host, slash, path = rest.partition("/")
        site = referrer_of(referrer, self.domains)
        if site is None:
            return (
                f"{scheme}://{host}{slash}{self._target(path)}" if _HOST.fullmatch(host) else MASK
            )
        domain = MASK if address_in(site.domain) else site.domain
        return f"{scheme}://{domain}/{MASK if path else ''}"


def _mask_token(token: str, shown: Mapping[str, str]) -> str:
    """Mask one token of a line: a quoted text, a text in brackets, or a word."""
    for begin, end in (('"', '"'), ("[", "]")):
        if token.startswith(begin) and token.endswith(end) and len(token) > 1:
            inside = token[1:-1]
            masked = _mask_value(inside, shown)
            return token if masked == inside else f"{begin}{masked}{end}"
    return _mask_value(token, shown)


def _mask_value(value: str, shown: Mapping[str, str]) -> str:
    if value in shown:
        return shown[value]
    return value if _TIME.fullmatch(value) else MASK


def _mask_json(text: str, shown: Mapping[str, str]) -> str:
    try:
        return json.dumps(_mask_items(json.loads(text), shown), ensure_ascii=False)
    except ValueError:
        return MASK


def _mask_items(value: Any, shown: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name if _NAME.fullmatch(name) else MASK: _mask_items(item, shown)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_mask_items(item, shown) for item in value]
    masked = _mask_value(str(value), shown)
    return value if masked == str(value) else masked


def _without_addresses(agent: str) -> str:
    """Mask addresses in a user agent; numbers of versions follow a slash."""
    return _ADDRESS.sub(lambda match: MASK if address_in(match[0]) else match[0], agent)
