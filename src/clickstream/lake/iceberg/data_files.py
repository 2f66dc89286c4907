"""Data files of the Iceberg tables, written with repeated texts dictionary-encoded.

pyiceberg accepts plain texts only, and copies all rows once to partition them by date. Our rows are
of one date, so writing their file here saves most of the time of a large publication.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import constrained_batches, split_when
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import (
    ArrowScan,
    MetricModeTypes,
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import FileScanTask
from pyiceberg.table import Table as IcebergTable

from clickstream.core.dictionary_encoding import TEXT
from clickstream.lake.iceberg import table_scan
from clickstream.parquet import add_missing
from clickstream.tables import Table

# Repeated texts are read as dictionaries on purpose, and pyiceberg would warn of each column.
logging.getLogger("pyiceberg.io.pyarrow").addFilter(
    lambda record: "does not have a dictionary type" not in record.getMessage()
)

ROWS_AT_ONCE = 1 << 17
"""Limit of the rows of a row group."""

ROWS_PER_FILE = 250_000
"""Limit of the rows of a file: a larger day has several files, each of some hours.

When an hour within a file is built again, the file is read into memory and rewritten, so this
limits the memory and time of that.
"""


_OWN = {"visitor_id", "part_id", "session_id", "old_session_id", "new_session_id", "line"}
"""Columns of texts that hardly any rows share, or only neighbouring rows."""


def repeating_texts(table: Table) -> list[str]:
    """Return the columns of texts that repeat, so that a dictionary of them is small."""
    return [c.name for c in table.columns if c.type == "string" and c.name not in _OWN]


def packed(rows: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Concatenate tables up to the rows of a file; skip empty results."""
    for batch in constrained_batches(rows, ROWS_PER_FILE, strict=False):
        if any(map(len, batch)):
            yield pa.concat_tables(batch)


def read(table: IcebergTable, columns_of: Table, tasks: Iterable[FileScanTask]) -> pa.Table:
    """Read all rows of some data files; repeated texts that are no sort key stay dictionaries."""
    texts = tuple(name for name in repeating_texts(columns_of) if name not in columns_of.sort_by)
    scan = ArrowScan(
        table.metadata, table.io, table.schema(), AlwaysTrue(), dictionary_columns=texts
    )
    listed = [*tasks]
    with table_scan.naming_damage(table.io, listed):
        pieces = [_encode_texts(batch, texts) for batch in scan.to_record_batches(listed)]
    none = schema_to_pyarrow(table.schema(), include_field_ids=False).empty_table()
    return pa.concat_tables(pieces or [none], promote_options="permissive")


def _encode_texts(batch: pa.RecordBatch, names: Iterable[str]) -> pa.Table:
    """Dictionary-encode the texts of files that lack their columns: pyiceberg adds plain nulls."""
    rows = pa.Table.from_batches([batch])
    for name in names:
        index = rows.column_names.index(name)
        if not pa.types.is_dictionary(rows.schema.types[index]):
            rows = rows.set_column(index, name, rows[index].dictionary_encode().cast(TEXT))
    return rows


def write(table: IcebergTable, columns_of: Table, rows: pa.Table, day: date, kind: str) -> DataFile:
    """Write rows of one day as a data file that is in no snapshot yet; `kind` begins its name."""
    name = f"event_date={day}/{kind}-{uuid.uuid4()}.parquet"
    path = table.location_provider().new_data_location(name)
    typed = _convert_types(table, rows)
    statistics_plan = compute_statistics_plan(table.schema(), table.properties)
    # The name is new, so requests for its existence and size are not needed.
    with table.io.new_output(path).create(overwrite=True) as sink:
        with pq.ParquetWriter(
            sink,
            typed.schema,
            compression="zstd",
            store_schema=False,
            # Only of the columns that files are found by: those of others take longer to write
            # than their rows, and no reader uses them.
            write_statistics=[
                column.column_name
                for column in statistics_plan.values()
                if column.mode.type is not MetricModeTypes.NONE
            ],
            write_batch_size=ROWS_AT_ONCE,
            write_page_checksum=True,
            use_dictionary=repeating_texts(columns_of),  # of no use for other columns
        ) as writer:
            writer.write_table(typed, row_group_size=ROWS_AT_ONCE)
        size = sink.tell()
    statistics = data_file_statistics_from_parquet_metadata(
        writer.writer.metadata, statistics_plan, parquet_path_to_id_mapping(table.schema())
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


def _convert_types(table: IcebergTable, rows: pa.Table) -> pa.Table:
    """Convert rows to the table's columns, types and field ids; dictionaries stay.

    The columns are those of the stored table. A newer release may have added some since the lake
    was opened; they are null.
    """
    plain = schema_to_pyarrow(table.schema())
    columns = [*map(_unify_dictionary, add_missing(rows, plain).itercolumns())]
    wanted = [
        field.with_type(column.type) if pa.types.is_dictionary(column.type) else field
        for field, column in zip(plain, columns, strict=True)
    ]
    return pa.table(columns, plain.names).cast(pa.schema(wanted))


def _unify_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column of texts one dictionary for all its chunks.

    Neighbouring chunks with equal dictionaries are joined first, which does not look at each text.
    """
    if not pa.types.is_dictionary(column.type):
        return column
    same = split_when(
        column.chunks, lambda chunk, following: not chunk.dictionary.equals(following.dictionary)
    )
    return pa.chunked_array([*map(pa.concat_arrays, same)], column.type).unify_dictionaries()
