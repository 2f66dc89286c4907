"""The figures of a small log, worked out by hand, and those of a real one, known beforehand."""

import bz2
import gzip
import io
import lzma
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.report.builders import LINES, line

from clickstream.clean import CleanRules, LookUps
from clickstream.clean.referrers import OwnDomain
from clickstream.parse import parse
from clickstream.report import FIGURES
from clickstream.report.tally import Tally
from clickstream.sessions import SessionRules

SHARED = Path(__file__).parents[4] / "shared" / "data"
KEYS = (
    "lines parsed rejected hosts other_hosts balance by_status errors bytes clients visitors "
    "suspected sessions page_views median_session_seconds engaged_sessions "
    "goals request_runs "
    "by_hour_utc channels devices countries top_pages top_referrers own_domain campaigns bots "
    "first_at last_at cpu_seconds"
).split()


def test_figures_of_the_small_log_are_those_counted_by_hand(report, log):
    code, figures, errors = report(log)
    assert (code, errors) == (0, "")
    del figures["cpu_seconds"]
    assert figures == {
        "lines": 12,
        "parsed": 11,
        "rejected": {"total": 1, "by_reason": {"not an access-log line": 1}},
        "hosts": {},
        "other_hosts": 0,
        "balance": {
            "page_requests": 4,
            "assets": 3,
            "downloads": 0,
            "bots": 2,
            "redirects": 1,
            "client_errors": 1,
            "server_errors": 0,
            "health_checks": 0,
            "api_calls": 0,
            "others": 0,
        },
        "by_status": {"200": 9, "301": 1, "404": 1},
        "errors": {
            "4xx": {"people": 1, "bots": 0, "assets": 0, "others": 0},
            "5xx": {"people": 0, "bots": 0, "assets": 0, "others": 0},
        },
        "bytes": 1050,
        "clients": 4,
        "visitors": 2,
        "suspected": {"visitors": 0, "searched_dates": 1, "dates": 1, "cohorts": []},
        "sessions": 3,
        "page_views": 4,
        "median_session_seconds": 5.0,
        "engaged_sessions": 1,
        "goals": {},
        "request_runs": 5,
        "by_hour_utc": {"2026-11-20T05": 7, "2026-11-20T06": 1, "2026-11-20T07": 3},
        "channels": {"Direct": 1, "Email": 1, "Organic Search": 1},
        "devices": {"desktop": 3},
        "countries": {},
        "top_pages": [{"page": "/", "page_views": 2}, {"page": "/menu", "page_views": 2}],
        "top_referrers": [{"domain": "www.google.com", "page_views": 1}],
        "own_domain": None,
        "campaigns": [
            {
                "source": "news letter",
                "medium": "email",
                "campaign": "autumn",
                "hits": 2,
                "page_views": 1,
            }
        ],
        "bots": {
            "requests": 2,
            "by_class": {"search engine": 2},
            "top_reasons": [{"reason": "user agent: Googlebot", "requests": 2}],
        },
        "first_at": "2026-11-20T05:00:00Z",
        "last_at": "2026-11-20T07:00:02Z",
    }


def test_json_has_exactly_the_documented_keys(report, log):
    _, figures, _ = report(log)
    assert list(figures) == KEYS == list(FIGURES)


@pytest.mark.parametrize("compressed", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_cut_into_files_or_compressed_the_figures_are_the_same(
    report, log, tmp_path, compressed, monkeypatch
):
    _, whole, _ = report(log)
    lines = [text.encode() for text in LINES]
    parts = {tmp_path / f"{n}": b"".join(lines[n::3]) for n in range(3)}
    for path, data in parts.items():
        path.write_bytes(compressed(data))
    code, in_parts, errors = report(*parts)
    stdin = io.TextIOWrapper(io.BytesIO(compressed(log.read_bytes())))
    monkeypatch.setattr(sys, "stdin", stdin)
    _, piped, _ = report("-")
    assert (code, errors) == (0, "")
    assert without_time(in_parts) == without_time(piped) == without_time(whole)


def test_a_file_named_twice_is_read_once(report, log):
    assert report(log, log)[1]["lines"] == len(LINES)


def test_lines_of_both_formats_in_two_files_are_one_log(report, tmp_path):
    combined, common = tmp_path / "combined", tmp_path / "common"
    combined.write_text(line("192.0.2.1", "05:00:00", "/"))
    common.write_text(line("192.0.2.9", "06:00:00", "/").split(' "-"')[0] + "\n")
    _, figures, _ = report(combined, common)
    assert (figures["parsed"], figures["clients"]) == (2, 2)


@given(st.permutations(LINES), st.integers(1, len(LINES)))
def test_neither_order_nor_blocks_change_a_figure(lines, size):
    blocks = ["".join(lines[n : n + size]) for n in range(0, len(lines), size)]
    assert figures_of(blocks) == figures_of(["".join(LINES)])


def test_configured_domains_replace_the_inferred_one():
    lines = LINES * 30
    inferred = figures_of(lines)
    named = figures_of(lines, domains=("www.google.com", "cafe.example"))
    assert inferred.own_domain == OwnDomain("cafe.example", 60, 60)
    assert list(inferred.top_referrers) == ["www.google.com"]
    assert (named.own_domain, named.top_referrers) == (None, {})


def test_no_own_domain_without_a_majority():
    assets = [
        line("192.0.2.1", "05:00:00", "/a.png", referrer="https://a.example/"),
        line("192.0.2.1", "05:00:00", "/a.png", referrer="https://b.example/"),
    ]
    lines = [line("192.0.2.1", "05:00:00", "/", referrer="https://a.example/"), *assets * 100]
    figures = figures_of(lines)
    assert (figures.own_domain, figures.top_referrers) == (None, {"a.example": 1})


def figures_of(blocks, domains=(), hosts=(), log_format="combined"):
    tally = Tally(CleanRules("cafe", domains, hosts), SessionRules(), LookUps())
    for block in blocks:
        tally.add(parse(block.encode(), log_format), "log")
    figures = tally.figures()
    figures.examples.clear()  # which line is the example depends on the order
    return figures


def without_time(figures):
    return {key: value for key, value in figures.items() if key != "cpu_seconds"}


def test_requests_to_hosts_of_other_sites_are_counted_and_change_no_other_figure():
    own = [f"cafe.example {text}" for text in LINES if "HTTP" in text]
    others = [f"shop.example:443 {text}" for text in LINES if "HTTP" in text]
    alone = figures_of(own, hosts=("cafe.example",), log_format="combined_vhost")
    mixed = figures_of([*own, *others], hosts=("cafe.example",), log_format="combined_vhost")
    assert (mixed.other_hosts, mixed.lines) == (len(others), len(own) + len(others))
    assert mixed.hosts == {"cafe.example": mixed.parsed, "shop.example": len(others)}
    same = {"lines": 0, "hosts": {}, "other_hosts": 0}
    assert replace(mixed, **same) == replace(alone, **same)
