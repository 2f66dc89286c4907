"""Texts that the parts of a mail share: subject, headings, and a description of the picture."""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.mail.content import Digest

HEADINGS: Mapping[str, str] = {
    "changed": "What changed",
    "figures": "Key figures",
    "days": "Visits a day",
    "goals": "Goals",
    "trust": "How complete the numbers are",
    "this_week": "This week",
    "week_before": "Week before",
    "change": "Change",
}


def subject_of(digest: Digest) -> str:
    """Write the subject on one line: site, week, the main figure and its change."""
    hero = digest.hero
    value = f"{hero.value} visits" if hero.name == "visits" else f"net sales {hero.value}"
    subject = f"{digest.site}, {digest.week.name}: {value}"
    if not digest.is_complete:
        return f"{subject}, incomplete"
    return f"{subject}, {hero.step}" if hero.step != NO_VALUE else subject


def describe_days(digest: Digest) -> str:
    """Describe the picture in words, for readers who do not see it."""
    days = ", ".join(
        f"{day.day} {day.value} (week before {day.before})"
        if digest.compared
        else f"{day.day} {day.value}"
        for day in digest.days
    )
    return f"{HEADINGS['days']}: {days}"
