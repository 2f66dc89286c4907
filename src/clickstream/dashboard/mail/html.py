"""Renders the HTML part of a mail, with tables and inline styles for mail programs."""

from __future__ import annotations

import base64
from functools import cache

from jinja2 import Environment, PackageLoader

from clickstream.dashboard.mail.content import Digest
from clickstream.dashboard.mail.picture import BEFORE, HEIGHT, NOW, WIDTH, draw_png
from clickstream.dashboard.mail.wording import HEADINGS, describe_days, subject_of
from clickstream.dashboard.templates import template_environment


@cache
def _environment() -> Environment:
    return template_environment(PackageLoader("clickstream.dashboard.mail"))


def render_html(digest: Digest, picture: str) -> str:
    """Render the HTML part; `picture` is an address such as `cid:visits@cafe.example`."""
    return (
        _environment()
        .get_template("mail.html")
        .render(
            digest=digest,
            picture=picture,
            size=(WIDTH, HEIGHT),
            colours=(NOW, BEFORE),
            subject=subject_of(digest),
            description=describe_days(digest),
            headings=HEADINGS,
        )
    )


def render_preview(digest: Digest) -> str:
    """Render the HTML part with the picture embedded, for browsers."""
    picture = base64.b64encode(draw_png(digest.days)).decode()
    return render_html(digest, f"data:image/png;base64,{picture}")
