"""The mail as its reader gets it: figures, warnings, headers, picture, hostile names."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.clickstream.dashboard.builders import (
    FactStore,
    PublishedHour,
    Visit,
    fact_tables,
    hours_between,
)
from tests.clickstream.dashboard.mail.mails import (
    digest_of,
    html_part,
    mail_of,
    morning_after,
    numbers_in,
    text_part,
    texts_in_html,
    tiles_of,
    view_of,
)
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of
from tests.clickstream.dashboard.sentences.test_sentences import EMAIL_DOUBLES, FIRST
from tests.clickstream.dashboard.strategies import HOSTILE, hours, visits
from tests.support.examples import examples
from tests.support.hidden_characters import hidden_in

from clickstream.core.errors import EmptyWeek, SettingsError
from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.mail import Digest, Week, draw_png, render_text
from clickstream.dashboard.mail.picture import DENSITY, HEIGHT, WIDTH, draw_svg
from clickstream.settings import GoalSettings, Settings

EIGHTH = Week.of(FIRST)
"""The week in which Email doubles."""

WEEK = Week.parse("2026-W46")
MONDAY = start_of(WEEK.first)
SUNDAY_NIGHT = WEEK.period.end
TWO_WEEKS = hours_between(MONDAY - timedelta(weeks=1), SUNDAY_NIGHT)


def with_dashboard(**values: object) -> Settings:
    chosen = Settings(goals={"order": GoalSettings(page="/order")})
    return chosen.model_copy(update={"dashboard": chosen.dashboard.model_copy(update=values)})


ORDERS = with_dashboard(monthly_targets={"order": 50}, url="https://cafe.example/dashboard")


def two_weeks(more: Sequence[Visit] = ()) -> list[Visit]:
    """40 visits in the week before, 80 in the week; every fourth orders."""
    first = MONDAY - timedelta(weeks=1)
    return [
        *(
            Visit(
                first + timedelta(hours=place * 168 // 40, weeks=number),
                place,
                ("/", "/menu"),
                goals=("order",) if place % 4 == 0 else (),
            )
            for number in range(2)
            for place in range(40)
        ),
        *(Visit(MONDAY + timedelta(hours=2 * n), 100 + n, ("/menu",), "Email") for n in range(40)),
        *more,
    ]


def store_of(visits: Sequence[Visit], hours: Sequence[PublishedHour] = TWO_WEEKS) -> FactStore:
    return FactStore(fact_tables(visits, hours))


@cache
def usual_store() -> FactStore:
    return store_of(two_weeks())


@pytest.fixture(scope="module")
def digest() -> Digest:
    return digest_of(usual_store(), WEEK, ORDERS)


@pytest.fixture(scope="module")
def doubled() -> FactStore:
    return EMAIL_DOUBLES.store()


def test_the_figures_are_those_of_the_pages_of_the_same_view(doubled: FactStore) -> None:
    digest = digest_of(doubled, EIGHTH, ORDERS)
    shown: dict[str, str] = {}
    shown_changes: list[str] = []
    for tab in ("trust", "orders", "overview"):
        view = replace(view_of(EIGHTH), tab=tab)
        with page_of(doubled, view, morning_after(EIGHTH), ORDERS) as page:
            html = html_of(page)
            shown |= tiles_of(html)
            shown_changes += texts_of(html)
    assert {row.label: row.value for row in digest.figures}.items() <= shown.items()
    texts = texts_of(html)
    for listing in digest.lists:
        for row in listing.rows:
            places = [place for place, text in enumerate(texts) if text == row.name]
            assert any(row.values[0] in texts[place : place + 5] for place in places), row
    assert digest.findings.sentences
    for one in digest.findings.sentences:
        assert "".join(one.text.split()) in "".join("".join(texts).split())
    notes = [row.note for row in digest.figures if row.change]
    assert len(notes) == 4
    assert [text for text in notes if text not in shown_changes] == []
    assert set(shown_changes) >= {text for text in digest.trust if "hours published" not in text}


@examples(times=0.5)
@given(st.lists(visits, max_size=30), st.lists(hours, min_size=1, unique_by=lambda h: h.hour_at))
def test_html_and_text_have_the_same_numbers_whatever_the_facts(some, published) -> None:
    digest = digest_of(store_of(some, published), Week.parse("2026-W45"))
    mail = mail_of(digest)
    html, text = html_part(mail), text_part(mail)
    assert numbers_in(texts_in_html(html)) == numbers_in(text)
    assert max(map(cell_len, text.splitlines())) <= 72
    assert mail.defects == []


def test_every_name_and_sentence_of_the_html_is_in_the_text(digest: Digest) -> None:
    mail = mail_of(digest)
    html, text = texts_in_html(html_part(mail)), " ".join(text_part(mail).split())
    for row in digest.figures:
        assert re.search(rf"{re.escape(row.label)} +{re.escape(row.value)}", text)
        assert row.label in html
    for listing in digest.lists:
        assert listing.rows
        for item in listing.rows:
            assert item.name in html
            assert item.name in text
    for sentence in (digest.findings.reason, *digest.goals, *digest.trust):
        assert sentence in text
        assert sentence in html


def test_a_target_and_the_orders_are_shown_where_they_are_set() -> None:
    store = usual_store()
    labels = {row.label for row in digest_of(store, WEEK, ORDERS).figures}
    assert "Orders" in labels
    assert digest_of(store, WEEK, ORDERS).goals == [
        "order: this month 20 of 50, on pace for 42",
    ]
    plain = digest_of(store, WEEK)
    assert labels == {row.label for row in plain.figures}
    assert plain.goals == []


def test_a_complete_week_has_no_warning(digest: Digest) -> None:
    assert digest.warnings == []
    assert digest.is_complete
    assert digest.trust[:2] == ["168 of 168 hours published", "Complete to 15 Nov"]


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        (
            slice(-1, None),
            "1 of the 168 hours of this week is missing, so the numbers are too low.",
        ),
        (slice(168, 171), "3 of the 168 hours of this week are missing"),
    ],
)
def test_missing_hours_are_said_first_wherever_they_are_missing(gone: slice, says: str) -> None:
    """Also at the ends of the week, where the trust line counts none as missing."""
    published = [hour for hour in TWO_WEEKS if hour not in TWO_WEEKS[gone]]
    digest = digest_of(store_of(two_weeks(), published), WEEK)
    mail = mail_of(digest)
    assert digest.warnings[0].startswith(says)
    text = " ".join(text_part(mail).split())
    assert text.index(says) < text.index("Key figures")
    html = texts_in_html(html_part(mail))
    assert html.index(says) < html.index("Visits a day")
    assert mail["Subject"].endswith("incomplete")


def test_a_server_that_hours_lack_is_named() -> None:
    published = [replace(h, missing="web-2") if n > 330 else h for n, h in enumerate(TWO_WEEKS)]
    digest = digest_of(store_of(two_weeks(), published), WEEK)
    assert digest.warnings[0] == "5 hours lack the log of server web-2: visits may be missing."
    assert not digest.is_complete


def test_a_week_that_can_not_be_compared_shows_no_change_and_says_why() -> None:
    digest = digest_of(store_of(two_weeks(), TWO_WEEKS[100:]), WEEK)
    assert digest.warnings == [
        "This week or 2 Nov – 8 Nov has too few complete hours to compare them."
    ]
    assert digest.findings.reason.startswith(
        "Figures since 6 Nov: 7 days can be compared from 20 Nov."
    )
    assert {(row.before, row.step) for row in digest.figures} == {("–", "–")}
    assert digest.compared == ""
    mail = mail_of(digest)
    for part in (text_part(mail), html_part(mail)):
        assert "Week before" not in part
        assert not re.search(r"\bChange\b|\bUsual\b", part)
    assert mail["Subject"] == "site, Week 46: 80 visits"


def test_a_young_site_gets_its_week_beside_the_week_before(digest: Digest) -> None:
    rows = {row.label: (row.value, row.before, row.step) for row in digest.figures}
    assert digest.hero.label == "Visits"
    assert rows["Visits"] == ("80", "40", "+100%")
    for part in (text_part(mail_of(digest)), texts_in_html(html_part(mail_of(digest)))):
        assert re.search(r"80\s+40\s+\+100%", part)
    assert mail_of(digest)["Subject"] == "site, Week 46: 80 visits, +100%"


def test_a_week_without_a_published_hour_is_an_error() -> None:
    with pytest.raises(EmptyWeek, match=r"No hour of 2026-W46 \(2026-11-09 to 2026-11-15, UTC\)"):
        digest_of(store_of([], TWO_WEEKS[:168]), WEEK)


def test_the_subject_has_site_week_and_the_main_figure_with_its_change(doubled: FactStore) -> None:
    digest = digest_of(doubled, EIGHTH, ORDERS)
    change, visits = digest.hero.step, digest.hero.value
    assert re.fullmatch(r"\+\d+%", change)
    mail = mail_of(digest)
    assert mail["Subject"] == f"site, Week {EIGHTH.number}: {visits} visits, {change}"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (mail["From"], mail["To"]) == ("Café <news@cafe.example>", "owner@cafe.example")
    assert mail["Date"].datetime.isoformat() == "2026-11-23T07:00:00+00:00"


def test_the_message_id_is_that_of_the_site_and_the_week(digest: Digest) -> None:
    def identity(one: Digest, name: str) -> str:
        chosen = Settings()
        site = chosen.site.model_copy(update={"name": name, "domains": ("Cafe.Example", "b.c")})
        return mail_of(one, chosen.model_copy(update={"site": site}))["Message-ID"]

    later = replace(digest, week=Week.parse("2026-W47"))
    assert identity(digest, "a") == identity(digest, "a")
    assert len({identity(digest, "a"), identity(digest, "b"), identity(later, "a")}) == 3
    assert re.fullmatch(r"<digest\.2026-W46\.[0-9a-f]{12}@cafe\.example>", identity(digest, "a"))
    assert mail_of(digest)["Message-ID"].endswith("@clickstream.invalid>")


def test_the_picture_belongs_to_the_html_part_and_is_small(digest: Digest) -> None:
    mail = mail_of(digest)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    picture = list(mail.walk())[-1]
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html_part(mail)
    assert picture.get_content_disposition() == "inline"
    content = picture.get_content()
    assert content == draw_png(digest.days)
    assert struct.unpack(">II", content[16:24]) == (DENSITY * WIDTH, DENSITY * HEIGHT)
    assert len(content) < 30_000


def test_the_picture_has_no_text_and_a_column_for_each_day(digest: Digest) -> None:
    svg = draw_svg(digest.days)
    assert "<text" not in svg
    assert svg.count('fill="#b5622f"') == 7
    assert svg.count('fill="#a19484"') == 7


def test_the_alternative_text_of_the_picture_has_its_figures(digest: Digest) -> None:
    html = html_part(mail_of(digest))
    (alt,) = re.findall(r'<img[^>]* alt="([^"]*)"', html)
    assert alt.startswith("Visits a day: Mon 9 Nov 18 (week before 6), Tue 10 Nov ")
    assert len(numbers_in(alt)) >= 7


def test_links_lead_to_the_view_of_exactly_that_week_and_only_if_an_address_is_set() -> None:
    store = usual_store()
    linked = html_part(mail_of(digest_of(store, WEEK, ORDERS)))
    addresses = re.findall(r'href="([^"]*)"', linked)
    base = "https://cafe.example/dashboard/?from=2026-11-09&amp;to=2026-11-15"
    assert base in addresses
    assert all(address.startswith(base) for address in addresses)
    plain = mail_of(digest_of(store, WEEK))
    assert "href" not in html_part(plain)
    assert "http" not in text_part(plain)


SHOWN = (
    *("cakes\r\nBcc: thief@evil.example", "<script>alert(1)</script>", "x" * 999, "\u202e"),
    *("{name}", '"><img src=x onerror=alert(1)>', *HOSTILE),
)
HOSTILE_VISITS = [
    Visit(
        MONDAY + timedelta(minutes=place),
        200 + place,
        (f"/{name}", name),
        channel=name,
        campaign=name,
        source=name,
        goals=(name,) if name else (),
    )
    for rank, name in enumerate(SHOWN)
    for place in range(300 - 10 * rank)
]
"""The first names have the most visits, so the mail's short lists name them."""


