"""An hour records the date of the list of hosting networks that it was built with."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.lakes import beside, built, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.hours import Hour
from clickstream.demo.asn_ranges import write_ranges
from clickstream.lake import Lake, athena, hour_ledger
from clickstream.lookups.asn import packed_address
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.settings import Settings, SourceSettings
from clickstream.step_config import result_digest

HOUR = Hour.parse("2026-11-20T22")
DATED = date(2026, 6, 17)


@pytest.fixture(scope="module")
def settings(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a lake with some lines, and an ASN database that knows all their addresses."""
    logs = tmp_path_factory.mktemp("networks")
    everything = (packed_address("1.0.0.0"), packed_address("223.255.255.255"), 16509)
    write_ranges(logs / "asn.arrow", [everything], "test", DATED)
    write(logs / "web-1", log_lines(5, HOUR, HOUR))
    base = settings_of_a_lake(local_aws.endpoint, logs)
    source = SourceSettings(name="web-1", path=str(logs / "web-1"))
    geoip = base.geoip.model_copy(update={"asn_database": str(logs / "asn.arrow")})
    return base.model_copy(update={"sources": (source,), "geoip": geoip})


def with_values(settings: Settings, section: str, **values: Any) -> Settings:
    changed = getattr(settings, section).model_copy(update=values)
    return settings.model_copy(update={section: changed})


def dated(lake: Lake) -> list[Any]:
    return hour_ledger.ledger(lake)["networks_dated"].tolist()


def test_an_hour_has_the_date_of_the_database(settings: Settings) -> None:
    lake = built(settings, HOUR, HOUR)
    refresh_views(lake)
    assert dated(lake) == [DATED]
    [(fact,)] = athena.query(lake, "select networks_dated from hour_facts").rows
    assert str(fact) == str(DATED)
    reasons = athena.query(lake, "select distinct bot_reason from hits where is_bot").rows
    assert "network: hosting, Amazon (AS16509)" in {reason for (reason,) in reasons}


def test_without_a_list_the_date_is_null(settings: Settings) -> None:
    lake = built(beside(with_values(settings, "bots", hosting=False), "off"), HOUR, HOUR)
    assert dated(lake) == [None]
    operators = athena.query(lake, "select count(operator_id) from session_parts").rows
    assert int(operators[0][0]) > 0


def test_another_database_or_switch_is_another_settings_digest(
    settings: Settings, tmp_path: Path
) -> None:
    whole = (packed_address("1.0.0.0"), packed_address("1.0.0.255"), 1)
    write_ranges(tmp_path / "asn.arrow", [whole], "test", date(2026, 7, 1))
    newer = with_values(settings, "geoip", asn_database=str(tmp_path / "asn.arrow"))
    without = with_values(settings, "geoip", asn_database="")
    off = with_values(settings, "bots", hosting=False)
    assert len({result_digest(one) for one in (settings, newer, without, off)}) == 4
