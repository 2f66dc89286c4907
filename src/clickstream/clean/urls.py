"""What a request's target and a referrer say: path, kept parameters, campaign tags, other site."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


@dataclass(frozen=True)
class Target:
    """The parts of a request target that are kept; None where there is none."""

    path: str
    query: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None


def split_target(target: str, query_parameters: frozenset[str]) -> Target:
    """Split a request target (RFC 9112, 3.2) into path, kept parameters and campaign tags.

    The path stays as logged, without the host of an absolute target. Parameters are decoded once
    (`%xx` and `+`); of a campaign tag that comes twice the first counts, an empty one is none.
    """
    rest = target.partition("#")[0]
    origin = _ORIGIN.match(rest)
    path, _, query = rest[origin.end() if origin else 0 :].partition("?")
    if not query:
        return Target(path or "/")
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    kept = [(name, value) for name, value in pairs if name in query_parameters]
    first = dict(reversed(pairs))
    return Target(
        path or "/",
        urlencode(kept, errors="surrogateescape") or None,
        *(_text(first.get(tag, "")) for tag in ("utm_source", "utm_medium", "utm_campaign")),
    )


def other_site(referrer: str, domains: tuple[str, ...]) -> str | None:
    """The host of a referrer, lower-case; None for the site's own domains and their subdomains.

    None, too, for what is not a URL with a host.
    """
    try:
        host = urlsplit(referrer).hostname
    except ValueError:  # brackets that hold no IPv6 address
        return None
    host = (host or "").rstrip(".")
    if not _HOST.fullmatch(host):
        return None
    own = any(host == domain or host.endswith("." + domain) for domain in domains)
    return None if own else host


def extension(path: str) -> str:
    """The extension of the path's last segment, lower-case, without its dot; empty if none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _text(value: str) -> str | None:
    r"""A decoded value with bytes that are not UTF-8 as `\xhh`; None for an empty one."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") or None