def test_hostile_names_do_no_harm() -> None:
    headers = sorted(mail_of(digest_of(usual_store(), WEEK)).keys())
    store = store_of([*two_weeks(), *HOSTILE_VISITS])
    for target in SHOWN[:2]:
        chosen = with_dashboard(monthly_targets={target: 5}, url="https://cafe.example")
        title = f"Café\r\nBcc: thief@evil.example {target}"
        site = chosen.site.model_copy(update={"title": title})
        chosen = chosen.model_copy(update={"site": site})
        digest = digest_of(store, WEEK, chosen)
        assert digest.goals, target
        mail = mail_of(digest, chosen)
        assert (mail["Bcc"], sorted(mail.keys())) == (None, headers), target
        assert_harmless(html_part(mail), text_part(mail), target)


def assert_harmless(html: str, text: str, target: str) -> None:
    assert "&lt;script&gt;alert(1)" in html, target
    assert "cakes\\r\\nBcc: thief@evil.example" in text, target
    for tag in ("<script", "<img src=x", "<b>", "\u202e"):
        assert tag not in html, target
    assert not re.search(r"^Bcc", text, re.MULTILINE), target
    assert hidden_in(html) == hidden_in(text) == [], target
    assert max(len(line) for line in text.splitlines() if "https://" not in line) <= 72, target


def test_a_sender_or_recipient_with_a_line_break_is_refused(digest: Digest) -> None:
    from clickstream.dashboard.mail import MailIds, build_message

    ids = MailIds(Settings().site, "lake", str(digest.week))
    bad = "owner@cafe.example\r\nBcc: thief@evil.example"
    moment = datetime.now().astimezone()
    for sender, to in ((bad, "a@b.example"), ("a@b.example", bad), ("nobody", "a@b.example")):
        with pytest.raises(SettingsError, match="is not a mail address"):
            build_message(digest, ids, sender, [to], moment)


def test_numbers_and_dates_are_those_of_the_locale() -> None:
    digest = digest_of(usual_store(), WEEK, ORDERS, language="en-US")
    assert '<html lang="en-US">' in html_part(mail_of(digest))
    assert re.search(r"^Mon, Nov 9 +18 ", render_text(digest), re.MULTILINE)
