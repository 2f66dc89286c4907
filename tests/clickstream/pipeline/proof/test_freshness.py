"""Freshness: what is late, missing or unknown follows from what the lake records and the time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.clickstream.pipeline.builders import store_line
from tests.support.cases import each_case

from clickstream.alerts.incidents import Conditions, Incidents, Rule
from clickstream.alerts.lake_state import Health, LakeState
from clickstream.cli.status_output import show_status, status_values
from clickstream.completeness import LowHour
from clickstream.core.errors import StateCode
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, pull_states
from clickstream.lake.pull_states import PullState, RefusedFile, SetAsideFile
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.proof.freshness import (
    PUBLICATION_LIMIT,
    Freshness,
    FreshnessLimits,
    LakeRecords,
    PublishedHour,
    SalesFreshness,
    lake_freshness,
    measure_freshness,
)
from clickstream.pipeline.publish.late_lines import LateHour

NOW = datetime(2026, 11, 26, 13, 5, tzinfo=UTC)
RUNNING = Hour.of(NOW)
SINCE = RUNNING.minus(30)
MINUTE = timedelta(minutes=1)


def health(found: Freshness) -> Health:
    return LakeState(found).health


def problems(found: Freshness) -> list[str]:
    return [problem.sentence for problem in found.problems]


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


SOURCE = PullState("web-1", seconds(NOW - MINUTE), seconds(NOW - 2 * MINUTE), files=3)
BUILT = PublishedHour(NOW - 3 * MINUTE, "scheduled", is_current=True)
FRESH = LakeRecords(
    SINCE, dict.fromkeys(hour_range(SINCE, RUNNING.previous), BUILT), {}, {}, [], [SOURCE]
)


def measured(records: LakeRecords, limits: FreshnessLimits | None = None) -> Freshness:
    return measure_freshness(records, NOW, limits or FreshnessLimits())


def with_source(**values: object) -> LakeRecords:
    return replace(FRESH, sources=[replace(SOURCE, **values)])


def test_a_lake_with_every_hour_and_a_recent_pull_is_fresh() -> None:
    found = measured(FRESH)
    assert (health(found), problems(found), found.unknowns) == (Health.FRESH, [], [])
    assert (found.newest, found.lag) == (RUNNING.previous, 5 * MINUTE)
    assert found.sources[0].lag == 2 * MINUTE
    assert LakeState(found).exit_code == 0


@each_case("is_late", [False, True])
@each_case("is_unpulled", [False, True])
@each_case("is_unreadable", [False, True])
@each_case("incidents", [0, 1, 3])
def test_the_first_line_and_the_exit_code_count_all_that_is_wrong(
    is_late: bool, is_unpulled: bool, is_unreadable: bool, incidents: int
) -> None:
    failing = (NOW - 3 * MINUTE, "It refuses the login. (CS-802)") if is_unreadable else None
    shop = SalesFreshness("shop", 3, NOW.date(), NOW, "tests", 0, 0, failing=failing)
    records = replace(FRESH, sales=[shop], sources=[] if is_unpulled else FRESH.sources)
    if is_late:
        records = replace(records, published=dict.fromkeys([SINCE], BUILT))
    subjects = {f"page {number}": "It fails. (CS-706)" for number in range(incidents)}
    opened = Incidents().observe([Conditions(Rule.ERROR_SHARE, subjects)], NOW, ())
    found = measured(records)
    bad = is_late or is_unreadable
    expected = 1 if bad or incidents else 2 if is_unpulled else 0
    state = LakeState(found, opened)
    values = json.loads(json.dumps(status_values(state)))
    assert values["exit_code"] == expected == state.exit_code
    assert len(values["problems"]) == 2 * is_late + is_unreadable
    out = StringIO()
    show_status(state, Console(file=out, width=200))
    first, rest = out.getvalue().split("\n", 1)
    assert first.startswith("Fresh") == (not bad and not is_unpulled)
    named = re.search(r", (\d) open problems?\b", first)
    number = incidents + 2 * is_late + is_unreadable
    assert (int(named[1]) if named else 0) == number
    assert rest.count("Incident ") == incidents
    assert ("Sales of shop can't be read since 2026-11-26 13:02 UTC" in rest) == is_unreadable


HOURS = st.integers(1, 30).map(RUNNING.minus)
AGES = st.timedeltas(timedelta(), timedelta(days=2))


@given(
    published=st.sets(HOURS, min_size=1),
    waiting=st.dictionaries(st.integers(-2, 40).map(RUNNING.minus), AGES),
    publishing=st.dictionaries(HOURS, AGES),
    past_window=st.sets(HOURS, max_size=3),
)
def test_a_lake_is_fresh_only_if_nothing_is_late_missing_or_broken_off(
    published: set[Hour],
    waiting: Mapping[Hour, timedelta],
    publishing: Mapping[Hour, timedelta],
    past_window: set[Hour],
) -> None:
    published_late = published & waiting.keys()
    past_window &= published_late
    records = replace(
        FRESH,
        published=dict.fromkeys(published, BUILT),
        waiting_since={hour: NOW - age for hour, age in waiting.items()},
        publishing_since={hour: NOW - age for hour, age in publishing.items()},
        late=[LateHour(hour, 1, 2, hour in past_window) for hour in sorted(published_late)],
    )
    found = measured(records)
    missing = {*hour_range(min(published), RUNNING.minus(4))} - published
    missing |= {*hour_range(min(published), max(published))} - published
    over = {hour for hour in waiting if hour < RUNNING} - past_window
    late = {hour for hour in over if waiting[hour] > FreshnessLimits().lag}
    stuck = {hour for hour, age in publishing.items() if age > PUBLICATION_LIMIT}
    assert {*found.missing} == missing
    assert {*found.waiting, *found.reopened} == over
    assert {*found.reopened} == over & published
    assert {*found.late} == late
    assert {one.hour for one in found.past_window} == past_window
    assert ({*found.broken_off}, {*found.publishing}) == (stuck, publishing.keys() - stuck)
    assert found.newest == max(published)
    is_old = NOW - max(published).end > FreshnessLimits().lag
    assert (health(found) is Health.FRESH) == (not (missing or late or stuck or is_old))
    assert (health(found) is Health.LATE) == bool(found.problems)
    states = {StateCode.NO_RECENT_HOUR: is_old, StateCode.LINES_WAIT: late}
    states |= {StateCode.MISSING: missing, StateCode.INTERRUPTED: stuck}
    codes = [sentence[-7:-1] for sentence in problems(found)]
    assert codes == [code for code, is_so in states.items() if is_so]
    shown = StringIO()
    show_status(LakeState(found), Console(file=shown, width=300))
    failing = [line for line in shown.getvalue().splitlines() if line.startswith("✗")]
    assert {line.rstrip()[-7:-1] for line in failing} == {*codes}


def test_an_hour_from_the_future_does_not_make_a_lake_fresh() -> None:
    old = dict.fromkeys(hour_range(SINCE, RUNNING.minus(8)), BUILT)
    found = measured(replace(FRESH, published={**old, RUNNING.plus(5): BUILT}))
    assert (found.newest, health(found)) == (RUNNING.minus(8), Health.LATE)
    assert problems(found) == [
        "The newest published hour is 2026-11-26T05, 7 hours 5 minutes ago; the limit is 3 hours. "
        "(CS-701)",
        "4 hours missing: 2026-11-26T06 to 2026-11-26T09 (4 hours). (CS-703)",
    ]


def test_limits_decide_what_is_late() -> None:
    old = replace(FRESH, published=dict.fromkeys(hour_range(SINCE, RUNNING.minus(8)), BUILT))
    assert health(measured(old, FreshnessLimits(lag=timedelta(hours=8)))) is Health.FRESH
    quiet = with_source(newest_line_at=seconds(NOW - timedelta(hours=30)))
    assert problems(measured(quiet)) == [
        "Host web-1: its newest line is 1 day 6 hours old. (CS-706)"
    ]
    assert health(measured(quiet, FreshnessLimits(source_lag=timedelta(days=2)))) is Health.FRESH


def test_a_refused_file_and_a_pull_that_stopped_are_problems_and_a_file_set_aside_is_none() -> None:
    refused = with_source(refused=(RefusedFile("x.log", "1", "no known format"),))
    assert problems(measured(refused)) == [
        "Host web-1: 1 file refused, x.log: no known format (CS-207)"
    ]
    stopped = with_source(pulled_at=seconds(NOW - timedelta(hours=5)))
    assert problems(measured(stopped)) == ["Host web-1 was last pulled 5 hours ago. (CS-706)"]
    set_aside = with_source(set_aside=(SetAsideFile("error.log", "2"),))
    assert health(measured(set_aside)) is Health.FRESH


def test_a_host_that_can_t_be_pulled_is_a_problem_with_its_reason_and_since_when() -> None:
    failure = "The host did not answer within 15 seconds."
    down = with_source(failed_at=seconds(NOW - MINUTE), failure=failure)
    found = measured(down)
    assert health(found) is Health.LATE
    assert problems(found) == [f"Host web-1 can't be pulled since 2026-11-26 13:04 UTC: {failure}"]
    assert (found.sources[0].failure, found.sources[0].failed_at) == (failure, NOW - MINUTE)
    never = with_source(pulled_at=None, failed_at=seconds(NOW), failure=failure)
    assert problems(measured(never)) == [f"Host web-1 can't be pulled and never was: {failure}"]


def test_hours_that_lack_a_host_are_a_problem_once_they_are_over() -> None:
    lacking = {RUNNING.minus(n): ("web.i-0a", "web.i-0b") for n in (3, 2)}
    lacking |= {RUNNING.minus(5): ("web.i-0b",), RUNNING: ("web.i-0c",)}
    found = measured(which_lacks(lacking))
    assert health(found) is Health.LATE
    assert problems(found) == [
        "2 hours lack web.i-0a: 2026-11-26T10 to 2026-11-26T11 (2 hours). (CS-705)",
        "3 hours lack web.i-0b: 2026-11-26T08, 2026-11-26T10 to 2026-11-26T11 (2 hours). (CS-705)",
    ]
    one = measured(which_lacks({RUNNING.previous: ("web-1",)}))
    assert problems(one) == ["1 hour lacks web-1: 2026-11-26T12. (CS-705)"]
    assert health(measured(which_lacks({RUNNING: ("web-1",)}))) is Health.FRESH


def which_lacks(hosts: Mapping[Hour, tuple[str, ...]]) -> LakeRecords:
    lacking = {hour: replace(BUILT, lacks=names) for hour, names in hosts.items()}
    return replace(FRESH, published={**FRESH.published, **lacking})


def test_hours_with_few_lines_are_a_doubt_and_no_problem() -> None:
    low = [LowHour(RUNNING.minus(n), "web-1", 1_230, 2_215) for n in (3, 2)]
    found = measured(replace(FRESH, low=low))
    assert (health(found), problems(found)) == (Health.FRESH, [])
    assert found.doubts == [
        "2 hours perhaps incomplete: web-1 has 2,460 lines, in other weeks about 4,430; last "
        "pulled 2026-11-26 13:04 UTC: 2026-11-26T10 to 2026-11-26T11 (2 hours)."
    ]


def test_retired_hosts_do_not_count_and_lacking_hours_are_read_from_the_ledger(lake: Lake) -> None:
    hour = RUNNING.minus(4)
    store_line(lake, hour, "web-1")
    list(rebuild(lake, [hour], "tests"))
    later = datetime.now(UTC) + timedelta(hours=1)
    found = lake_freshness(lake, later, hour)
    assert [(one.name, one.hours) for one in found.missing_hosts] == [("web-1", (hour,))]
    assert lake_freshness(lake, later, hour.next).missing_hosts == ()
    retired = replace(PullState("web-1"), retired_at=1)
    pull_states.update_pull_state(lake, "web-1", lambda _: retired)
    assert lake_freshness(lake, later, hour).sources == ()


def test_what_can_t_be_known_is_neither_fresh_nor_late() -> None:
    for records in (
        replace(FRESH, published={}),
        replace(FRESH, sources=[]),
        replace(FRESH, sources=[PullState("web-1")]),
    ):
        found = measured(records)
        assert (health(found), problems(found), len(found.unknowns)) == (Health.UNKNOWN, [], 1)
        assert LakeState(found).exit_code == 2


def test_hours_of_other_settings_or_versions_are_listed() -> None:
    other = replace(BUILT, is_current=False)
    found = measured(replace(FRESH, published={**FRESH.published, SINCE: other}))
    assert (found.outdated, health(found)) == ((SINCE,), Health.FRESH)


def test_a_lake_s_records_are_read(lake: Lake) -> None:
    """Two hours built, late lines for the first, an hour that was never built; one source."""
    first, second, third = hour_range(RUNNING.minus(4), RUNNING.minus(2))
    for hour in (first, second, third):
        store_line(lake, hour, "web-1")
    list(rebuild(lake, [first, second], "tests"))
    store_line(lake, first, "web-2")
    pull_states.update_pull_state(lake, "web-1", lambda _: SOURCE)

    later = datetime.now(UTC) + timedelta(hours=1)
    found = lake_freshness(lake, later, first, FreshnessLimits(timedelta(days=900)))

    assert (found.newest, found.hours) == (second, 2)
    assert (found.reopened, found.waiting, found.missing) == ((first,), (third,), ())
    assert found.perhaps_incomplete == ()
    assert (found.late, found.outdated, found.publishing) == ((), (), ())
    assert found.sources[0].name == "web-1"
    strict = lake_freshness(lake, later, second, FreshnessLimits(timedelta()))
    assert (strict.hours, strict.late) == (1, (first, third))
