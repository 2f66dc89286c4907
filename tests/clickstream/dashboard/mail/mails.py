"""Mails built from fact files in memory, and what a reader finds in them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html import unescape

from tests.clickstream.dashboard.builders import FactStore
from tests.clickstream.dashboard.rendered import page_of, texts_of

from clickstream.dashboard.ask.view import View
from clickstream.dashboard.mail import Digest, MailIds, Week, build_message
from clickstream.dashboard.mail.content import build_content
from clickstream.settings import Settings

MOMENT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
NUMBER = re.compile(r"\d(?:[\d.,:]*\d)?")


def view_of(week: Week) -> View:
    """The dashboard's view of a week."""
    return View().with_days(week.first, week.last)


def digest_of(
    store: FactStore,
    week: Week,
    settings: Settings | None = None,
    language: str = "en-GB",
) -> Digest:
    """The content of the mail of a week, on the morning after it."""
    with page_of(store, view_of(week), morning_after(week), settings, language) as page:
        return build_content(page, week)


def morning_after(week: Week) -> datetime:
    """Monday, 07:00 local time."""
    return week.period.end.replace(hour=7)


def mail_of(digest: Digest, settings: Settings | None = None) -> EmailMessage:
    """The mail as a mailbox gets it: written to bytes, and read again."""
    ids = MailIds((settings or Settings()).site, "clickstream-lake", str(digest.week))
    message = build_message(digest, ids, "Café <news@cafe.example>", ["owner@cafe.example"], MOMENT)
    parsed = BytesParser(policy=default).parsebytes(message.as_bytes())
    assert isinstance(parsed, EmailMessage)
    return parsed


def html_part(mail: EmailMessage) -> str:
    """The HTML of a mail."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def text_part(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def numbers_in(text: str) -> set[str]:
    """All numbers of a text."""
    return set(NUMBER.findall(text))


def texts_in_html(html: str) -> str:
    """What a reader of the HTML part meets, alternative texts included."""
    return "\n".join(texts_of(html))


def tiles_of(html: str) -> dict[str, str]:
    """The values of the tiles of a page of the dashboard, by their labels."""
    found = re.findall(
        r'<span class="label">([^<]*)</span>.*?<span class="value">(.*?)</span>', html, re.DOTALL
    )
    return {unescape(label): unescape(re.sub("<[^>]*>", "", value)) for label, value in found}
