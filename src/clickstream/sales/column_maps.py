"""Column maps: which column of a shop's table or file is which field.

A map is a TOML file. docs/sales.md describes it, and `maps/` has those of known shops.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import Field as Described
from pydantic import ValidationError

from clickstream.core.errors import UnusableRule
from clickstream.sales.fields import FIELDS, LISTINGS, SalesField
from clickstream.sales.value_checks import NumberStyle
from clickstream.settings.values import Section


class TableMap(Section):
    """Where the rows of one table come from, and which column is which field.

    `table` is a table or view of a database, `files` a pattern of names of CSV files. `columns` has
    the column of each field. `values` translates texts and choices. `constants` are values
    of fields without a column. Rows whose column `only_with` is empty or 0 belong to another table.
    `ignored` are columns of files that are not read. A table that `is_optional` may be missing in a
    database. `measures` has the columns of measures that are not rows, for demographics. A file may
    have up to `title_lines` lines above its header. A row without a date and with a value that
    begins with `sums` is a sum of other rows, and is left out.
    """

    table: str = ""
    files: str = ""
    columns: dict[str, str]
    values: dict[str, dict[str, str]] = Described(default_factory=dict)
    constants: dict[str, str] = Described(default_factory=dict)
    only_with: str = ""
    ignored: tuple[str, ...] = ()
    is_optional: bool = False
    measures: dict[str, str] = Described(default_factory=dict)
    title_lines: int = Described(0, ge=0, le=100)
    sums: str = ""

    @property
    def all_columns(self) -> list[str]:
        """The columns that are read, each once."""
        named = [*self.columns.values(), *self.measures.values(), *filter(None, [self.only_with])]
        return [*dict.fromkeys(named)]

    @property
    def of_measures(self) -> list[Self]:
        """A map for each measure of a row: that in a column `measure`, and those of `measures`."""
        own = [self] if "measure" in self.columns or not self.measures else []
        columns = {name: column for name, column in self.columns.items() if name != "measure"}
        return [
            *own,
            *(
                self.model_copy(
                    update={
                        "columns": {**columns, "value": column},
                        "constants": {**self.constants, "measure": name},
                    }
                )
                for name, column in self.measures.items()
            ),
        ]


class ColumnMap(Section):
    """The maps of the tables of a source; `title` says of which shop.

    `numbers` shows how numbers are written, and `no_value` is a text for a missing value. With
    `has_negative_refunds`, a refund is a negative amount, and its reversal a positive one.
    """

    title: str
    amounts: str = Described("units", pattern="^(units|hundredths)$")
    time_format: str = ""
    date_format: str = ""
    numbers: NumberStyle = ""
    has_negative_refunds: bool = False
    no_value: str = ""
    orders: TableMap | None = None
    order_items: TableMap | None = None
    refunds: TableMap | None = None
    campaign_spend: TableMap | None = None
    consents: TableMap | None = None
    menu_items: TableMap | None = None
    stores: TableMap | None = None
    demographics: TableMap | None = None

    @property
    def tables(self) -> dict[str, TableMap]:
        """The map of each table that the source has."""
        tables = {name: getattr(self, name) for name in FIELDS}
        return {name: table for name, table in tables.items() if table}

    def with_currency(self, currency: str) -> Self:
        """Return the map for files whose header has the currency: it replaces `{currency}`."""
        return self.model_copy(
            update={
                name: table.model_copy(
                    update={
                        "columns": {
                            field: column.replace("{currency}", currency)
                            for field, column in table.columns.items()
                        }
                    }
                )
                for name, table in self.tables.items()
            }
        )

    @property
    def has_dates(self) -> bool:
        """Whether the source has a table with dates."""
        return not self.tables.keys() <= {*LISTINGS}

    @property
    def has_listings(self) -> bool:
        """Whether the source has a table without dates."""
        return not self.tables.keys().isdisjoint(LISTINGS)

    @property
    def has_customers(self) -> bool:
        """Whether rows of the source name their customers."""
        return any("customer" in table.columns for table in self.tables.values())


def parse_map(text: str, where: str) -> ColumnMap:
    """Read a map from TOML; `where` names its file. Raises UnusableRule, with what to change."""
    try:
        values = tomllib.loads(text)
        for section in filter(lambda value: isinstance(value, dict), values.values()):
            section["ignored"] = tuple(section.get("ignored", ()))
        column_map = ColumnMap.model_validate(values)
    except tomllib.TOMLDecodeError as error:
        raise UnusableRule(f"The column map {where} is not valid TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(map(str, first["loc"]))
        raise UnusableRule(f"The column map {where}: {setting}: {first['msg']}.") from None
    for problem in _problems(column_map):
        raise UnusableRule(f"The column map {where}: {problem}.")
    return column_map


def _problems(column_map: ColumnMap) -> Iterator[str]:
    if not column_map.tables:
        yield f"it has no table; it can have {', '.join(FIELDS)}"
    if column_map.order_items and not column_map.orders:
        yield "[order_items] needs [orders], which have the dates"
    for name, table in column_map.tables.items():
        if not (table.table or table.files):
            yield f"[{name}] needs table, for a database, or files, for CSV files"
        yield from _problems_of_fields(name, table, {field.name: field for field in FIELDS[name]})


def _problems_of_fields(
    name: str, table: TableMap, fields: Mapping[str, SalesField]
) -> Iterator[str]:
    for kind in ("columns", "values", "constants"):
        for unknown in getattr(table, kind).keys() - fields.keys():
            yield f"[{name}] has no field {unknown}: its fields are {', '.join(fields)}"
    if table.measures and name != "demographics":
        yield f"[{name}] can't have measures: they belong to [demographics]"
    filled = (
        table.columns.keys() | table.constants.keys() | ({"measure"} if table.measures else set())
    )
    for field in fields.values():
        if field.is_required and field.name not in filled:
            yield f"[{name}.columns] lacks {field.name}"
        given = {*table.values.get(field.name, {}).values()}
        given |= {table.constants[field.name]} if field.name in table.constants else set()
        if field.choices and (wrong := sorted(given - {*field.choices})):
            allowed = ", ".join(field.choices)
            yield f"[{name}] {field.name} can't be {wrong[0]}: it is one of {allowed}"
