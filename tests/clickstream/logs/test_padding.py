"""NULs and a byte-order mark at the head of a log change nothing but what stderr says of them."""

import gzip
import io
import sys
from codecs import BOM_UTF8

import pytest
from tests.clickstream.logs.builders import LINES

W3C = (
    b"#Fields: date time c-ip cs-method cs-uri-stem sc-status\r\n"
    b"2026-11-20 05:50:00 192.0.2.7 GET / 200\r\n"
)


@pytest.mark.parametrize(
    ("how", "padding"), [("plain", bytes(66_000)), ("gzip", BOM_UTF8), ("stdin", bytes(3_000_000))]
)
def test_padding_is_left_out_and_counted(reading, log, tmp_path, monkeypatch, padding, how):
    _, expected, _ = reading(log)
    data = padding + "".join(LINES).encode()
    path = tmp_path / "padded.log"
    path.write_bytes(gzip.compress(data) if how == "gzip" else data)
    if how == "stdin":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        path = "-"
    code, found, errors = reading(path)
    assert (code, found) == (0, expected)
    said = f"Left out {len(padding):,} bytes of NULs or a byte-order mark at the start of 1 file.\n"
    assert errors == said


def test_the_first_directive_behind_a_byte_order_mark_is_read(reading, tmp_path):
    path = tmp_path / "iis.log"
    path.write_bytes(BOM_UTF8 + W3C)
    code, found, _ = reading(path)
    assert (code, found["lines"], found["rejected"]["total"]) == (0, 1, 0)
