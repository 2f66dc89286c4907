"""The figures of a small log, worked out by hand, and those of a real one, known beforehand."""

import bz2
import gzip
import io
import lzma
import sys

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.logs.builders import BOT, LINES, line
from tests.clickstream.lookups.test_place_database import write

from clickstream.logs.trial import FIGURES, CountedLines
from clickstream.parse import parse
from clickstream.settings import GeoIpSettings, GoalSettings, SiteSettings

COUNTS = "by_host by_status bytes clients first_at last_at lines".split()
FEW = ("198.51.100", "192.0.2")
"""A country with few visitors, and addresses of no known country."""

KEYS = (
    "lines parsed rejected hosts other_hosts balance by_status errors bytes clients visitors "
    "suspected sessions page_views median_session_seconds engaged_sessions "
    "goals "
    "by_hour_utc channels devices countries top_pages top_referrers own_domain campaigns bots "
    "first_at last_at cpu_seconds"
).split()


def test_figures_of_the_small_log_are_those_counted_by_hand(report, log):
    code, figures, errors = report(log)
    assert (code, errors) == (0, "")
    assert list(figures) == KEYS == list(FIGURES)
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
        "suspected": {"visitors": 0, "searched_dates": 1, "cohorts": []},
        "sessions": 3,
        "page_views": 4,
        "median_session_seconds": 5.0,
        "engaged_sessions": 1,
        "goals": {},
        "by_hour_utc": {"2026-11-20T05": 7, "2026-11-20T06": 1, "2026-11-20T07": 3},
        "channels": {"Direct": 1, "Email": 1, "Organic Search": 1},
        "devices": {"desktop": 3},
        "countries": {},
        "top_pages": [{"page": "/", "page_views": 2}, {"page": "/menu", "page_views": 2}],
        "top_referrers": [{"domain": "www.google.com", "page_views": 2}],
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


def test_cut_into_files_or_compressed_the_figures_are_the_same(report, log, tmp_path, monkeypatch):
    _, whole, _ = report(log)
    lines, ways = [text.encode() for text in LINES], (gzip.compress, bz2.compress, lzma.compress)
    parts = [tmp_path / f"{n}" for n in range(3)]
    for n, (path, compress) in enumerate(zip(parts, ways, strict=True)):
        path.write_bytes(compress(b"".join(lines[n::3])))
    code, in_parts, errors = report(*parts)
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(log.read_bytes())))
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
def test_neither_order_nor_blocks_change_the_counts_of_lines(lines, size):
    blocks = ["".join(lines[n : n + size]) for n in range(0, len(lines), size)]
    assert counts_of(blocks) == counts_of(["".join(LINES)])


def counts_of(blocks):
    lines = CountedLines()
    for block in blocks:
        lines.add(parse(block.encode(), "combined"), "log")
    counts = {name: getattr(lines, name) for name in COUNTS}
    return counts, {reason: text for reason, (_, _, text) in lines.examples.items()}


def test_configured_domains_replace_the_inferred_one(figures_of):
    lines = LINES * 30
    inferred = figures_of(lines, site=SiteSettings())
    named = figures_of(lines, site=SiteSettings(domains=("www.google.com", "cafe.example")))
    assert inferred["own_domain"] == {"domain": "cafe.example", "requests": 60, "sample": 60}
    assert [row["domain"] for row in inferred["top_referrers"]] == ["www.google.com"]
    assert (named["own_domain"], named["top_referrers"]) == (None, [])


def without_time(figures):
    return {key: value for key, value in figures.items() if key != "cpu_seconds"}


def test_requests_to_hosts_of_other_sites_are_counted_and_change_no_other_figure(figures_of):
    own = [f"cafe.example {text}" for text in LINES if "HTTP" in text]
    others = [f"shop.example:443 {text}" for text in LINES if "HTTP" in text]
    site = SiteSettings(domains=("cafe.example",), hosts=("cafe.example",))
    alone = figures_of(own, "combined_vhost", site=site)
    mixed = figures_of([*own, *others], "combined_vhost", site=site)
    assert (mixed["other_hosts"], mixed["lines"]) == (len(others), len(own) + len(others))
    assert mixed["hosts"] == {"cafe.example": mixed["parsed"], "shop.example": len(others)}
    of_lines = {"lines": 0, "hosts": {}, "other_hosts": 0}
    assert mixed | of_lines == alone | of_lines


def test_countries_of_few_visitors_are_shown_together(figures_of, tmp_path):
    database = tmp_path / "places.mmdb"
    countries = {"203.0.113.0/24": "DE", "198.51.100.0/24": "FR"}
    write(database, {network: {"country_code": one} for network, one in countries.items()})
    lines = [line(f"203.0.113.{n}", f"05:00:{n:02}", "/") for n in range(12)]
    lines += [line(f"{network}.{n}", f"05:30:{n:02}", "/") for network in FEW for n in range(6)]
    found = figures_of(lines, geoip=GeoIpSettings(database=str(database)))
    assert found["countries"] == {"DE": 12, "few visitors": 12}


def test_each_error_counts_with_its_kind_of_client(figures_of):
    lines = [
        line("192.0.2.1", "05:00:00", "/gone", 404),
        line("192.0.2.1", "05:00:01", "/gone.css", 404),
        line("192.0.2.2", "05:00:00", "/gone", 404, agent=BOT),
        line("192.0.2.2", "05:00:00", "/gone.css", 404, agent=BOT),
        line("192.0.2.3", "05:00:00", "/", 503, agent=BOT),
        line("192.0.2.4", "05:00:00", "/healthz", 503, agent="kube-probe/1.30"),
        line("192.0.2.5", "05:00:00", "/", 502),
    ]
    figures = figures_of(lines)
    assert figures["errors"]["4xx"] == {"people": 1, "bots": 1, "assets": 2, "others": 0}
    assert figures["errors"]["5xx"]["people"] == figures["balance"]["server_errors"] == 1
    assert sum(figures["errors"]["5xx"].values()) == 3


def test_goals_are_counted_by_session(figures_of):
    goals = {"menu": GoalSettings(page="/menu"), "none": GoalSettings(page="/nowhere")}
    assert figures_of(LINES[:-1], goals=goals)["goals"] == {"menu": 2, "none": 0}
