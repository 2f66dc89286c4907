"""The lake of an older release is extended and read by the present one."""

from __future__ import annotations

from pathlib import Path

from tests.clickstream.upgrade.stored_lake import restore, settings_of_the_lake
from tests.support.lakes import aws_session
from tests.support.localaws_process import LocalAwsProcess

from clickstream.lake import athena, open_lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.tables import TABLES

ARCHIVE = Path(__file__).with_name("layout-3.tar.xz")
RELATIONS = ("hits", "rejects", "hour_ledger", "sessions", "session_facts", "page_view_facts")


def test_tables_get_the_new_columns_and_views_answer_as_before(
    local_aws: LocalAwsProcess, tmp_path: Path
) -> None:
    settings = settings_of_the_lake(local_aws.endpoint, tmp_path / "logs")
    unopened, _ = restore(ARCHIVE, settings)
    before = {name: athena.query(unopened, f"select * from {name}") for name in RELATIONS}
    lake = open_lake(settings, aws_session())
    refresh_views(lake)
    for table in TABLES:
        stored = iceberg_tables.load(lake, table).iceberg.schema()
        assert [field.name for field in stored.fields] == table.column_names
    for name, answer in before.items():
        now = athena.query(lake, f"select {', '.join(answer.columns)} from {name}")
        assert answer.rows
        assert sorted(map(str, now.rows)) == sorted(map(str, answer.rows)), name
