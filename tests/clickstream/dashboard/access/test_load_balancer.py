"""Logins that a load balancer has signed: what is accepted, and what a forger may try."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.access.builders import (
    OWN_PAGE,
    PAGE,
    browser,
    build_app,
    logged_in,
    with_account,
)
from tests.clickstream.dashboard.access.key_server import (
    ARN,
    CLAIMS,
    NOW,
    KeyServer,
    Signer,
    encoded,
    running_key_server,
)

from clickstream.dashboard.access import load_balancer
from clickstream.dashboard.access.guard import Surroundings
from clickstream.dashboard.access.load_balancer import (
    FETCHES_PER_MINUTE,
    HEADER,
    MAX_KEYS,
    RETRY_SECONDS,
    KeyUnavailableError,
    LoadBalancerLogin,
    SigningKeys,
    keys_url_of,
)


@pytest.fixture(scope="module")
def server() -> Iterator[KeyServer]:
    with running_key_server() as server:
        yield server


@pytest.fixture
def signer(server: KeyServer) -> Signer:
    server.asked.clear()
    return server.publish(Signer())


@pytest.fixture
def login(server: KeyServer) -> LoadBalancerLogin:
    return LoadBalancerLogin(ARN, server.url, clock=lambda: NOW)


def scope_with(*tokens: str) -> dict[str, Any]:
    headers = [(HEADER.encode(), token.encode("latin-1", "replace")) for token in tokens]
    return {"type": "http", "headers": headers}


def account(login: LoadBalancerLogin, *tokens: str) -> str | None:
    return login.account_of(scope_with(*tokens))


def test_a_token_of_the_load_balancer_names_its_user(login, server, signer) -> None:
    """Many lengths, because the padding of base64 differs among them."""
    for length in range(12):
        claims = {**CLAIMS, "name": "x" * length}
        assert account(login, signer.token(claims)) == "ana@cafe.example"
    assert server.asked == [f"/{signer.kid}"]
    assert account(login) is None


def test_a_token_without_padding_is_accepted_too(login, signer) -> None:
    token = jwt.encode(CLAIMS, signer.private, "ES256", headers=signer.header())
    assert account(login, token) == "ana@cafe.example"


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"sub": "1", "email": "a@b.example", "email_verified": True}, "a@b.example"),
        ({"sub": "1", "email": "a@b.example", "email_verified": "true"}, "a@b.example"),
        ({"sub": "1", "email": "a@b.example", "email_verified": False}, "1"),
        ({"sub": "1", "email": "a@b.example", "email_verified": "False"}, "1"),
        ({"sub": "1", "email": ""}, "1"),
        ({"sub": "1", "email": "a\nb"}, "1"),
        ({"sub": "1", "email": ["a@b.example"]}, "1"),
        ({"sub": "1", "email": "x" * 129}, "1"),
        ({"sub": "Zoë"}, "Zoë"),
        ({"sub": "a,b"}, None),
        ({"sub": ""}, None),
        ({"email": None}, None),
        ({}, None),
    ],
)
def test_the_account_is_the_address_unless_it_is_not_verified(login, signer, claims, name) -> None:
    assert account(login, signer.token(claims)) == name


@pytest.mark.parametrize(
    "changed",
    [
        {"signer": ARN.replace("9188", "9189")},
        {"signer": ARN.replace("eu-central-1", "us-east-1")},
        {"signer": [ARN]},
        {"signer": None},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": str(NOW + 120)},
        {"exp": True},
        {"exp": float("nan")},
        {"alg": "ES384"},
        {"alg": "ES256K"},
        {"alg": "es256"},
        {"kid": None},
        {"kid": 7},
        {"kid": ""},
        {"kid": "../../etc/passwd"},
        {"kid": "https://evil.example/key"},
        {"kid": "12345678-1234-1234-1234-1234567890123"},
        {"kid": "12345678-1234-1234-1234-12345678901g"},
        {"kid": "12345678-1234-1234-1234-123456789012\n"},
        {"kid": "12345678-1234-1234-1234-123456789012/../x"},
    ],
    ids=str,
)
def test_a_wrong_header_is_refused_before_a_key_is_asked_for(
    login, server, signer, changed, caplog
) -> None:
    with caplog.at_level(logging.WARNING):
        assert account(login, signer.token(**changed)) is None
    assert server.asked == []
    assert "A login of the load balancer is refused: " in caplog.text


def test_claims_that_have_expired_are_refused(login, signer) -> None:
    assert account(login, signer.token({**CLAIMS, "exp": NOW})) is None
    assert account(login, signer.token({**CLAIMS, "exp": "soon"})) is None


def test_other_algorithms_are_refused(login, server, signer) -> None:
    header = encoded(json.dumps(signer.header(alg="none")).encode())
    payload = encoded(json.dumps(CLAIMS).encode())
    unsigned = [f"{header}.{payload}.", f"{header}.{payload}"]
    by_public_key = jwt.encode(CLAIMS, "x" * 32, "HS256", headers=signer.header(alg="HS256"))
    key = rsa.generate_private_key(65537, 2048)
    by_rsa = jwt.encode(CLAIMS, key, "RS256", headers=signer.header(alg="RS256"))
    for token in (*unsigned, by_public_key, by_rsa):
        assert account(login, token) is None
    assert server.asked == []


def test_a_signature_by_the_public_key_as_a_secret_is_refused(login, signer) -> None:
    """The classic confusion: HS256 with the public key, which everybody has, as its secret."""
    for algorithm in ("HS256", "ES256"):
        parts = [
            encoded(json.dumps(one).encode()) for one in (signer.header(alg=algorithm), CLAIMS)
        ]
        signed = ".".join(parts)
        forged = hmac.new(signer.pem, signed.encode(), hashlib.sha256).digest()
        assert account(login, f"{signed}.{encoded(forged)}") is None


def test_a_signature_of_another_key_is_refused(login, server, signer) -> None:
    other = Signer(kid=signer.kid)
    assert account(login, other.token()) is None
    assert account(login, server.publish(Signer()).token(kid=signer.kid)) is None
    assert account(login, signer.token()) == "ana@cafe.example"


@given(data=st.data())
def test_no_change_of_a_token_is_accepted_as_another_user(data: Any, server: KeyServer) -> None:
    signer = SIGNER
    server.publish(signer)
    login = LOGINS.setdefault(server.url, LoadBalancerLogin(ARN, server.url, clock=lambda: NOW))
    token = signer.token()
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    more = data.draw(st.text(st.characters(max_codepoint=255), max_size=6))
    assert account(login, token[:start] + more + token[end:]) in (None, "ana@cafe.example")


SIGNER = Signer()
LOGINS: dict[str, LoadBalancerLogin] = {}


def test_two_tokens_or_a_huge_one_are_refused(login, server, signer) -> None:
    token = signer.token()
    assert account(login, token, token) is None
    assert account(login, signer.token({**CLAIMS, "name": "x" * 20_000})) is None
    assert server.asked == []


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "e30.e30.", "é", "[].[].[]", "null"])
def test_what_is_no_token_is_refused(login, token) -> None:
    assert account(login, token) is None


def other_curve() -> bytes:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"-----BEGIN PUBLIC KEY-----\nAAAA\n", other_curve(), b"x" * 5_000_000]
)
def test_what_is_no_key_of_the_curve_verifies_nothing(login, server, body) -> None:
    signer = server.publish(Signer(), body)
    assert account(login, signer.token()) is None


def test_a_redirect_of_the_key_server_is_not_followed(login, server) -> None:
    signer = Signer()
    other = server.publish(Signer())
    server.asked.clear()
    there = {"Location": f"{server.url}/{other.kid}"}
    server.files[f"/{signer.kid}"] = (302, there, b"")
    assert account(login, signer.token()) is None
    assert server.asked == [f"/{signer.kid}"]


def test_a_server_that_is_down_or_slow_lets_nobody_in(server, signer, monkeypatch) -> None:
    monkeypatch.setattr(load_balancer, "FETCH_SECONDS", 0.2)
    with running_key_server() as stopped:
        address = stopped.url
    assert account(LoadBalancerLogin(ARN, address, clock=lambda: NOW), signer.token()) is None
    slow = LoadBalancerLogin(ARN, server.url, clock=lambda: NOW)
    server.is_slow.set()
    try:
        assert account(slow, signer.token()) is None
    finally:
        server.is_slow.clear()


def test_forged_ids_of_keys_cannot_make_it_fetch_without_end(server) -> None:
    now = [0.0]
    keys = SigningKeys(server.url, lambda: now[0])
    server.asked.clear()
    known = server.publish(Signer())
    assert keys.get(known.kid)
    for _ in range(100):
        with pytest.raises(KeyUnavailableError):
            keys.get(Signer().kid)
    assert len(server.asked) == FETCHES_PER_MINUTE
    assert keys.get(known.kid)
    now[0] += 61
    assert keys.get(server.publish(Signer()).kid)
    assert len(server.asked) == FETCHES_PER_MINUTE + 1


def test_a_key_that_was_missing_is_asked_for_again_after_a_minute(server) -> None:
    now = [0.0]
    keys = SigningKeys(server.url, lambda: now[0])
    signer = Signer()
    server.asked.clear()
    for _ in range(5):
        with pytest.raises(KeyUnavailableError, match="answered 404"):
            keys.get(signer.kid)
    assert len(server.asked) == 1
    server.publish(signer)
    now[0] += RETRY_SECONDS
    assert keys.get(signer.kid)


def test_requests_for_one_key_at_the_same_time_wait_for_one_fetch(server) -> None:
    keys = SigningKeys(server.url)
    signer = server.publish(Signer())
    server.asked.clear()
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(lambda _: keys.get(signer.kid), range(40))]
    assert len({*map(id, found)}) == 1
    assert server.asked == [f"/{signer.kid}"]


def test_the_number_of_kept_keys_is_bounded(server) -> None:
    now = [0.0]
    keys = SigningKeys(server.url, lambda: now[0])
    for _ in range(MAX_KEYS + 10):
        now[0] += 10
        keys.get(server.publish(Signer()).kid)
    assert len(keys) == MAX_KEYS


@pytest.mark.parametrize(
    ("arn", "url"),
    [
        (ARN, "https://public-keys.auth.elb.eu-central-1.amazonaws.com"),
        (
            ARN.replace("aws:", "aws-us-gov:", 1).replace("eu-central-1", "us-gov-west-1"),
            "https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1",
        ),
        (
            ARN.replace("aws:", "aws-cn:", 1).replace("eu-central-1", "cn-north-1"),
            "https://public-keys.auth.elb.cn-north-1.amazonaws.com.cn",
        ),
    ],
)
def test_keys_come_from_the_region_of_the_load_balancer(arn, url) -> None:
    assert keys_url_of(arn) == url


def test_a_user_of_the_load_balancer_needs_no_other_login(tmp_path, login, signer) -> None:
    with_account(tmp_path)
    app = build_app(tmp_path, Surroundings(proxy=login))
    token = {HEADER: signer.token()}
    stranger = browser(app)
    assert stranger.get("/", headers={**PAGE, **token}).text == "<p>ana@cafe.example"
    assert stranger.post("/ask", headers={**OWN_PAGE, **token}).text == "<p>ana@cafe.example"
    assert stranger.post("/ask", headers={**PAGE, **token}).status_code == 403
    refused = stranger.get("/", headers={**PAGE, HEADER: Signer().token()})
    assert refused.headers["location"] == "/login"


def test_the_load_balancer_s_login_counts_more_than_a_session(
    tmp_path: Path, login: LoadBalancerLogin, signer: Signer
) -> None:
    with_account(tmp_path)
    ana = logged_in(build_app(tmp_path, Surroundings(proxy=login)), tmp_path)
    assert ana.get("/").text == "<p>ana"
    answer = ana.get("/", headers={HEADER: signer.token()})
    assert answer.text == "<p>ana@cafe.example"
    assert "set-cookie" not in answer.headers
