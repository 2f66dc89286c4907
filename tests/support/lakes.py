"""Lakes of a test's own on the local AWS: their settings, and a session that opens them."""

from __future__ import annotations

import uuid
from pathlib import Path

import boto3
import botocore.session
import pyarrow as pa
from botocore.credentials import Credentials
from tests.support.localaws_process import CREDENTIALS

from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, athena, hour_ledger, open_lake
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.hour.step_results import Published
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import AwsSettings, LakeSettings, Settings, SourceSettings
from clickstream.settings.sections import BuildSettings
from clickstream.tables import Table
from clickstream.tables.table_type import ARROW

SERVICE_DESCRIPTIONS = botocore.session.Session().get_component("data_loader")
SQL = Path(__file__).parents[2] / "include" / "sql"


def settings_of_a_lake(endpoint: str, logs: Path) -> Settings:
    """Settings of a lake that is not there yet, with one source."""
    name = uuid.uuid4().hex[:12]
    return Settings(
        sources=(SourceSettings(name="web-1", path=str(logs)),),
        lake=LakeSettings(
            bucket=f"lake-{name}", database=f"lake_{name}", key_secret=f"keys-{name}"
        ),
        aws=AwsSettings(endpoint_url=endpoint, region=CREDENTIALS["AWS_DEFAULT_REGION"]),
        build=BuildSettings(sql_directory=str(SQL)),
    )


def beside(settings: Settings, name: str) -> Settings:
    """The same with a bucket and a database of their own, but the same visitor keys and logs."""
    lake = settings.lake
    own = {"bucket": f"{lake.local_bucket}-{name}", "database": f"{lake.database}_{name}"}
    return settings.model_copy(update={"lake": lake.model_copy(update=own)})


def built(settings: Settings, first: Hour, last: Hour) -> Lake:
    """The lake of some settings, the logs of its first source pulled and a range of hours built."""
    lake = open_lake(settings, aws_session())
    pull_source(lake, settings.sources[0])
    build_all(lake, first, last, "tests")
    return lake


def aws_session(credentials: Credentials | None = None) -> boto3.Session:
    """A new session as another process would have, by default with the local AWS's credentials.

    All sessions share the descriptions of the services, which take 0.3 s of CPU time to load.
    """
    core = botocore.session.Session()
    core.register_component("data_loader", SERVICE_DESCRIPTIONS)
    core._credentials = credentials or Credentials(
        CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    )
    return boto3.Session(botocore_session=core)


def build_all(lake: Lake, first: Hour, last: Hour, run_id: str) -> list[Published]:
    """Build and publish every hour from `first` to `last`."""
    return list(rebuild(lake, [*hour_range(first, last)], run_id))


def contents(lake: Lake) -> list[object]:
    """All that readers see, but for who published it and when."""
    tables = ("hits", "session_parts", "rejects", "raw_objects")
    rows = [sorted(map(str, athena.query(lake, f"select * from {t}").rows)) for t in tables]
    ledger = hour_ledger.ledger(lake).drop(columns=["published_at", "published_by"])
    return [*rows, ledger.astype(str).to_dict("records")]


def sortable_columns(table: Table) -> list[str]:
    """The columns that rows can be sorted by: all but maps and lists."""
    return [c.name for c in table.columns if not pa.types.is_nested(ARROW[c.type])]
