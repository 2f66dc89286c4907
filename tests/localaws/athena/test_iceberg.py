"""Iceberg tables written by pyiceberg and read through Athena: hours, schema changes, snapshots."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.expressions import EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    DateType,
    DecimalType,
    DoubleType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
)
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

START = datetime(2026, 11, 20, 22)
HOUR_SCHEMA = Schema(
    NestedField(1, "event_date", DateType(), required=False),
    NestedField(2, "hour_at", TimestampType(), required=False),
    NestedField(3, "visitor", StringType(), required=False),
    NestedField(4, "amount", LongType(), required=False),
)
BY_DATE = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "event_date"))


@pytest.fixture(scope="module")
def catalog(local_aws: LocalAwsProcess) -> GlueCatalog:
    return GlueCatalog(
        "glue",
        **{
            "glue.endpoint": local_aws.endpoint,
            "glue.region": CREDENTIALS["AWS_DEFAULT_REGION"],
            "glue.access-key-id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "glue.secret-access-key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            "s3.endpoint": local_aws.endpoint,
            "s3.region": CREDENTIALS["AWS_DEFAULT_REGION"],
            "s3.access-key-id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "s3.secret-access-key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        },
    )


def new_table(
    catalog: GlueCatalog, athena: AthenaClient, schema: Schema, spec: PartitionSpec
) -> tuple[str, Table]:
    name = f"t_{uuid.uuid4().hex[:10]}"
    bucket = athena.output.split("/")[2]
    location = f"s3://{bucket}/tables/{name}"
    return name, catalog.create_table((athena.database, name), schema, location, spec)


def hour_rows(hour: int, count: int, amount: int = 1) -> pa.Table:
    at = START + timedelta(hours=hour)
    rows = {
        "event_date": [at.date()] * count,
        "hour_at": [at] * count,
        "visitor": [f"v{number % 3}" for number in range(count)],
        "amount": [amount] * count,
    }
    kinds = [pa.date32(), pa.timestamp("us"), pa.string(), pa.int64()]
    return pa.table(rows, pa.schema(list(zip(rows, kinds, strict=True))))


def scanned(execution: dict[str, Any]) -> int:
    return int(execution["Statistics"]["DataScannedInBytes"])


# The first overwrite of an hour finds nothing to replace, and pyiceberg says so.
@pytest.mark.filterwarnings("ignore:Delete operation did not match any records")
def test_hours_overwritten_one_by_one(catalog: GlueCatalog, athena: AthenaClient) -> None:
    name, table = new_table(catalog, athena, HOUR_SCHEMA, BY_DATE)
    assert athena.rows(f"select count(*), max(amount) from {name}") == [["0", None]]
    for hour in range(4):
        at = START + timedelta(hours=hour)
        table.overwrite(hour_rows(hour, 30), EqualTo("hour_at", at.isoformat()))
    at = START + timedelta(hours=1)
    table.overwrite(hour_rows(1, 10, amount=5), EqualTo("hour_at", at.isoformat()))
    query = f"select hour_at, count(*), sum(amount) from {name} group by 1 order by 1"
    assert athena.rows(query) == [
        ["2026-11-20 22:00:00.000", "30", "30"],
        ["2026-11-20 23:00:00.000", "10", "50"],
        ["2026-11-21 00:00:00.000", "30", "30"],
        ["2026-11-21 01:00:00.000", "30", "30"],
    ]
    assert athena.lines(f"show partitions {name}") == [
        "event_date=2026-11-20",
        "event_date=2026-11-21",
    ]


def test_conditions_and_columns_lessen_what_is_read(
    catalog: GlueCatalog, athena: AthenaClient
) -> None:
    name, table = new_table(catalog, athena, HOUR_SCHEMA, BY_DATE)
    for hour in range(4):
        table.append(hour_rows(hour, 500))
    whole = athena.succeed(f"select * from {name}")
    day = athena.succeed(f"select * from {name} t where t.event_date = date '2026-11-21'")
    hour = athena.succeed(
        f"select * from {name} where hour_at between timestamp '2026-11-21 01:00:00' and "
        "timestamp '2026-11-21 01:59:59' and amount in (1, 2)"
    )
    column = athena.succeed(f"select sum(amount) from {name}")
    assert 0 < scanned(hour) < scanned(day) < scanned(whole)
    assert 0 < scanned(column) < scanned(whole)
    assert scanned(athena.succeed(f"select count(*) from {name}")) == 0
    nothing = athena.succeed(f"select * from {name} where event_date > date '2030-01-01'")
    assert scanned(nothing) == 0


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("event_date = date '2026-11-20'", 60),
        ("date '2026-11-20' < event_date", 60),
        ("visitor = 'v1'", 40),
        ("visitor in ('v1', 'v2') and amount = 1", 80),
        ("hour_at >= date '2026-11-21'", 60),
        ("hour_at < timestamp '2026-11-20 23:00:00'", 30),
        ("event_date = date '2026-11-20' or visitor = 'v1'", 80),
        ("not event_date = date '2026-11-20'", 60),
        ("amount > 0.5", 120),
        ("event_date between date '2026-11-21' and date '2026-11-22'", 60),
    ],
)
def test_conditions_keep_the_right_rows(
    catalog: GlueCatalog, athena: AthenaClient, hours: str, condition: str, count: int
) -> None:
    assert athena.rows(f"select count(*) from {hours} where {condition}") == [[str(count)]]


@pytest.fixture(scope="module")
def hours(catalog: GlueCatalog, athena: AthenaClient) -> str:
    """A table of four hours over two days, 30 rows each."""
    name, table = new_table(catalog, athena, HOUR_SCHEMA, BY_DATE)
    for hour in range(4):
        table.append(hour_rows(hour, 30))
    return name


def test_left_join_keeps_rows_without_a_partner(athena: AthenaClient, hours: str) -> None:
    query = (
        f"select d.day, count(h.visitor) from (values date '2026-11-21', date '2026-11-30') "
        f"as d(day) left join {hours} h on h.event_date = d.day and h.amount = 1 "
        "group by 1 order by 1"
    )
    assert athena.rows(query) == [["2026-11-21", "60"], ["2026-11-30", "0"]]


def test_columns_are_read_by_id_through_schema_changes(
    catalog: GlueCatalog, athena: AthenaClient
) -> None:
    name, table = new_table(catalog, athena, HOUR_SCHEMA, BY_DATE)
    table.append(hour_rows(0, 2))
    with table.update_schema() as change:
        change.rename_column("amount", "cents")
        change.add_column("place", StringType())
        change.delete_column("visitor")
    with table.update_schema() as change:
        change.add_column("visitor", StringType())
        change.move_first("place")
    newer = pa.table(
        {
            "place": ["Ulm"],
            "event_date": [date(2026, 11, 22)],
            "hour_at": pa.array([datetime(2026, 11, 22)], pa.timestamp("us")),
            "cents": [7],
            "visitor": ["new"],
        },
        pa.schema(
            [
                ("place", pa.string()),
                ("event_date", pa.date32()),
                ("hour_at", pa.timestamp("us")),
                ("cents", pa.int64()),
                ("visitor", pa.string()),
            ]
        ),
    )
    table.append(newer)
    assert athena.rows(f"select * from {name} order by cents") == [
        [None, "2026-11-20", "2026-11-20 22:00:00.000", "1", None],
        [None, "2026-11-20", "2026-11-20 22:00:00.000", "1", None],
        ["Ulm", "2026-11-22", "2026-11-22 00:00:00.000", "7", "new"],
    ]
    assert athena.reason(f"select amount from {name}").startswith("COLUMN_NOT_FOUND")


def test_every_type_is_read_and_printed(catalog: GlueCatalog, athena: AthenaClient) -> None:
    schema = Schema(
        NestedField(1, "d", DoubleType(), required=False),
        NestedField(2, "m", DecimalType(10, 2), required=False),
        NestedField(3, "l", ListType(7, StringType(), element_required=False), required=False),
        NestedField(
            4, "k", MapType(8, StringType(), 9, LongType(), value_required=False), required=False
        ),
        NestedField(
            5,
            "r",
            StructType(NestedField(10, "x", LongType()), NestedField(11, "y", StringType())),
            required=False,
        ),
        NestedField(6, "t", TimestampType(), required=False),
    )
    name, table = new_table(catalog, athena, schema, PartitionSpec())
    arrow = schema.as_arrow()
    rows = [
        {
            "d": 1e10,
            "m": "12.50",
            "l": ["a", None],
            "k": [("k", 1)],
            "r": {"x": 1, "y": "z"},
            "t": datetime(2026, 11, 20, 5, 0, 0, 123456),
        }
    ]
    columns = {
        field.name: (
            pa.array([rows[0]["m"]]).cast(field.type)
            if field.name == "m"
            else pa.array([rows[0][field.name]], field.type)
        )
        for field in arrow
    }
    table.append(pa.table(columns, schema=arrow))
    assert athena.rows(f"select d, m, l, k, r, t, r.x, l[1], k['k'], {name}.r.y from {name}") == [
        [
            "1.0E10",
            "12.50",
            "[a, null]",
            "{k=1}",
            "{x=1, y=z}",
            "2026-11-20 05:00:00.123456",
            "1",
            "a",
            "1",
            "z",
        ]
    ]
    for column in ("l", "k", "r"):
        assert scanned(athena.succeed(f"select {column} from {name}")) > 0


def test_time_travel_reads_an_older_snapshot(catalog: GlueCatalog, athena: AthenaClient) -> None:
    name, table = new_table(catalog, athena, HOUR_SCHEMA, BY_DATE)
    table.append(hour_rows(0, 2))
    first = table.current_snapshot()
    assert first is not None
    table.append(hour_rows(1, 3))
    count = f"select count(*) from {name}"
    assert athena.rows(count) == [["5"]]
    assert athena.rows(f"{count} for version as of {first.snapshot_id}") == [["2"]]
    at = datetime.now(UTC).strftime("timestamp '%Y-%m-%d %H:%M:%S.%f UTC'")
    assert athena.rows(f"{count} for timestamp as of {at} as t where t.amount = 1") == [["5"]]
    before = "timestamp '2020-01-01 00:00:00 UTC'"
    assert athena.reason(f"{count} for timestamp as of {before}").startswith("INVALID_ARGUMENTS")
    future = "timestamp '2999-01-01 00:00:00.000 UTC'"
    assert athena.reason(f"{count} for timestamp as of {future}").startswith("INVALID_ARGUMENTS")
    assert athena.reason(f"{count} for timestamp as of now()").startswith("NOT_SUPPORTED")


def test_views_over_tables(athena: AthenaClient, hours: str) -> None:
    athena.succeed(
        f"create or replace view {hours}_visitors as select visitor, event_date, count(*) as hits, "
        f"min(hour_at) as first_at from {hours} group by visitor, event_date"
    )
    athena.succeed(
        f"create or replace view {hours}_days as select event_date, sum(hits) as hits, "
        f"count(distinct visitor) as visitors from {hours}_visitors group by 1"
    )
    assert athena.rows(f"select * from {hours}_days where hits > 1 order by event_date") == [
        ["2026-11-20", "60", "3"],
        ["2026-11-21", "60", "3"],
    ]


def test_table_that_is_not_iceberg_is_refused(
    athena: AthenaClient, local_aws: LocalAwsProcess
) -> None:
    name = f"hive_{uuid.uuid4().hex[:8]}"
    table = {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {}}
    local_aws.client("glue").create_table(DatabaseName=athena.database, TableInput=table)
    assert "tables other than Iceberg" in athena.reason(f"select * from {name}")


NESTED_SCHEMA = Schema(
    NestedField(1, "event_date", DateType(), required=True, doc="The day; it's UTC."),
    NestedField(
        2,
        "items",
        ListType(3, StructType(NestedField(4, "name", StringType())), element_required=False),
    ),
    NestedField(5, "price", DecimalType(10, 2)),
)


def test_describe_has_the_columns_and_the_partition_spec(
    catalog: GlueCatalog, athena: AthenaClient
) -> None:
    name, _ = new_table(catalog, athena, NESTED_SCHEMA, BY_DATE)
    lines = [
        "# Table schema:\t\t",
        "# col_name\tdata_type\tcomment",
        "event_date\tdate\tThe day; it's UTC.",
        "items\tarray<struct<name: string>>\t",
        "price\tdecimal(10, 2)\t",
        "\t\t",
        "# Partition spec:\t\t",
        "# field_name\tfield_transform\tcolumn_name",
        "event_date\tidentity\tevent_date",
    ]
    assert athena.lines(f"describe {name}") == lines
    assert athena.lines(f"DESC `{athena.database}`.`{name}`;") == lines
    assert athena.lines(f"show partitions {name}") == []


def test_show_create_table_makes_a_table_with_the_same_columns_and_partitions(
    catalog: GlueCatalog, athena: AthenaClient
) -> None:
    name, table = new_table(catalog, athena, NESTED_SCHEMA, BY_DATE)
    assert athena.lines(f"show create table {name}") == [
        f"CREATE TABLE {athena.database}.{name} (",
        "  event_date date COMMENT 'The day; it\\'s UTC.',",
        "  items array<struct<name:string>>,",
        "  price decimal(10,2))",
        "PARTITIONED BY (`event_date`)",
        f"LOCATION '{table.location()}'",
        "TBLPROPERTIES (",
        "  'table_type'='iceberg',",
        "  'format'='parquet',",
        "  'write_compression'='zstd');",
    ]


def test_a_column_that_was_dropped_is_not_described(
    catalog: GlueCatalog, athena: AthenaClient
) -> None:
    name, table = new_table(catalog, athena, HOUR_SCHEMA, BY_DATE)
    with table.update_schema() as update:
        update.delete_column("amount")
    shown = [line.strip() for line in athena.lines(f"show columns from {name}")]
    assert shown == ["event_date", "hour_at", "visitor"]
    assert not any("amount" in line for line in athena.lines(f"describe {name}"))
    assert not any("amount" in line for line in athena.lines(f"show create table {name}"))


def test_a_table_without_partitions_and_a_view_have_none_to_show(
    catalog: GlueCatalog, athena: AthenaClient
) -> None:
    name, _ = new_table(catalog, athena, HOUR_SCHEMA, PartitionSpec())
    assert "is not a partitioned table" in athena.reason(f"show partitions {name}")
    athena.succeed(f"create view {name}_view as select 1 as n")
    for statement in ("show partitions", "show create table"):
        assert "is a view" in athena.reason(f"{statement} {name}_view")
        assert athena.reason(f"{statement} nowhere").startswith("TABLE_NOT_FOUND")
