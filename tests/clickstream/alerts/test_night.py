"""A scripted night: each channel gets one alert and one recovery of each incident, and no other."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.alerts.conftest import TOPIC, HttpServer
from tests.clickstream.alerts.night import EVENTS, FIRST, HOUR, Night
from tests.support.lake_settings import write_settings
from tests.support.lakes import aws_session
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess
from tests.support.sales_files import write_sales
from tests.support.smtp_server import MailServer
from tests.support.tiers import first_in_make_test

from clickstream.alerts.incidents import ALERT, LAKE, RECOVERY
from clickstream.alerts.texts import rule_texts
from clickstream.lake import open_lake
from clickstream.pipeline.proof.verify import verify
from clickstream.settings import load

LIMITS = """
[aws]
endpoint_url = "{aws}"

[[sales]]
name = "till"
kind = "csv"
columns = "generic"
currency = "EUR"
path = "till"

[alerts]
sns_topic = "{topic}"
recipients = ["ana@cafe.example"]
sender = "alerts@cafe.example"
mail_server = "smtp://127.0.0.1:{mail}"
airflow_url = "{airflow}"
disk_percent = 100
"""


@pytest.fixture
def night(
    local_aws: LocalAwsProcess,
    tmp_path: Path,
    mail_server: MailServer,
    webhook: HttpServer,
    airflow: HttpServer,
    sns: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Night]:
    """A night that has just begun. `time.time` and `time.sleep` are those of its clock."""
    file = write_settings(tmp_path, f"night_{tmp_path.name.replace('-', '_')}", ("web-1", "web-2"))
    limits = LIMITS.format(
        aws=local_aws.endpoint, topic=TOPIC, mail=mail_server.port, airflow=airflow.url
    )
    file.write_text(file.read_text(encoding="utf-8") + limits, encoding="utf-8")
    write_sales(tmp_path / "till", [FIRST.event_date], orders=5)
    environment = {"CLICKSTREAM_ALERTS__WEBHOOK": webhook.url, **CREDENTIALS}
    read = partial(load, file, environment)
    session = aws_session()
    open_lake(read(), session)
    begun = Night(file, read, session, local_aws, airflow)
    sleep = time.sleep
    monkeypatch.setattr(time, "time", begun.seconds)
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    yield begun
    monkeypatch.undo()


def parse_title(title: str) -> tuple[str, str, str]:
    """Return rule, subject and kind of a message from its subject line."""
    text = title.removeprefix("cafe: ")
    what = text.removeprefix("over: ")
    for rule, texts in rule_texts().items():
        pattern = re.escape(texts["title"]).replace(r"\{subject\}", "(.+)")
        if found := re.fullmatch(pattern, what):
            return rule, found[1] if found.groups() else LAKE, ALERT if text == what else RECOVERY
    raise AssertionError(title)


@pytest.mark.lake
@pytest.mark.parametrize("seed", first_in_make_test(range(4), 1))
def test_each_incident_of_a_night_is_one_alert_and_one_recovery_on_each_channel(
    night: Night, seed: int, mail_server: MailServer, webhook: HttpServer, sns: Any
) -> None:
    night.old_hours = 48 if seed else 12
    events = random.Random(seed).sample([*EVENTS], len(EVENTS))

    def received() -> list[Counter[tuple[str, str, str]]]:
        mails = [one.message["Subject"] for one in mail_server.received]
        titles = (mails, webhook.titles, [one[2] for one in sns])
        return [Counter(map(parse_title, one)) for one in titles]

    expected: Counter[tuple[str, str, str]] = Counter()
    night.pass_time(HOUR / 3)
    for event in events:
        event(night)
        expected.update((*one, ALERT) for one in EVENTS[event])
        for found in received():
            assert Counter({k: n for k, n in found.items() if k[2] == ALERT}) == expected, event
    for _ in range(4):
        if night.open_incidents:
            night.pass_time(HOUR)
    assert night.open_incidents == ()
    expected.update((rule, subject, RECOVERY) for rule, subject, _ in [*expected.elements()])
    assert received() == [expected] * 3
    assert verify(night.open_lake()).is_proven
