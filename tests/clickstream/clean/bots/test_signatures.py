"""Requests of signed agents: published vectors, outcomes, and no forged request accepted."""

from __future__ import annotations

import string
import tomllib
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.bots.signing import (
    AGENT,
    AT,
    FIELD,
    LABEL,
    REQUEST,
    SITE,
    USUAL,
    key_id,
    key_set,
    private_key,
    signed,
    verifier_of,
    web_key,
)
from tests.support.cases import each_case
from tests.support.examples import examples

from clickstream.clean.bots.agent_keys import parse_directory
from clickstream.clean.bots.signatures import SignatureVerifier
from clickstream.clean.bots.signed_request import SignedRequest
from clickstream.core.errors import UnusableRule

VECTORS = tomllib.loads(Path(__file__).with_name("signature_vectors.toml").read_text())
ALGORITHMS = {
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "hmac-sha256": algorithms.HMAC_SHA256,
    "ed25519": algorithms.ED25519,
}
VERIFIED, FORGED = f"signature: {AGENT}", f"signature: forged, claims {AGENT}"
NOT_VERIFIABLE = f"signature: not verifiable, claims {AGENT}"
UNKNOWN = "signature: unknown agent {}"
VERIFIER = verifier_of()


def reason(request: SignedRequest, verifier: SignatureVerifier = VERIFIER) -> str | None:
    found = verifier.verdict(request)
    return found.reason if found else None


@each_case("vector", VECTORS["rfc"])
def test_the_library_verifies_the_vectors_of_the_rfc(vector: dict[str, Any]) -> None:
    keys = {name: text.encode() for name, text in VECTORS["keys"].items()}
    keys["test-shared-secret"] = b64decode(vector.get("secret", ""))
    request = SimpleNamespace(**vector.get("request", VECTORS["test_request"]))
    message = request
    if vector.get("of_response"):
        message = SimpleNamespace(**VECTORS["test_response"], request=request)
    fields = {"Signature-Input": vector["input"], "Signature": vector["signature"]}
    message.headers = {**message.headers, **fields}
    resolver = MappingKeyResolver(public_keys=keys, private_keys={})
    algorithm = ALGORITHMS[vector["algorithm"]]
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=resolver)
    (result,) = verifier.verify(message, max_age=None)
    assert result.label == vector["input"].partition("=")[0]


@each_case("vector", VECTORS["web_bot_auth"])
def test_the_vectors_of_web_bot_auth_are_verified_at_their_time_and_host(
    vector: dict[str, Any],
) -> None:
    directory = parse_directory("test", key_set(RFC_KEY))
    verifier = SignatureVerifier({"signature-agent.test": directory}, ("example.com",))
    request = replace(
        REQUEST,
        at=1_735_689_700,
        host="example.com",
        signature=vector["signature"],
        signature_input=vector["input"],
        signature_agent=vector.get("agent"),
    )
    forged = "signature: forged, claims signature-agent.test"
    assert reason(request, verifier) == "signature: signature-agent.test"
    assert reason(replace(request, at=1_735_689_600 - 61), verifier) == forged
    assert reason(replace(request, at=4_889_289_600 + 61), verifier) == forged
    assert reason(replace(request, host="example.com:8443"), verifier) != VERIFIED


RFC_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}
EVERY = (
    *USUAL,
    *('"@scheme"', '"@query-param";name="size"', '"@request-target"', '"@target-uri"'),
    *('"user-agent"', '"referer"'),
)
TEXTS = ("method", "target", "host", "user_agent", "referrer")
FIELDS = ("signature", "signature_input", "signature_agent")


@given(st.sets(st.sampled_from(EVERY)), st.sampled_from(["", "?", "?size=2"]))
def test_a_signature_over_what_the_log_has_is_verified(some: set[str], query: str) -> None:
    request = replace(REQUEST, target=f"/menu/latte{query}")
    components = tuple(one for one in EVERY if one in {*some, '"@authority"', FIELD})
    if query != "?size=2":
        components = tuple(one for one in components if "query-param" not in one)
    assert reason(signed(request, components)) == VERIFIED


