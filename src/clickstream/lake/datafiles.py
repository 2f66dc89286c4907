"""Data files of the Iceberg tables: texts that repeat stay dictionaries from one file to the next.

pyiceberg takes plain texts only, and copies all rows once to part them by date. Ours are of one
date, so writing their file ourselves saves most of what a large publication costs.
"""

from __future__ import annotations

import logging
import uuid
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table as IcebergTable

from clickstream.tables import Table

# Reading repeated texts as dictionaries is meant, and pyiceberg would warn of each column.
logging.getLogger("pyiceberg.io.pyarrow").addFilter(
    lambda record: "does not have a dictionary type" not in record.getMessage()
)

ROWS_AT_ONCE = 1 << 17
"""Rows of a row group, at most."""


def repeating_texts(table: Table) -> list[str]:
    """The columns of texts that come again, so that a dictionary of them is small."""
    unique = {"visitor_id", "part_id", "session_id", "line", *table.sort_by}
    return [c.name for c in table.columns if c.type == "string" and c.name not in unique]


def write(table: IcebergTable, rows: pa.Table, day: date, kind: str) -> DataFile:
    """Write rows of one day as a data file that no snapshot has yet; `kind` begins its name."""
    name = f"event_date={day}/{kind}-{uuid.uuid4()}.parquet"
    path = table.location_provider().new_data_location(name)
    typed = _typed(table, rows)
    # The name is new: to ask S3 whether there is such a file would be in vain, as to ask its size.
    with table.io.new_output(path).create(overwrite=True) as sink:
        with pq.ParquetWriter(sink, typed.schema, compression="zstd", store_schema=False) as writer:
            writer.write_table(typed, row_group_size=ROWS_AT_ONCE)
        size = sink.tell()
    statistics = data_file_statistics_from_parquet_metadata(
        writer.writer.metadata,
        compute_statistics_plan(table.schema(), table.properties),
        parquet_path_to_id_mapping(table.schema()),
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=statistics.partition(table.spec(), table.schema()),
        file_size_in_bytes=size,
        sort_order_id=None,
        spec_id=table.metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def _typed(table: IcebergTable, rows: pa.Table) -> pa.Table:
    """Rows with the table's columns and types, and the ids of its fields; dictionaries stay."""
    wanted = []
    for field in schema_to_pyarrow(table.schema()):
        given = rows.schema.field(field.name).type
        wanted.append(field.with_type(given) if pa.types.is_dictionary(given) else field)
    schema = pa.schema(wanted)
    return rows.select(schema.names).unify_dictionaries().cast(schema)
