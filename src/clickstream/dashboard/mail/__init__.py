"""The weekly mail, which the owner gets on Monday morning: the last week in figures and sentences.

    digest = build_digest(lake, week, moment)
    ids = MailIds(lake.settings.site, lake.bucket, str(week))
    message = build_message(digest, ids, sender, recipients, moment)
    delivered = deliver(lake, message, week, …)

The command `clickstream digest` shows it, and the DAG `clickstream_digest` sends it once a week.
"""

from clickstream.dashboard.mail.building import build_digest, check_week
from clickstream.dashboard.mail.content import Digest
from clickstream.dashboard.mail.delivery import Delivered, SentBefore, deliver
from clickstream.dashboard.mail.html import render_html, render_preview
from clickstream.dashboard.mail.message import MailIds, build_message
from clickstream.dashboard.mail.picture import draw_png
from clickstream.dashboard.mail.plain_text import render_text
from clickstream.dashboard.mail.week import Week

__all__ = [
    "Delivered",
    "Digest",
    "MailIds",
    "SentBefore",
    "Week",
    "build_digest",
    "build_message",
    "check_week",
    "deliver",
    "draw_png",
    "render_html",
    "render_preview",
    "render_text",
]
