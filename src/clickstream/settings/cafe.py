"""The settings of the demo's café, which do not apply to other logs.

This repository's settings file describes the café until the user changes `[site] name`. The demo
with own logs and `clickstream try` leave out what is only about the café.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from clickstream.settings.loading import load
from clickstream.settings.sections import Settings

CAFE = "cafe"
"""The name of the site in the settings of this repository, until the user sets another."""

NOT_THE_CAFE = {
    "CLICKSTREAM_SITE__NAME": "own-logs",
    "CLICKSTREAM_SITE__TITLE": "My logs",
    "CLICKSTREAM_SITE__DOMAINS": "[]",
    "CLICKSTREAM_SITE__TIME_ZONE": "UTC",
    "CLICKSTREAM_DASHBOARD__KEEP_DAYS": "3660",
    "CLICKSTREAM_DASHBOARD__MONTHLY_TARGETS": "{}",
    "CLICKSTREAM_DASHBOARD__ICON": "chart",
    "CLICKSTREAM_DASHBOARD__ITEM_PAGES": "",
    "CLICKSTREAM_GOALS": "{}",
    "CLICKSTREAM_FUNNEL": "[]",
}
"""Settings for the user's own logs, in place of the café's name, domains, time zone and goals."""


def variables_for_own_logs(chosen: Settings) -> dict[str, str]:
    """Return the environment variables that leave out the café; none if it is another site.

    Variables of the environment stay as the user has set them.
    """
    if chosen.site.name != CAFE:
        return {}
    return {name: value for name, value in NOT_THE_CAFE.items() if name not in os.environ}


def load_for(logs: Sequence[str]) -> tuple[Settings, str]:
    """Load the settings for some logs, and describe in a sentence what was left out of them.

    The sentence is empty if nothing was: the site is another one, nothing in the settings is about
    the café, or a log is in the directory of one of the settings' sources.
    """
    chosen = load()
    left_out = variables_for_own_logs(chosen)
    if not left_out or any(_is_of_source(log, chosen) for log in logs):
        return chosen, ""
    own = load(environment={**os.environ, **left_out})
    same = (own.site.domains, own.goals, own.funnel)
    if (chosen.site.domains, chosen.goals, chosen.funnel) == same:
        return own, ""
    return own, (
        f'Left out the domains, goals and funnel of the settings, because [site] name is "{CAFE}", '
        "the demo's site. To use yours, set another name."
    )


def _is_of_source(log: str, chosen: Settings) -> bool:
    directories = [chosen.resolve(source.path).resolve() for source in chosen.sources]
    return any(Path(log).resolve().is_relative_to(directory) for directory in directories)
