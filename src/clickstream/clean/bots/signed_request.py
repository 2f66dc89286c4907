"""Signed requests as their log lines have them: header fields, claimed agents, and messages.

`signatures` verifies the messages. A text that the log may have changed is left out of a message,
so a signature that covers it is not verifiable.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from http_sf.compat import Dictionary, Item

from clickstream.clean.hosts import normal_host

AGENT_FIELD = "signature-agent"
_OF_TARGET = {"@path", "@query", "@query-param", "@request-target", "@target-uri"}
_HTTPS_PORT = 443


@dataclass(frozen=True)
class SignedRequest:
    """The facts of a request that its log line has, with a field Signature-Input.

    `at` is the time of the line in Unix seconds. `host` is the logged host, with its port if the
    log has it. A text is None if the log does not have it; `method` and `target` are also None if
    the request line is not HTTP.
    """

    at: int
    method: str | None
    target: str | None
    host: str | None
    user_agent: str | None
    referrer: str | None
    signature: str | None
    signature_input: str
    signature_agent: str | None


@dataclass(frozen=True)
class Message:
    """A request as http_message_signatures reads it."""

    method: str
    url: str
    headers: dict[str, str]


def parse_dictionary(text: str | None) -> Dictionary | None:
    """Parse a Dictionary (RFC 9651, 3.2); None if the text is not its canonical form.

    Signers write this form. In another one, a byte can change and the value stay the same.
    """
    return _parse(Dictionary(), text or "")


Field = TypeVar("Field", Dictionary, Item)


def _parse(empty: Field, text: str) -> Field | None:
    try:
        empty.parse(text.encode())
        return empty if str(empty) == text else None
    except ValueError:
        return None


def agent_hosts(text: str | None) -> dict[str, str]:
    """Return the hosts that a field Signature-Agent names, by the keys of its members.

    Earlier drafts have a String instead of a Dictionary; its key is the empty text. A member of
    another type than `directory`, or without an https origin, has the host "".
    """
    if text and text.startswith('"'):
        item = _parse(Item(), text)
        return {} if item is None else {"": _host_of(item)}
    return {key: _host_of(member) for key, member in (parse_dictionary(text) or {}).items()}


def _host_of(member: object) -> str:
    """Return the host of an https origin, with a port other than 443."""
    if not isinstance(member, Item) or not isinstance(member.value, str):
        return ""
    try:
        url = urlsplit(member.value)
        port = url.port or _HTTPS_PORT
    except ValueError:
        return ""
    is_origin = url.path in ("", "/") and not (url.query or url.fragment or url.username)
    if (
        url.scheme != "https"
        or not is_origin
        or member.params.get("type", "directory") != "directory"
    ):
        return ""
    host = normal_host(url.hostname or "")
    return host if port == _HTTPS_PORT or not host else f"{host}:{port}"


def message_of(
    request: SignedRequest, scheme: str, authority: str, components: Collection[str]
) -> Message | None:
    """Build the message of a request; None if the log does not have its method or path.

    A target that no component is derived from is left out.
    """
    target = request.target if not _OF_TARGET.isdisjoint(components) else "/"
    if request.method is None or target is None or target[:1] != "/" or "#" in target:
        return None
    fields = {
        "signature": request.signature,
        "signature-input": request.signature_input,
        AGENT_FIELD: request.signature_agent,
        "user-agent": _unescaped(request.user_agent),
        "referer": _unescaped(request.referrer),
    }
    headers = {name: text for name, text in fields.items() if text is not None}
    return Message(request.method, f"{scheme}://{authority}{target}", headers)


def _unescaped(text: str | None) -> str | None:
    """Return a text that the log has as it was sent; None if it may have escapes."""
    return None if text is None or "\\" in text or not text.isascii() else text