def test_no_other_byte_at_any_place_is_accepted() -> None:
    """Each byte of all parts is replaced by another one, and removed."""
    request = signed(components=EVERY)
    assert reason(request) == VERIFIED
    for name in (*TEXTS, *FIELDS):
        text = getattr(request, name)
        for place, char in enumerate(text):
            for other in (chr(ord(char) ^ 1), ""):
                changed = text[:place] + other + text[place + 1 :]
                assert reason(replace(request, **{name: changed})) != VERIFIED, (name, changed)


@examples(times=20)
@given(
    st.sampled_from((*TEXTS, *FIELDS)),
    st.floats(0, 1),
    st.text(string.printable, max_size=3),
    st.integers(0, 2),
)
def test_no_other_text_is_accepted(name: str, where: float, other: str, removed: int) -> None:
    request = signed(components=EVERY)
    text = getattr(request, name)
    place = int(where * len(text))
    changed = text[:place] + other + text[place + removed :]
    # A server does not log spaces around a field, and hosts are equal in any case.
    is_same = changed.strip() == text or (name == "host" and changed.lower() == text)
    if not is_same:
        assert reason(replace(request, **{name: changed})) != VERIFIED


PIECES = (
    *(
        '"@authority"',
        '"@path"',
        '"@query-param"',
        '"signature-agent"',
        '"date"',
        '""',
        '"@status"',
    ),
    *("(", ")", " ", ", ", "=", ";", "?1", "1", "-1.5", ":AA==:", "*", "tok", "@1", '%"a"', "é"),
    *(";key", ";sf", ";bs", ";req", ";tr", ";name", f"{LABEL}=(", f"{LABEL}=:AAAA:", "{", "\x00"),
    *(';tag="web-bot-auth"', ";created=1", f";created={AT}", f";expires={AT}", ';alg="ed25519"'),
    f';keyid="{key_id(private_key())}"',
)
fields = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=8).map(
        lambda some: f"{LABEL}=({' '.join(some)}){PARAMETERS}"
    ),
)
PARAMETERS = signed().signature_input.partition(")")[2]


@examples(times=50)
@given(fields, st.sampled_from([signed().signature, f"{LABEL}=1", "", None]), st.none() | fields)
def test_any_text_in_the_fields_has_a_verdict_and_is_not_accepted(
    signature_input: str, signature: str | None, agent: str | None
) -> None:
    request = replace(
        REQUEST, signature_input=signature_input, signature=signature, signature_agent=agent
    )
    assert reason(request) != VERIFIED


LEGACY = replace(REQUEST, signature_agent=f'"https://{AGENT}"')
OTHER = private_key(2)
OTHER_KEYS = parse_directory("test", key_set(web_key(OTHER)))
RSA = {"kty": "RSA", "e": "AQAB", "n": "r4tmm3r20Wd_PbqvP1s2"}
STALE = web_key(private_key(), exp=AT - 61)
MILLISECONDS = web_key(private_key(), nbf=(AT - 10) * 1000, exp=(AT + 10) * 1000)


