"""Verification of signed agents: HTTP Message Signatures (RFC 9421), profile Web Bot Auth.

An agent signs its requests with Ed25519 and names its host in `Signature-Agent`
(draft-meunier-web-bot-auth-architecture, draft-ietf-webbotauth-httpsig-protocol). A request is
verified with what its log line has, at the time of the line. docs/bots.md describes the outcomes.
`clean.clients` imports this module only for a log that has signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureComponentResolver,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519
from http_sf.compat import InnerList

from clickstream.clean.bots.agent_keys import ALGORITHM, AgentKey, SignatureRules
from clickstream.clean.bots.signed_request import (
    AGENT_FIELD,
    Message,
    SignedRequest,
    agent_hosts,
    message_of,
    parse_dictionary,
)
from clickstream.clean.bots.verdict import OTHER, SCANNER, SIGNED_AGENT, Verdict
from clickstream.clean.hosts import ANY_SUBDOMAIN, host_name, is_host_of

TAG = "web-bot-auth"
"""The value of the signature parameter `tag` by which an agent declares this profile."""

SKEW_SECONDS = 60
"""Largest difference of the clocks of agent and server; servers also log a request when it ends."""

_PARAMETERS = {"created", "expires", "keyid", "alg", "nonce", "tag"}
_OF_AUTHORITY = {"@authority", "@target-uri"}
_SCHEMES = ("https", "http")


class SignatureOutcome(IntEnum):
    """Outcomes of the verification of a signature, the one that decides first."""

    VERIFIED = 0
    FORGED = 1
    NOT_VERIFIABLE = 2
    UNKNOWN_AGENT = 3


_VERDICTS = {
    SignatureOutcome.VERIFIED: (SIGNED_AGENT, "signature: {}"),
    SignatureOutcome.FORGED: (SCANNER, "signature: forged, claims {}"),
    SignatureOutcome.NOT_VERIFIABLE: (OTHER, "signature: not verifiable, claims {}"),
    SignatureOutcome.UNKNOWN_AGENT: (OTHER, "signature: unknown agent {}"),
}
_NO_HOST = "without Signature-Agent"


class _Verifier(HTTPMessageVerifier):
    """The library's verifier without its clock: `_is_timely` compares with the time of the line."""

    def validate_created_and_expires(self, _sig_input: InnerList, max_age: object = None) -> None:
        """Accept any time."""


class SignatureVerifier(SignatureRules):
    """Verifies requests by the rules."""

    def verdict(self, request: SignedRequest) -> Verdict | None:
        """Return the verdict on a request; None if it has no signature of this profile.

        Of several signatures, the one whose outcome comes first in `SignatureOutcome` decides.
        """
        outcome = min(self._outcomes(request), default=None)
        if outcome is None:
            return None
        bot_class, reason = _VERDICTS[outcome[0]]
        return Verdict(bot_class, reason.format(outcome[1] or _NO_HOST))

    def _outcomes(self, request: SignedRequest) -> Iterator[tuple[SignatureOutcome, str]]:
        """Yield the outcome of each signature of this profile, and the host that it claims."""
        agents = agent_hosts(request.signature_agent)
        inputs = parse_dictionary(request.signature_input)
        if inputs is None or parse_dictionary(request.signature) is None:
            if TAG in request.signature_input:
                yield SignatureOutcome.NOT_VERIFIABLE, next(iter(agents.values()), "")
            return
        for label, covered in inputs.items():
            if isinstance(covered, InnerList) and covered.params.get("tag") == TAG:
                yield self._outcome(request, label, covered, agents)

    def _outcome(
        self, request: SignedRequest, label: str, covered: InnerList, agents: dict[str, str]
    ) -> tuple[SignatureOutcome, str]:
        keyid = str(covered.params.get("keyid"))
        claimed = _covered_host(covered, label, agents)
        host = claimed or next(iter(agents.values()), "") or self._only_holder(request, keyid)
        if host not in self.keys:
            return SignatureOutcome.UNKNOWN_AGENT, host
        key = self.keys[host].get(keyid)
        if key is None or not _is_timely(covered, key, request.at):
            return SignatureOutcome.FORGED, host
        if not _names(covered) & _OF_AUTHORITY or (request.signature_agent and not claimed):
            return SignatureOutcome.FORGED, host
        if key.public is None or not _is_supported(covered):
            return SignatureOutcome.NOT_VERIFIABLE, host
        return self._verify(request, label, covered, key.public), host

    def _only_holder(self, request: SignedRequest, keyid: str) -> str:
        """Return the agent that alone has a key, for a request without Signature-Agent."""
        holders = [host for host, keys in self.keys.items() if keyid in keys]
        return holders[0] if len(holders) == 1 and not request.signature_agent else ""

    def _verify(
        self, request: SignedRequest, label: str, covered: InnerList, public: bytes
    ) -> SignatureOutcome:
        """Verify a signature for the logged host, or for the site's hosts if none is logged."""
        keys = {str(covered.params["keyid"]): Ed25519PublicKey.from_public_bytes(public)}
        resolver = MappingKeyResolver(public_keys=keys, private_keys={})
        verifier = _Verifier(signature_algorithm=ED25519, key_resolver=resolver)

        def is_valid_for(*hosts: str) -> bool | None:
            """Whether the signature is valid for a host; None if it can't be verified."""
            messages = _complete_messages(request, covered, hosts)
            return (
                any(_is_valid(verifier, message, label) for message in messages)
                if messages
                else None
            )

        names = [host for host in self.own_hosts if not host.startswith(ANY_SUBDOMAIN)]
        logged = names if request.host is None else [request.host]
        is_own = request.host is None or self._is_own(request.host)
        is_valid = is_valid_for(*logged) if is_own else None
        if is_valid:
            return SignatureOutcome.VERIFIED
        # A server may log its own name instead of the host that the request names.
        is_undecided = is_valid is None or is_valid_for(*{*names} - {*logged})
        return SignatureOutcome.NOT_VERIFIABLE if is_undecided else SignatureOutcome.FORGED

    def _is_own(self, host: str) -> bool:
        name = host_name(host)
        return name is not None and (not self.own_hosts or is_host_of(name, self.own_hosts))


