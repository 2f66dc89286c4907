"""Characters that are not shown, or that reorder others, reach no reader as they are.

The names of everything that a page shows have all control and format characters of Unicode.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from babel.localedata import locale_identifiers
from more_itertools import chunked
from tests.clickstream.dashboard.builders import (
    FactStore,
    PublishedHour,
    Visit,
    fact_tables,
    hours_between,
)
from tests.clickstream.dashboard.mail.mails import digest_of, html_part, mail_of, text_part
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of
from tests.support.cases import each_case
from tests.support.hidden_characters import hidden_in

import clickstream
from clickstream.core.errors import InputError
from clickstream.core.wording import printable
from clickstream.dashboard.ask.view import CHOICES, TABS, Tab, View
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.entries.own_notes import OwnNote
from clickstream.dashboard.entries.store import ShownNotes
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.mail import Week
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.web.details import csv_lines, detail_parts
from clickstream.dashboard.web.rendering import Renderer
from clickstream.settings import Settings

START = datetime(2026, 11, 9)
END = NOW.replace(minute=0)
HOUR = END - timedelta(hours=5)
HIDDEN = [
    char
    for char in map(chr, range(1, sys.maxunicode + 1))
    if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")
]
"""All but NUL, which DuckDB refuses in a filter."""

NAMES = ["".join(f"a{char}b" for char in some) for some in chunked(HIDDEN, 30)]
ALL = "".join(NAMES)
REVERSED, MOST_VISITS = "photo\u202egpj.exe", 20
"""The name that lists show first."""


def hostile_visits() -> list[Visit]:
    return [
        Visit(
            END - timedelta(days=1, minutes=number),
            number * 20 + n,
            (name, name + "2"),
            *(name, name, name),
            goals=(name,),
            medium=name,
            referrer=name,
            term=name,
            content=name,
            browser=name,
            os=name,
            region=name,
            city=name,
            device=name,
            errors=((name, 500),),
        )
        for number, name in enumerate([REVERSED, *NAMES])
        for n in range(12 if number else MOST_VISITS)
    ]


@pytest.fixture(scope="module")
def store() -> FactStore:
    rows: dict[str, list[dict[str, Any]]] = {
        "bot_facts": [
            {"bot_class": ALL, "bot_reason": ALL, "agent": ALL, "requests": 7, "errors": 1}
        ],
        "bot_page_facts": [
            {"bot_class": ALL, "bot_reason": ALL, "agent": ALL, "page": ALL, "path": ALL}
            | {"requests": 7, "bytes": 9, "errors": 1, "other_pages": 0}
        ],
        "error_facts": [
            {"page": ALL, "status": 500, "kind": ALL, "visitor_id": "0" * 16, "requests": 3}
        ],
        "reject_facts": [{"reason": ALL, "lines": 3}],
        "source_facts": [{"source": ALL, "lines": 10, "late_lines": 0, "raw_objects": 1}],
    }
    for some in rows.values():
        some[0]["hour_at"] = HOUR
    odd = PublishedHour(HOUR, missing=ALL, version=ALL, settings=ALL, visitor_key=ALL)
    hours = [odd if one.hour_at == HOUR else one for one in hours_between(START, END)]
    return FactStore(fact_tables(hostile_visits(), hours, rows))


def view_of(tab: Tab, choice: int) -> View:
    view = View(tab, "7d")
    for panel, choices in CHOICES.items():
        view = view.with_choice(panel, choices[min(choice, len(choices) - 1)])
    return view.with_filter("campaign", ALL, is_excluded=True)


def shown_in(html: str) -> str:
    """The page without what its form sends back."""
    return re.sub(r'<input type="hidden"[^>]*>', "", html)


@each_case("tab", TABS)
@each_case("choice", range(4))
def test_no_page_has_a_hidden_character(store: FactStore, tab: Tab, choice: int) -> None:
    written = OwnNote.write("2026-11-12", "", "Rain", ALL, NOW.astimezone())
    notes = ShownNotes([replace(written, text=ALL)], problem=ALL)
    with page_of(store, view_of(tab, choice), entries=notes, problem=ALL) as page:
        html = Renderer.create(page.formats, ALL).tab(page)
    assert "a\\u202eb" in html
    assert hidden_in(shown_in(html)) == []


@each_case(
    "name, choice",
    [(name, choice) for name in PANELS for choice in range(len(CHOICES.get(name, ("",))))],
)
def test_no_panel_and_no_csv_file_has_a_hidden_character(
    store: FactStore, name: str, choice: int
) -> None:
    panel = PANELS[name]
    with page_of(store, view_of(panel.tab, choice)) as page:
        parts = detail_parts(page, panel)
        html = Renderer.create(page.formats, ALL).detail(page, panel, parts, None)
        lines = "".join(csv_lines(page, name))
    assert "a\\u202eb" in html
    assert hidden_in(shown_in(html)) == hidden_in(lines.replace("\r\n", "\n")) == []


def test_no_mail_has_a_hidden_character(store: FactStore) -> None:
    settings = Settings()
    title = settings.site.model_copy(update={"title": ALL})
    settings = settings.model_copy(update={"site": title})
    mail = mail_of(digest_of(store, Week.parse("2026-W46"), settings), settings)
    assert "photo\\u202egpj.exe" in text_part(mail)
    assert hidden_in(html_part(mail) + text_part(mail) + str(mail["Subject"])) == []


def test_filters_in_addresses_and_in_the_form_of_dates_keep_the_value(store: FactStore) -> None:
    with page_of(store, View("marketing", "7d").with_choice("acquisition", "campaign")) as page:
        html = html_of(page)
    found = re.search(r'<a href="([^"]*)" title="photo\\u202egpj.exe"', html)
    assert found is not None
    query = unescape(found[1]).removeprefix("?")
    view = parse_view("marketing", parse_qsl(query, keep_blank_values=True))
    assert [one.values for one in view.filters] == [(REVERSED,)]
    with page_of(store, view) as page:
        assert page.answer(("visits",)).single()["visits"] == MOST_VISITS
        html = html_of(page)
    assert f'<input type="hidden" name="campaign" value="{REVERSED}">' in html


@pytest.mark.parametrize("char", [REVERSED, *"\u2066\u200e\xad\ufeff\x1b\x9b", "pay\u200dpal"])
def test_an_entry_refuses_a_hidden_character_and_shows_it(char: str) -> None:
    with pytest.raises(InputError, match="hidden character: ") as refused:
        OwnNote.write("2026-11-20", "", f"Rain {char}.", "ana", NOW.astimezone())
    assert hidden_in(str(refused.value)) == []


SCRIPTS = (
    *("می‌خواهم", "क्‍ष", "ಕ್‌ಷ", "ശ്രീലങ്കന്‍", "ភាសា\u200bខ្មែរ", "👨‍👩‍👧", "🏳️‍🌈", "❤️‍🔥"),
    *("東京\u3000カフェ", "12\xa0%", "شاي", "עוגה", "é\u0301", "☕️"),
)


@pytest.mark.parametrize("text", SCRIPTS)
def test_names_of_all_scripts_are_shown_as_they_are(text: str) -> None:
    assert printable(text) == text
    assert OwnNote.write("2026-11-20", "", text, "ana", NOW.astimezone()).text == text


ENGLISH = [name for name in locale_identifiers() if name.partition("_")[0] == "en"]


@each_case("name", ENGLISH)
def test_no_format_of_a_locale_has_a_hidden_character(name: str) -> None:
    locale = parse_locale(name)
    formats = Formats(locale, "EUR")
    texts = [formats.money(-123_456, "EUR"), formats.whole_money(-123_456)]
    texts += [formats.count(-1_234_567), formats.share(-0.123), formats.short_count(12_345_678)]
    texts += [formats.moment(NOW), formats.day(NOW.date(), True, True), formats.hour(14)]
    texts += [formats.decimal(-1.5), *map(formats.country, locale.territories)]
    assert [text for text in texts if printable(text) != text] == []


def test_every_template_is_one_of_the_environment_that_shows_text_as_text() -> None:
    assert [*_files_with("Environment(")] == ["dashboard/templates.py"]


def _files_with(text: str) -> Iterator[str]:
    package = Path(clickstream.__file__).parent
    for path in sorted(package.parent.rglob("*.py")):
        if re.search(rf"\b{re.escape(text)}", path.read_text()):
            yield path.relative_to(package).as_posix()
