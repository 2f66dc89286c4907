"""A signed request to a real nginx, with the log format of the docs, is verified from its line."""

from __future__ import annotations

import http.client
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.clickstream.clean.bots.signing import (
    AGENT,
    REQUEST,
    private_key,
    signed,
    write_keys,
)
from tests.support.nginx import running_nginx

from clickstream.clean import Cleaner, VisitorKeys
from clickstream.clean.bots.signed_request import SignedRequest
from clickstream.parse import parse
from clickstream.parse.formats import compile_format
from clickstream.settings import Settings, SiteSettings
from clickstream.settings.labels import BotSettings
from clickstream.step_config import clean_rules

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
SNIPPET = PAGE.partition("## Signed requests")[2].partition("```toml")[2].partition("```")[0]
LOG_FORMAT = tomllib.loads(SNIPPET)["formats"]["signed_nginx"]
COMPONENTS = (
    *('"@method"', '"@target-uri"', '"@authority"', '"@path"', '"@query-param";name="size"'),
    *('"user-agent"', '"referer"', '"signature-agent";key="sig1"'),
)


def send(port: int, request: SignedRequest, target: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("GET", target, skip_host=True)
    texts = {
        "Host": request.host,
        "User-Agent": request.user_agent,
        "Referer": request.referrer,
        "Signature-Agent": request.signature_agent,
        "Signature-Input": request.signature_input,
        "Signature": request.signature,
    }
    for name, text in texts.items():
        if text is not None:
            connection.putheader(name, text)
    connection.endheaders()
    assert connection.getresponse().status == 200
    connection.close()


def test_nginx_logs_what_verifies(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    write_keys(tmp_path / "agents")
    sent = replace(REQUEST, target="/caf%C3%A9?size=2")
    always = {"created": 1, "expires": 1 << 33}
    with running_nginx(tmp_path, tmp_path / "logs", log_format=LOG_FORMAT) as server:
        request = signed(sent, COMPONENTS, nonce='a\\"b', **always)
        send(server.port, request, "/caf%C3%A9?size=2")
        send(server.port, request, "/caf%C3%A9?size=3")
        send(
            server.port, signed(sent, COMPONENTS, key=private_key(2), **always), "/caf%C3%A9?size=2"
        )
        send(server.port, replace(sent, signature_agent=None), "/")
    settings = Settings(
        site=SiteSettings(name="cafe", domains=("cafe.example",)),
        bots=BotSettings(agent_keys="agents"),
        directory=tmp_path,
    )
    cleaner = Cleaner(clean_rules(settings), VisitorKeys(bytes(32)))
    data = (tmp_path / "logs" / "access.log").read_bytes()
    cleaner.add(parse(data, compile_format("signed", LOG_FORMAT)).table)
    forged = f"signature: forged, claims {AGENT}"
    # The workers of nginx write their lines in any order.
    reasons = Counter(map(str, cleaner.requests().frame()["bot_reason"]))
    assert reasons.pop(f"signature: {AGENT}") == 1
    assert reasons.pop(forged) == 2
    ((unsigned, number),) = reasons.items()
    assert (number, "signature" in unsigned) == (1, False)
