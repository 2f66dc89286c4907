"""The facts of a mail: only the files it needs are read, and it says what all of them would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.mail.mails import digest_of
from tests.support.fact_lake import store_facts
from tests.support.facts import at_call, hooked

from clickstream.core.errors import AwsUnavailable, EmptyWeek, InputError
from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.mail import Week, build_digest, render_text
from clickstream.dashboard.mail.building import ATTEMPTS, dates_needed, restrict
from clickstream.lake import Lake, pull_states
from clickstream.lake.fact_files import MANIFEST_KEY, PREFIX
from clickstream.pipeline.hosts.host_freshness import expected_states
from clickstream.settings import GoalSettings

WEEK = Week.parse("2026-W46")
MOMENT = datetime(2026, 11, 16, 7, tzinfo=UTC)


def tables(weeks: int) -> dict:
    """Facts up to the week, and one more visit each week that its mail must count."""
    first = start_of(WEEK.last) - timedelta(days=7 * weeks - 1)
    end = WEEK.period.end + timedelta(hours=7)
    visits = [
        Visit(first + timedelta(days=day, hours=hour), 100 * day + hour, ("/", "/menu"))
        for day in range(7 * weeks)
        for hour in range(day % 7, 24, 2)
    ]
    return fact_tables(visits, hours_between(first, end))


def files_read(lake: Lake, week: Week = WEEK, moment: datetime = MOMENT) -> list[str]:
    """The keys of the fact files that a mail reads."""
    real, keys = lake.s3.get_object, []

    def get_object(**request):
        keys.append(request["Key"])
        return real(**request)

    watched = Lake(lake.settings, lake.session)
    watched.s3.get_object = get_object
    build_digest(watched, week, moment)
    return [key for key in keys if key.startswith(PREFIX) and key != MANIFEST_KEY]


@pytest.mark.lake
def test_the_files_that_a_mail_reads_do_not_grow_with_the_age_of_the_lake(lake: Lake) -> None:
    store_facts(lake, tables(12))
    read = files_read(lake)
    days = {key.rpartition("/")[2][:10] for key in read}
    # Eight weeks, the week itself, a day around them: the day after has 7 published hours.
    assert sorted(days)[0] == str(WEEK.first - timedelta(days=57))
    assert len(days) == 7 * 9 + 2
    assert {key.split("/")[1] for key in read} >= {"session_facts", "page_view_facts", "hour_facts"}


@pytest.mark.lake
def test_a_mail_from_the_files_it_needs_says_what_one_from_all_files_says(lake: Lake) -> None:
    rows = tables(11)
    store_facts(lake, rows)
    seconds = int(MOMENT.timestamp())
    for state in expected_states(lake):  # a mail also names sources that are not known
        pulled = replace(state, pulled_at=seconds, newest_line_at=seconds)
        pull_states.update_pull_state(lake, state.host, lambda _before, after=pulled: after)
    whole = digest_of(FactStore(rows), WEEK, lake.settings, language="en")
    mail = build_digest(lake, WEEK, MOMENT)
    assert "no recent hour" in mail.trust  # this lake has facts, and no hour in its ledger
    trust = [text for text in mail.trust if text != "no recent hour"]
    assert render_text(replace(mail, trust=trust)) == render_text(whole)


def test_a_later_mail_of_an_old_week_reads_the_month_whose_targets_it_shows(lake: Lake) -> None:
    chosen = lake.settings.dashboard.model_copy(update={"monthly_targets": {"order": 100}})
    update = {"dashboard": chosen, "goals": {"order": GoalSettings(page="/order")}}
    own = Lake(lake.settings.model_copy(update=update), lake.session)
    now = datetime(2027, 3, 10, 7, tzinfo=UTC)
    this_month = datetime(2027, 3, 2, 9)
    orders = [Visit(this_month, n, ("/",), goals=("order",)) for n in range(7)]
    hours = hours_between(datetime(2027, 3, 1), datetime(2027, 3, 6))
    store_facts(own, tables(2) | fact_tables(orders, hours))
    assert build_digest(own, WEEK, now).goals == [
        "order: this month 7 of 100; a forecast needs a week of data"
    ]


@given(
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    st.integers(0, 400),
    st.sampled_from(["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC", "Europe/London"]),
)
def test_each_hour_of_each_local_date_looked_back_at_is_in_a_needed_file(
    day: date, later: int, zone: str
) -> None:
    week = Week.of(day)
    spans = dates_needed(week, week.last + timedelta(days=later))
    for local in (week.first - timedelta(weeks=8), week.first, week.last):
        for hour in (0, 23):
            moment = datetime(local.year, local.month, local.day, hour, tzinfo=ZoneInfo(zone))
            found = moment.astimezone(UTC).date()
            assert any(span.first <= found <= span.last for span in spans)


def test_only_files_of_the_dates_are_left_of_a_manifest() -> None:
    store = FactStore(tables(3))
    some = restrict(store.manifest, [replace(WEEK.period)])
    assert {day for files in some.files.values() for day in files} == set(WEEK.period.dates)
    assert (some.version, some.time_zone) == (store.manifest.version, "UTC")


def test_facts_that_are_replaced_meanwhile_are_read_again(lake: Lake) -> None:
    store_facts(lake, tables(2))
    more = [Visit(start_of(WEEK.first), 5000 + n) for n in range(50)]
    end = WEEK.period.end

    def replace_all() -> None:
        old = lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="facts/page_view")["Contents"]
        store_facts(lake, fact_tables(more, hours_between(start_of(WEEK.first), end)))
        for item in old:
            lake.s3.delete_object(Bucket=lake.bucket, Key=item["Key"])

    digest = build_digest(hooked(lake, "s3", "get_object", at_call(3, replace_all)), WEEK, MOMENT)
    assert digest.hero.value == "50"


def test_facts_that_vanish_again_and_again_are_an_error_that_passes(lake: Lake) -> None:
    store_facts(lake, tables(1))
    for item in lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="facts/hour")["Contents"]:
        lake.s3.delete_object(Bucket=lake.bucket, Key=item["Key"])
    with pytest.raises(AwsUnavailable, match=f"replaced {ATTEMPTS} times while they were read"):
        build_digest(lake, WEEK, MOMENT)


def test_a_lake_without_facts_and_a_week_that_is_not_over_are_errors(lake: Lake) -> None:
    with pytest.raises(EmptyWeek, match="There are no facts yet"):
        build_digest(lake, WEEK, MOMENT)
    with pytest.raises(InputError, match=r"2026-W47 is not over yet\. Name a week up to 2026-W46"):
        build_digest(lake, Week.parse("2026-W47"), MOMENT)
