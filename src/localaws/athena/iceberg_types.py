"""Iceberg's types in Trino and in DuckDB."""

from __future__ import annotations

from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from localaws.athena import types
from localaws.athena.errors import not_supported
from localaws.athena.types import Type

PRIMITIVES: dict[type[IcebergType], Type] = {
    BooleanType: types.BOOLEAN,
    IntegerType: types.INTEGER,
    LongType: types.BIGINT,
    FloatType: types.REAL,
    DoubleType: types.DOUBLE,
    DateType: types.DATE,
    StringType: types.VARCHAR,
    BinaryType: types.VARBINARY,
    FixedType: types.VARBINARY,
    TimestampType: types.timestamp(6),
    TimestamptzType: types.timestamp_tz(6),
}


def trino_type(field: NestedField) -> Type:
    """The Trino type of a column. Raises QueryError (NOT_SUPPORTED)."""
    return _convert(field.field_type, field.name)


def _convert(kind: IcebergType, column: str) -> Type:
    if isinstance(kind, DecimalType):
        return types.decimal(kind.precision, kind.scale)
    if isinstance(kind, ListType):
        return types.array(_convert(kind.element_type, column))
    if isinstance(kind, MapType):
        return types.map_of(_convert(kind.key_type, column), _convert(kind.value_type, column))
    if isinstance(kind, StructType):
        return types.row((part.name, _convert(part.field_type, column)) for part in kind.fields)
    if type(kind) not in PRIMITIVES:
        raise not_supported(f"the type {kind} of column {column}")
    return PRIMITIVES[type(kind)]


def duckdb_schema(schema: Schema) -> tuple[list[tuple[str, str]], str]:
    """Quoted names with DuckDB types, and the ``schema`` argument of read_parquet by field id."""
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
