"""Builds the mail message: plain text, and HTML with the picture (RFC 2046, RFC 2387)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cached_property

from clickstream.core.errors import MailNotConfigured
from clickstream.core.text_digests import digest_texts
from clickstream.core.wording import shown_name
from clickstream.dashboard.mail.content import Digest
from clickstream.dashboard.mail.html import render_html
from clickstream.dashboard.mail.picture import draw_png
from clickstream.dashboard.mail.plain_text import render_text
from clickstream.dashboard.mail.wording import subject_of
from clickstream.settings import SiteSettings
from clickstream.settings.values import is_mail_address

NO_DOMAIN = "clickstream.invalid"
"""Domain of Message-IDs for sites without one; no host can have it (RFC 2606)."""

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)


@dataclass(frozen=True)
class MailIds:
    """The Message-ID and the Content-ID of a week's mail, identical for each attempt to send it.

    Mailboxes show only one of several mails with one Message-ID. So a mail that a person sends
    again gets another one: `repeat` names that run. `bucket` is that of the site's lake.
    """

    site: SiteSettings
    bucket: str
    week: str
    repeat: str = ""

    @cached_property
    def _site(self) -> str:
        """Digest of the site, its lake and the repeat, because names may have any characters."""
        parts = (self.site.name, self.bucket, self.repeat)
        return digest_texts(parts, 6)

    @property
    def _domain(self) -> str:
        domain = next(iter(self.site.domains), "")
        return domain.lower() if _DOMAIN.fullmatch(domain) else NO_DOMAIN

    @property
    def message_id(self) -> str:
        """The Message-ID with its brackets (RFC 5322, 3.6.4)."""
        return f"<digest.{self.week}.{self._site}@{self._domain}>"

    @property
    def content_id(self) -> str:
        """The Content-ID of the picture, without brackets."""
        return f"visits.{self.week}.{self._site}@{self._domain}"


def build_message(
    digest: Digest,
    ids: MailIds,
    sender: str,
    recipients: Sequence[str],
    moment: datetime,
) -> EmailMessage:
    """Build the mail from a sender to recipients as of `moment`.

    Raises MailNotConfigured for an invalid mail address.
    """
    for address in (sender, *recipients):
        _check_address(address)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject_of(digest)
    message["From"] = sender
    if recipients:
        message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(moment)
    message["Message-ID"] = ids.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    html = render_html(digest, f"cid:{ids.content_id}")
    message.set_content(render_text(digest), cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    _add_picture(message, digest, ids)
    return message


def _check_address(text: str) -> None:
    """Refuse an address that would become another header, or several addresses."""
    if not is_mail_address(text):
        raise MailNotConfigured(
            f"{shown_name(text)!r} is not a mail address such as owner@cafe.example. Correct "
            "[digest], or from_email in the extras of the mail server's connection."
        )


def _add_picture(message: EmailMessage, digest: Digest, ids: MailIds) -> None:
    _, html = message.iter_parts()
    assert isinstance(html, EmailMessage)  # noqa: S101  parts have the class of the whole
    html.add_related(
        draw_png(digest.days),
        "image",
        "png",
        cid=f"<{ids.content_id}>",
        filename="visits.png",
        disposition="inline",
    )
