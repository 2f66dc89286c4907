"""The header fields of signed requests, as servers write them into the formats of the docs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import many_examples

from clickstream.parse import concat, parse
from clickstream.parse.formats import Format, compile_format
from clickstream.parse.frames import Parsed

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
SNIPPET = PAGE.partition("## Signed requests")[2].partition("```toml")[2].partition("```")[0]
FORMATS = {
    name: compile_format(name, text) for name, text in tomllib.loads(SNIPPET)["formats"].items()
}
FIELDS = ("signature_agent", "signature_input", "signature")
LINE = '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "UA" "cafe.example"'

fields = st.lists(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=2).map(str.strip),
    min_size=3,
    max_size=3,
).filter(lambda some: not {"", "-"} & {*some})


def by_nginx(text: str) -> str:
    """ngx_http_log_module: quotes, backslashes and all but printable ASCII as \\xHH."""
    return "".join(f"\\x{ord(c):02X}" if c in '"\\' or not " " <= c <= "~" else c for c in text)


def with_backslashes(text: str) -> str:
    """Apache's mod_log_config, and nginx with escape=json."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def read(parsed: Parsed) -> list[tuple[str | None, ...]]:
    assert not len(parsed.refused)
    return [tuple(row[name] for name in FIELDS) for row in parsed.table.to_pylist()]


def written(values: list[str]) -> str:
    return " ".join([LINE, *(f'"{value}"' for value in values)])


@many_examples
@given(fields)
def test_fields_are_read_as_they_were_sent(values: list[str]) -> None:
    nginx, apache = FORMATS["signed_nginx"], FORMATS["signed_apache"]
    line = json.dumps(
        {
            "time_iso8601": "2026-11-20T05:00:00+00:00",
            "remote_addr": "192.0.2.7",
            "request": "GET / HTTP/1.1",
            "status": "200",
            **{f"http_{name}": value for name, value in zip(FIELDS, values, strict=True)},
        }
    )
    assert read(parse(written([*map(by_nginx, values)]).encode(), nginx)) == [tuple(values)]
    escaped = written([*map(with_backslashes, values)]).encode()
    assert read(parse(escaped, nginx)) == read(parse(escaped, apache)) == [tuple(values)]
    assert read(parse(line.encode(), "json")) == [tuple(values)]


def test_fields_of_caddy_are_headers_of_the_request() -> None:
    headers = {name.replace("_", "-").title(): [f'{name}="a"'] for name in FIELDS}
    line = {
        "ts": 1795150800.5,
        "request": {"remote_ip": "192.0.2.7", "method": "GET", "uri": "/", "headers": headers},
        "status": 200,
    }
    assert read(parse(json.dumps(line).encode(), "json")) == [tuple(f'{n}="a"' for n in FIELDS)]


def test_a_request_without_fields_has_none() -> None:
    nginx: Format = FORMATS["signed_nginx"]
    assert read(parse(written(["-"] * 3).encode(), nginx)) == [(None,) * 3]


def test_only_logs_with_the_fields_have_the_columns() -> None:
    plain = parse(LINE.rpartition(' "')[0].encode(), "combined")
    assert not {*FIELDS} & {*plain.table.column_names}
    both = concat([plain, parse(written(["a", "b", "c"]).encode(), FORMATS["signed_nginx"])])
    assert read(both) == [(None,) * 3, ("a", "b", "c")]
