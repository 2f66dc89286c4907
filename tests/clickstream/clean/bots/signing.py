"""Signed requests, and key directories of their agents, without the library that verifies them."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clickstream.clean.bots.agent_keys import parse_directory
from clickstream.clean.bots.signatures import SignatureVerifier
from clickstream.clean.bots.signed_request import SignedRequest

AGENT, SITE, AT = "agent.example", "www.cafe.example", 1_795_150_800
"""The agent's host, the site's host, and 2026-11-20 05:00:00 UTC."""

LABEL = "sig1"
FIELD = f'"signature-agent";key="{LABEL}"'
USUAL = ('"@method"', '"@authority"', '"@path"', '"@query"', FIELD)


LOG_FORMAT = (
    '$remote_addr [$msec] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    '"$http_host" "$http_signature_agent" "$http_signature_input" "$http_signature"'
)


def line(request: SignedRequest, client: str = "192.0.2.7") -> str:
    """The line that nginx writes in LOG_FORMAT; a POST request is answered by a redirect."""
    texts = (
        *(request.referrer, request.user_agent, request.host),
        *(request.signature_agent, request.signature_input, request.signature),
    )
    quoted = " ".join('"' + (text or "-").replace('"', "\\x22") + '"' for text in texts)
    asked = f"{request.method} {request.target} HTTP/1.1"
    status = 302 if request.method == "POST" else 200
    return f'{client} [{request.at}.000] "{asked}" {status} 1 {quoted}\n'


def json_line(request: SignedRequest, client: str = "192.0.2.7") -> str:
    """The line that nginx writes with escape=json; `auto` finds its format."""
    texts = {
        "time": datetime.fromtimestamp(request.at, UTC).isoformat(),
        "remote_addr": client,
        "request": f"{request.method} {request.target} HTTP/1.1",
        "status": "200",
        "http_host": request.host,
        "http_user_agent": request.user_agent,
        "http_signature_agent": request.signature_agent,
        "http_signature_input": request.signature_input,
        "http_signature": request.signature,
    }
    return json.dumps(texts) + "\n"


def write_keys(directory: Path) -> Path:
    """A directory of keys with those of AGENT."""
    directory.mkdir()
    (directory / f"{AGENT}.json").write_text(key_set(web_key(private_key())))
    return directory


def private_key(number: int = 1) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def web_key(key: Ed25519PrivateKey, **more: Any) -> dict[str, Any]:
    public = urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": public, **more}


def key_set(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})


def key_id(key: Ed25519PrivateKey) -> str:
    """The thumbprint by the letter of RFC 8037, appendix A.3."""
    hashed = f'{{"crv":"Ed25519","kty":"OKP","x":"{web_key(key)["x"]}"}}'
    return urlsafe_b64encode(hashlib.sha256(hashed.encode()).digest()).rstrip(b"=").decode()


def verifier_of(*keys: dict[str, Any], host: str = AGENT) -> SignatureVerifier:
    directory = parse_directory("test", key_set(*(keys or (web_key(private_key()),))))
    return SignatureVerifier({host: directory}, (SITE,))


REQUEST = SignedRequest(
    at=AT,
    method="GET",
    target="/menu/latte?size=2",
    host=SITE,
    user_agent="Agent/1.0 (shopping)",
    referrer="https://www.cafe.example/",
    signature=None,
    signature_input="",
    signature_agent=f'{LABEL}="https://{AGENT}"',
)


def signed(
    request: SignedRequest = REQUEST,
    components: tuple[str, ...] = USUAL,
    key: Ed25519PrivateKey | None = None,
    **parameters: Any,
) -> SignedRequest:
    """The request with its signature; a parameter replaces the usual one, and None removes it."""
    key = key or private_key()
    given = {
        "created": request.at - 5,
        "expires": request.at + 300,
        "keyid": key_id(key),
        "alg": "ed25519",
        "nonce": "b0JhbmFuYQ==",
        "tag": "web-bot-auth",
        **parameters,
    }
    shown = "".join(
        f";{name}={value}" if isinstance(value, int) else f';{name}="{value}"'
        for name, value in given.items()
        if value is not None
    )
    covered = f"({' '.join(components)}){shown}"
    values = [f"{component}: {value_of(component, request)}" for component in components]
    base = "\n".join([*values, f'"@signature-params": {covered}'])
    signature = b64encode(key.sign(base.encode())).decode()
    return replace(
        request, signature_input=f"{LABEL}={covered}", signature=f"{LABEL}=:{signature}:"
    )


def value_of(component: str, request: SignedRequest) -> str:
    """The value of a component (RFC 9421, 2.2), for requests over https without a default port."""
    path, mark, query = (request.target or "").partition("?")
    agent = request.signature_agent or ""
    values = {
        '"@method"': request.method,
        '"@authority"': (request.host or SITE).lower(),
        '"@scheme"': "https",
        '"@path"': path,
        '"@query"': f"?{query}",
        '"@query-param";name="size"': query.removeprefix("size="),
        '"@request-target"': request.target,
        '"@target-uri"': f"https://{(request.host or SITE).lower()}{path}{mark}{query}",
        '"user-agent"': request.user_agent,
        '"referer"': request.referrer,
        '"signature-agent"': agent,
        FIELD: agent.removeprefix(f"{LABEL}="),
        '"content-digest"': "sha-256=:AAAA:",
        '"accept"': "text/html",
    }
    return values[component] or ""
