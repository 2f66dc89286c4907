"""The weekly mail, which the owner gets on Monday morning: the last week in figures and sentences.

    digest = build_digest(lake, week, moment)
    ids = MailIds(lake.settings.site, lake.bucket, str(week))
    message = build_message(digest, ids, sender, recipients, moment)
    delivered = deliver(lake, message, week, …)

The command `clickstream digest` shows it, and the DAG `clickstream_digest` sends it once a week.
"""

from clickstream.dashboard.digest.building import build_digest, check_week
from clickstream.dashboard.digest.content import Digest
from clickstream.dashboard.digest.delivery import Delivered, SentBefore, deliver
from clickstream.dashboard.digest.html import render_html, render_preview
from clickstream.dashboard.digest.message import MailIds, build_message
from clickstream.dashboard.digest.picture import draw_png
from clickstream.dashboard.digest.plain_text import render_text
from clickstream.dashboard.digest.week import Week

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