def _complete_messages(
    request: SignedRequest, covered: InnerList, authorities: Iterable[str]
) -> list[Message]:
    """Return the messages of a request, one per authority and scheme, that have all components."""
    messages = (
        message_of(request, scheme, authority, _names(covered))
        for authority in authorities
        for scheme in _SCHEMES
    )
    return [message for message in messages if message is not None and _has_all(message, covered)]


def _names(covered: InnerList) -> set[str]:
    """Return the names of the components that a signature covers."""
    return {str(component.value) for component in covered}


def _covered_host(covered: InnerList, label: str, agents: dict[str, str]) -> str:
    """Return the host of the member of Signature-Agent that a signature covers, "" if of none.

    If it covers several members, it claims the host of the member with its own label.
    """
    keys = [c.params.get("key", "") for c in covered if c.value == AGENT_FIELD]
    if "" in keys and "" not in agents:  # the whole Dictionary is covered
        keys += agents
    chosen = label if label in keys else next((key for key in keys if key in agents), "")
    return agents.get(chosen, "")


def _is_timely(covered: InnerList, key: AgentKey, at: int) -> bool:
    """Whether a signature, whose times are required, and its key are valid at a time."""
    created, expires = covered.params.get("created"), covered.params.get("expires")
    if type(created) is not int or type(expires) is not int:
        return False
    is_current = created <= at + SKEW_SECONDS and at - SKEW_SECONDS <= expires
    return is_current and key.is_valid_at(at, SKEW_SECONDS)


def _is_supported(covered: InnerList) -> bool:
    algorithm = covered.params.get("alg", ALGORITHM)
    return algorithm == ALGORITHM and covered.params.keys() <= _PARAMETERS


def _has_all(message: Message, covered: InnerList) -> bool:
    """Whether all components of a signature can be derived from a message.

    For a parameter of a component that the library does not know, it raises TypeError.
    """
    try:
        resolver = HTTPSignatureComponentResolver(message)  # type: ignore[no-untyped-call]
        for component in covered:
            resolver.resolve(component)
    except (HTTPMessageSignaturesException, TypeError, ValueError):
        return False
    return True


def _is_valid(verifier: HTTPMessageVerifier, message: Message, label: str) -> bool:
    try:
        verifier.verify(message, max_age=None, expect_tag=TAG, expect_label=label)
    except HTTPMessageSignaturesException:
        return False
    return True
