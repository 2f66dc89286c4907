"""Lines that servers write and an example does not show: no status, no user agent, other names."""

from __future__ import annotations

import pandas as pd
import pytest

from clickstream.core.errors import InputError
from clickstream.parse import detect, parse
from clickstream.parse.formats import FORMATS, compile_format

TIME = "[20/Nov/2026:05:00:00 +0000]"
OF_LINES = [name for name, known in FORMATS.items() if '1.1" 200 ' in known.example]
ELB = (
    "2026-11-20T05:00:00.127531Z cafe 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 0 512 "
    '"GET https://www.example.com:443/menu HTTP/1.1"'
)
TRAEFIK = (
    '{"ClientAddr": "%s", "RequestMethod": "GET", "RequestPath": "/menu", '
    '"DownstreamStatus": 200, "StartUTC": "2026-11-20T05:00:00Z"%s}'
)


@pytest.mark.parametrize("name", OF_LINES)
def test_a_status_that_was_not_logged_is_0_in_each_format(name: str) -> None:
    example = FORMATS[name].example
    without = example.replace('1.1" 200 ', '1.1" - ')
    log = f"{example}\n{without}\n".encode()
    parsed = parse(log, name)
    assert parsed.requests["status"].tolist() == [200, 0]
    assert detect(log).name == name
    assert detect(log).share == 1


def test_a_status_is_three_digits_or_nothing() -> None:
    line = f'192.0.2.7 - - {TIME} "GET /menu HTTP/1.1" '
    for status in ("", "2", "20", "--", "2-", "0200", "x"):
        parsed = parse(f'{line}{status} 512 "-" "-"'.encode(), "combined")
        assert parsed.requests.empty, status
    for cut in ("2", "20", "200", "-"):
        parsed = parse(f"{line}{cut}".encode(), "combined")
        assert parsed.rejects["reason"].tolist() == ["cut short"]


@pytest.mark.parametrize("end", ["", " - -", " ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2"])
def test_a_classic_load_balancer_may_log_no_user_agent(end: str) -> None:
    with_agent = f'{ELB} "Mozilla/5.0" - -'
    parsed = parse(f"{with_agent}\n{ELB}{end}\n{with_agent}\n".encode(), "elb")
    assert parsed.requests["user_agent"].tolist() == ["Mozilla/5.0", "", "Mozilla/5.0"]
    assert detect(f"{ELB}{end}\n".encode()).name == "elb"


@pytest.mark.parametrize("client", ["192.0.2.7", "2001:db8::1"])
def test_traefik_may_log_the_client_with_its_port_only(client: str) -> None:
    address = f"[{client}]:40312" if ":" in client else f"{client}:40312"
    only = TRAEFIK % (address, "")
    both = TRAEFIK % ("10.0.0.9:1", f', "ClientHost": "{client}"')
    parsed = parse(f"{only}\n{both}\n{only}\n".encode(), "json")
    assert parsed.requests["client"].tolist() == [client] * 3


def test_traefiks_common_log_is_read_whatever_is_absent() -> None:
    line = f'192.0.2.7 - - {TIME} "GET /menu HTTP/2.0" - - "-" "-" 1 "-" "-" 0ms'
    assert detect(line.encode()).name == "traefik_clf"
    row = parse(line.encode(), "traefik_clf").requests.iloc[0]
    assert (row["client"], row["target"], row["status"]) == ("192.0.2.7", "/menu", 0)
    assert pd.isna(row["bytes"])
    assert pd.isna(row["user_agent"])


HEAD = '{client} [{time:%d/%b/%Y:%T %z}] "{request}" {status}'


@pytest.mark.parametrize("end", ["{rest}", " {rest}", " {size} {rest}", ' "{user_agent}" {rest}'])
def test_rest_takes_what_follows_with_or_without_a_space_before_it(end: str) -> None:
    own = compile_format("mine", HEAD + end)
    line = f'192.0.2.7 {TIME} "GET /menu HTTP/1.1" 200'
    line += {" {si": " 512", ' "{u': ' "Mozilla/5.0"'}.get(end[:4], "")
    log = "\n".join([line, f"{line} ", f"{line} and more", f'{line} "a" 5 "']).encode()
    parsed = parse(log, own)
    assert parsed.rejects.empty
    assert len(parsed.requests) == 4


@pytest.mark.parametrize("end", [" x{rest}", ";{rest}", " {rest} {size}", " {rest}."])
def test_rest_that_could_never_be_read_is_refused_with_its_reason(end: str) -> None:
    with pytest.raises(InputError, match=r"Format mine: .*rest"):
        compile_format("mine", HEAD + end)