@each_case(
    "request_, verifier, expected",
    [
        (signed(LEGACY, ('"@authority"', '"signature-agent"')), VERIFIER, VERIFIED),
        (signed(replace(REQUEST, signature_agent=None), USUAL[:4]), VERIFIER, VERIFIED),
        (signed(alg=None, nonce=None), VERIFIER, VERIFIED),
        (signed(replace(REQUEST, host=SITE.upper())), VERIFIER, VERIFIED),
        (signed(replace(REQUEST, host=None)), VERIFIER, VERIFIED),
        (signed(), verifier_of(MILLISECONDS), VERIFIED),
        (signed(created=AT + 60, expires=AT + 90), VERIFIER, VERIFIED),
        (signed(expires=AT - 60), VERIFIER, VERIFIED),
        # Forged: another key, times, or too little covered.
        (signed(key=OTHER), VERIFIER, FORGED),
        (signed(key=OTHER, keyid=key_id(private_key())), VERIFIER, FORGED),
        (signed(created=AT + 61), VERIFIER, FORGED),
        (signed(expires=AT - 61), VERIFIER, FORGED),
        (signed(expires=None), VERIFIER, FORGED),
        (signed(created=None), VERIFIER, FORGED),
        (signed(), verifier_of(STALE), FORGED),
        (signed(components=('"@method"', '"@path"', FIELD)), VERIFIER, FORGED),
        (signed(components=USUAL[:4]), VERIFIER, FORGED),
        (replace(signed(), method="POST"), VERIFIER, FORGED),
        # Not verifiable: the log lacks a part, or the algorithm is another one.
        (signed(components=(*USUAL, '"content-digest"')), VERIFIER, NOT_VERIFIABLE),
        (signed(components=(*USUAL, '"accept"')), VERIFIER, NOT_VERIFIABLE),
        (replace(signed(), target=None), VERIFIER, NOT_VERIFIABLE),
        (replace(signed(), target=r"/menu\x22"), VERIFIER, NOT_VERIFIABLE),
        (signed(alg="rsa-pss-sha512"), VERIFIER, NOT_VERIFIABLE),
        (signed(context="shop"), VERIFIER, NOT_VERIFIABLE),
        (replace(signed(), signature=None), VERIFIER, NOT_VERIFIABLE),
        (replace(signed(), signature_agent=None), VERIFIER, NOT_VERIFIABLE),
        # Signed for another host, whose owner may have sent the request to this site.
        (signed(replace(REQUEST, host="evil.example")), VERIFIER, NOT_VERIFIABLE),
        (replace(signed(), host="web-1.internal"), VERIFIER, NOT_VERIFIABLE),
        # Agents without keys, and other uses of signatures.
        (
            signed(key=OTHER),
            SignatureVerifier({**VERIFIER.keys, "b.example": OTHER_KEYS}, (SITE,)),
            FORGED,
        ),
        (signed(), SignatureVerifier(), UNKNOWN.format(AGENT)),
        (signed(), verifier_of(host="other.example"), UNKNOWN.format(AGENT)),
        (
            signed(replace(REQUEST, signature_agent=f'{LABEL}="https://{AGENT}/card";type=cimd')),
            VERIFIER,
            UNKNOWN.format("without Signature-Agent"),
        ),
        (
            signed(replace(REQUEST, signature_agent=None), USUAL[:4]),
            SignatureVerifier({**VERIFIER.keys, "copy.example": VERIFIER.keys[AGENT]}, (SITE,)),
            UNKNOWN.format("without Signature-Agent"),
        ),
        (signed(tag="payment"), VERIFIER, None),
        (signed(tag=None), VERIFIER, None),
        (replace(signed(), signature_input="keyId=1,algorithm=rsa"), VERIFIER, None),
    ],
)
def test_the_outcome_of_a_signature(
    request_: SignedRequest, verifier: SignatureVerifier, expected: str | None
) -> None:
    assert reason(request_, verifier) == expected


def test_a_valid_signature_beside_another_label_is_verified_for_its_own_agent() -> None:
    """A shop's own signature, and one of a browser that covers those of the agent."""
    request = signed()
    both = replace(
        request,
        signature_input=f'{request.signature_input}, shop=("@method");created=1;keyid="k"',
        signature=f"{request.signature}, shop=:AAAA:",
    )
    assert reason(both) == VERIFIED


def test_keys_of_other_algorithms_are_known_and_not_verifiable() -> None:
    verifier = verifier_of(RSA)
    (keyid,) = verifier.keys[AGENT]
    assert reason(signed(keyid=keyid), verifier) == NOT_VERIFIABLE


@each_case(
    "text, expected",
    [
        ("<html>", "not JSON"),
        ("[]", "not JSON"),
        ('{"keys": {}}', "not a list"),
        (key_set(web_key(private_key()), {"kty": "OKP"}), "key 2: it is not a public key"),
        (key_set({**RFC_KEY, "x": "AAAA"}), "key 1: .* not 32 bytes"),
        (key_set({**RFC_KEY, "exp": "soon"}), "key 1: .* not a number"),
    ],
)
def test_a_file_that_is_no_key_set_is_refused(text: str, expected: str) -> None:
    with pytest.raises(UnusableRule, match=expected):
        parse_directory("agents/agent.example.json", text)
