"""Texts that the parts of a mail share: subject, headings, and a description of the picture."""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.dashboard.digest.content import Digest
from clickstream.dashboard.tabs.overview.movers import NOTHING_MOVED
from clickstream.dashboard.texts import mark

HEADINGS: Mapping[str, str] = {
    "changed": mark("What changed"),
    "figures": mark("Key figures"),
    "days": mark("Visits a day"),
    "moved": mark("Biggest changes"),
    "nothing_moved": NOTHING_MOVED,
    "goals": mark("Goals"),
    "trust": mark("How complete the numbers are"),
    "this_week": mark("This week"),
    "week_before": mark("Week before"),
    "usual": mark("Usual"),
    "change": mark("Change"),
}


def subject_of(digest: Digest) -> str:
    """Write the subject on one line: site, week, the visits and their change."""
    text = digest.formats.text
    values = {
        "site": digest.site,
        "week": digest.week.name(digest.formats),
        "visits": digest.visits.value,
        "change": digest.visits.change_text,
    }
    if digest.visits.change and digest.visits.change.direction == "same":
        values["change"] = text(mark("no clear change"))
    if not digest.is_complete:
        return text(mark("%(site)s, %(week)s: %(visits)s visits, incomplete"), **values)
    if values["change"]:
        return text(mark("%(site)s, %(week)s: %(visits)s visits, %(change)s"), **values)
    return text(mark("%(site)s, %(week)s: %(visits)s visits"), **values)


def describe_days(digest: Digest) -> str:
    """Describe the picture in words, for readers who do not see it."""
    text = digest.formats.text
    days = ", ".join(
        text(
            mark("%(day)s %(visits)s (week before %(before)s)"),
            day=day.day,
            visits=day.value,
            before=day.before,
        )
        if digest.compared
        else f"{day.day} {day.value}"
        for day in digest.days
    )
    return f"{text(HEADINGS['days'])}: {days}"
