"""Checks of a real lake, and what the servers of the channels receive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.clickstream.alerts.conftest import HOUR, HttpServer, with_channels
from tests.support.lakes import aws_session
from tests.support.smtp_server import MailServer

from clickstream.alerts.check import check_alerts
from clickstream.alerts.incidents import Incidents, Mute
from clickstream.alerts.runs import report_failed_task, report_run_succeeded
from clickstream.alerts.store import INCIDENTS, LakeStore
from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects
from clickstream.pipeline.proof.verify_record import read_verify_record, record_verification
from clickstream.settings import DashboardSettings, Settings

NOW = HOUR.end + timedelta(minutes=20)
KEY = INCIDENTS.key("incidents")
FAILS = "site: requests fail (/order)"
REJECTS = "site: many lines can't be read"
FINDINGS = "site: hours are not right"
FAILED_RUN = "site: a run of clickstream_hourly failed"


def minutes(number: int) -> datetime:
    return NOW + timedelta(minutes=number)


@pytest.fixture
def lake(
    wave_settings: Settings, mail_server: MailServer, webhook: HttpServer, sns: Any
) -> Iterator[Lake]:
    docs = DashboardSettings(docs_url="https://git.example/docs/")
    settings = wave_settings.model_copy(update={"dashboard": docs})
    lake = Lake(with_channels(settings, mail_server, webhook), aws_session())
    yield lake
    objects.delete(lake, [KEY, "health/verify.json"])


def test_each_channel_gets_one_alert_and_one_recovery_of_an_incident(
    lake: Lake, mail_server: MailServer, webhook: HttpServer, sns: Any
) -> None:
    record_verification(lake, "hours", HOUR, HOUR, [HOUR], NOW)
    assert len(check_alerts(lake, NOW).attempts) == 9
    assert check_alerts(lake, minutes(2)).attempts == ()
    assert sorted(webhook.titles) == sorted([FAILS, REJECTS, FINDINGS])
    record_verification(lake, "hours", HOUR, HOUR, [], NOW)
    assert [len(check_alerts(lake, minutes(at)).attempts) for at in (4, 13, 14)] == [0, 0, 3]
    titles = [FAILS, REJECTS, FINDINGS, f"site: over: {FINDINGS.removeprefix('site: ')}"]
    mails = [one.message for one in mail_server.received]
    for received in (webhook.titles, [one["Subject"] for one in mails], [one[2] for one in sns]):
        assert sorted(received) == sorted(titles)
    assert {one.rule for one in LakeStore(lake).read().open} == {"error_share", "reject_share"}
    assert mail_server.received[0].recipients == ["ana@cafe.example", "ben@cafe.example"]
    text = next(one for one in mails if one["Subject"] == FAILS).get_content()
    assert "25 of 26 requests for /order failed in the newest hours, 96%. (CS-710)" in text
    assert "Runbook: https://git.example/docs/runbook.md#cs-710" in text
    assert {"Lost", "By itself", "What to do"} <= {
        line.partition(":")[0] for line in text.splitlines()
    }
    assert mails[0]["Auto-Submitted"] == "auto-generated"
    assert mails[0]["List-Id"]


def test_a_channel_that_fails_gets_the_alert_later_and_the_others_not_twice(
    lake: Lake, mail_server: MailServer, webhook: HttpServer, sns: Any
) -> None:
    webhook.status, mail_server.rules.sender = 302, "550 no"
    failed = check_alerts(lake, NOW)
    assert {one.rpartition(" ")[2] for one in failed.problems} == {"(CS-502)", "(CS-506)"}
    assert not any("secret" in one for one in failed.problems)
    webhook.status, mail_server.rules.sender = 200, ""
    check_alerts(lake, minutes(2))
    assert len(webhook.posts) == len(mail_server.received) == len(sns) == 2


def test_a_mute_delays_alerts_and_ends(lake: Lake, webhook: HttpServer) -> None:
    mute = Mute("reject_share", minutes(30), "Known")
    LakeStore(lake).change(lambda before: (before.mute(mute, NOW), None))
    check_alerts(lake, NOW)
    assert webhook.titles == [FAILS]
    check_alerts(lake, minutes(30))
    assert webhook.titles == [FAILS, REJECTS]


def test_forty_red_tasks_are_one_alert_and_a_newer_green_run_one_recovery(
    lake: Lake, webhook: HttpServer
) -> None:
    first, second = HOUR.start, HOUR.end
    for task in range(40):
        run_at = (first, second)[task % 2]
        run = f"scheduled__{run_at:%Y-%m-%dT%H}"
        report_failed_task(lake, NOW, "clickstream_hourly", run, run_at, f"Task {task}. (CS-302)")
    report_failed_task(lake, NOW, "clickstream_daily", "scheduled", first, "No answer. (CS-401)")
    report_run_succeeded(lake, minutes(1), "clickstream_hourly", first)
    assert webhook.titles == [FAILED_RUN]
    report_run_succeeded(lake, minutes(2), "clickstream_hourly", second)
    report_run_succeeded(lake, minutes(3), "clickstream_hourly", second)
    assert webhook.titles == [FAILED_RUN, "site: over: a run of clickstream_hourly failed"]
    assert LakeStore(lake).read().open == ()


def test_a_verification_replaces_the_findings_of_its_range_only(lake: Lake) -> None:
    assert read_verify_record(lake) is None
    earlier = [Hour.parse("2026-11-18T05"), Hour.parse("2026-11-19T05")]
    record_verification(lake, "hours", None, None, earlier, NOW)
    record_verification(lake, "sales", earlier[0], HOUR, [HOUR.event_date, None], NOW)
    record_verification(lake, "hours", earlier[1], HOUR, [HOUR], NOW)
    record = read_verify_record(lake)
    assert record is not None
    assert record.found["hours"] == (str(earlier[0]), str(HOUR))
    assert (record.findings, record.first, record.last) == (4, str(earlier[1]), str(HOUR))
    record_verification(lake, "sales", None, None, [], NOW)
    record_verification(lake, "hours", None, None, [], NOW)
    record = read_verify_record(lake)
    assert record is not None
    assert (record.findings, record.named) == (0, "")


def test_incidents_of_another_release_are_an_error_that_names_the_remedy(lake: Lake) -> None:
    objects.put(lake, KEY, b'{"open": [1]}')
    with pytest.raises(Exception, match=f"{KEY} does not have incidents.*Delete it"):
        LakeStore(lake).change(lambda _: (Incidents(), None))
