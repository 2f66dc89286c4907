"""Converts Iceberg's types to types of Trino and DuckDB."""

from __future__ import annotations

from pyiceberg import types as iceberg
from pyiceberg.schema import Schema

from localaws.athena import types
from localaws.athena.errors import not_supported
from localaws.athena.types import Type

PRIMITIVES: dict[type[iceberg.IcebergType], Type] = {
    iceberg.BooleanType: types.BOOLEAN,
    iceberg.IntegerType: types.INTEGER,
    iceberg.LongType: types.BIGINT,
    iceberg.DoubleType: types.DOUBLE,
    iceberg.DateType: types.DATE,
    iceberg.StringType: types.VARCHAR,
    iceberg.TimestampType: types.timestamp(6),
    iceberg.TimestamptzType: types.timestamp_tz(6),
}


def trino_type(field: iceberg.NestedField) -> Type:
    """Return the Trino type of a column. Raises QueryError (NOT_SUPPORTED)."""
    return _convert(field.field_type, field.name)


def _convert(kind: iceberg.IcebergType, column: str) -> Type:
    if isinstance(kind, iceberg.DecimalType):
        return types.decimal(kind.precision, kind.scale)
    if isinstance(kind, iceberg.ListType):
        return types.array(_convert(kind.element_type, column))
    if isinstance(kind, iceberg.MapType):
        return types.map_of(_convert(kind.key_type, column), _convert(kind.value_type, column))
    if isinstance(kind, iceberg.StructType):
        return types.row((part.name, _convert(part.field_type, column)) for part in kind.fields)
    if type(kind) not in PRIMITIVES:
        raise not_supported(f"the type {kind} of column {column}")
    return PRIMITIVES[type(kind)]


def duckdb_schema(schema: Schema) -> tuple[list[tuple[str, str]], str]:
    """Return quoted names with DuckDB types, and read_parquet's ``schema`` argument by field id."""
    names, entries = [], []
    for field in schema.fields:
        kind = types.duckdb_name(trino_type(field))
        label = field.name.replace("'", "''")
        names.append(('"' + field.name.replace('"', '""') + '"', kind))
        text = kind.replace("'", "''")
        entries.append(
            f"{field.field_id}: {{name: '{label}', type: '{text}', default_value: NULL}}"
        )
    return names, f"MAP {{{', '.join(entries)}}}"
