"""Builds the content of a week's mail from a lake."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from clickstream.alerts.lake_state import read_state_to_show
from clickstream.core.errors import AwsUnavailable, EmptyWeek, InputError
from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.engines import Reader, computed_views
from clickstream.dashboard.ask.fact_copy import EMPTY, FactCopy
from clickstream.dashboard.ask.periods import Period, period_of
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.changes.days import HISTORY
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.mail.content import Digest, build_content
from clickstream.dashboard.mail.week import Week
from clickstream.dashboard.widgets.page import PageContext
from clickstream.lake import Lake, aws_errors
from clickstream.lake.fact_files import Manifest, read_file, read_manifest

# Fetches the facts for a week's mail into a temporary local copy.
#
# Fetches only fact files of the dates that the mail needs, so the cost does not grow with the age
# of the lake. The mail always uses the fact files, even if the dashboard asks Athena.

ATTEMPTS = 5
"""Maximum number of reads of the manifest, if files are deleted because a newer one replaces it."""

_ONE_DAY = timedelta(days=1)


@contextlib.contextmanager
def open_page(lake: Lake, week: Week, moment: datetime) -> Iterator[PageContext]:
    """Open the Overview page of a week as of `moment`; remove the copy afterwards.

    Raises EmptyWeek if the lake has no fact files yet.
    """
    with tempfile.TemporaryDirectory(prefix="clickstream-digest-") as directory:
        views = computed_views(lake.settings)
        copy = FactCopy(Path(directory), lambda file: read_file(lake, file), views)
        try:
            fetch_facts(lake, copy, week, moment)
            with copy.snapshot() as snapshot:
                yield page_of_week(lake, snapshot, week, moment)
        finally:
            copy.close()


@aws_errors.translate_errors()
def fetch_facts(lake: Lake, copy: FactCopy, week: Week, moment: datetime) -> None:
    """Update a copy to the stored manifest, limited to the files that a week's mail needs.

    Raises EmptyWeek without a manifest, AwsUnavailable if every manifest is replaced while its
    files are read.
    """
    for _ in range(ATTEMPTS):
        stored = read_manifest(lake)
        if stored is None:
            raise EmptyWeek(
                f"There are no facts yet, so there is nothing to mail about {week}. Build its "
                "hours: run the hourly DAG or `clickstream build`."
            )
        zone = ZoneInfo(stored.value.time_zone)
        copy.update(restrict(stored.value, dates_needed(week, moment.astimezone(zone).date())))
        with copy.snapshot() as snapshot:
            if snapshot.state != EMPTY and snapshot.state.version == stored.value.version:
                return
    raise AwsUnavailable(
        f"The facts were replaced {ATTEMPTS} times while they were read. Nothing is lost: clear "
        "the task or run the command again."
    )


def page_of_week(lake: Lake, reader: Reader, week: Week, moment: datetime) -> PageContext:
    """Build the Overview page of a week, with a reader of facts."""
    settings, state = lake.settings, reader.state
    locale = parse_locale(settings.dashboard.language)
    zone = ZoneInfo(state.time_zone or settings.site.time_zone)

    def ask(question: Question) -> Answer:
        return Answer(question, reader.rows(question))

    return PageContext(
        View().with_days(week.first, week.last),
        ask,
        Formats(locale, settings.sales_currency),
        moment.astimezone(zone).replace(tzinfo=None),
        settings,
        zone,
        state,
        lake_state=read_state_to_show(lake, moment),
    )


def dates_needed(week: Week, today: date) -> list[Period]:
    """Return the UTC dates whose facts a week's mail needs; `today` is the site's date.

    These are the days that the comparison looks back, and the current month for
    the pace of monthly targets. A local date spans up to two UTC dates, so neighbouring dates are
    included.
    """
    looked_back = Period(week.first - timedelta(days=HISTORY), week.last)
    spans = (looked_back, period_of("month", today))
    return [Period(span.first - _ONE_DAY, span.last + _ONE_DAY) for span in spans]


def restrict(manifest: Manifest, spans: list[Period]) -> Manifest:
    """Return the manifest with only the files of the given dates."""
    return replace(
        manifest,
        files={
            view: {
                day: file
                for day, file in files.items()
                if any(span.first <= day <= span.last for span in spans)
            }
            for view, files in manifest.files.items()
        },
    )


def check_week(week: Week, moment: datetime, zone: ZoneInfo) -> None:
    """Raise InputError for a week that is not over at `moment` (with time zone)."""
    if moment < week.ends_at(zone):
        last = Week.last_complete(moment, zone)
        raise InputError(
            f"{week} is not over yet. Name a week up to {last}, the last complete one."
        )


def build_digest(lake: Lake, week: Week, moment: datetime) -> Digest:
    """Build the content of a week's mail as of `moment` (with time zone).

    Raises InputError for a week that is not over, EmptyWeek if none of its hours is published.
    """
    check_week(week, moment, ZoneInfo(lake.settings.site.time_zone))
    with open_page(lake, week, moment) as page:
        return build_content(page, week)
