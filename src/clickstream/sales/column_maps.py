"""Column maps: which column of a shop's table or file is which field.

A map is a TOML file. docs/sales.md describes it, and `maps/` has those of known shops.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping

from pydantic import Field as Described
from pydantic import ValidationError

from clickstream.errors import UnusableRule
from clickstream.sales.fields import FIELDS, SalesField
from clickstream.settings.base import Section


class TableMap(Section):
    """Where the rows of one table come from, and which column is which field.

    `table` is a table or view of a database, `files` a pattern of names of CSV files. `columns` has
    the column of each field. `values` translates the values of a choice. `constants` are values
    of fields without a column. Rows whose column `only_with` is empty or 0 belong to another table.
    `ignored` are columns of files that are not read.
    """

    table: str = ""
    files: str = ""
    columns: dict[str, str]
    values: dict[str, dict[str, str]] = Described(default_factory=dict)
    constants: dict[str, str] = Described(default_factory=dict)
    only_with: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def all_columns(self) -> list[str]:
        """The columns that are read, each once."""
        return [*dict.fromkeys([*self.columns.values(), *filter(None, [self.only_with])])]


class ColumnMap(Section):
    """The maps of the tables of a source; `title` says of which shop."""

    title: str
    amounts: str = Described("units", pattern="^(units|hundredths)$")
    time_format: str = ""
    orders: TableMap
    order_items: TableMap | None = None
    refunds: TableMap | None = None

    @property
    def tables(self) -> dict[str, TableMap]:
        """The map of each table that the source has."""
        found = {name: getattr(self, name) for name in FIELDS}
        return {name: one for name, one in found.items() if one}


def parse_map(text: str, where: str) -> ColumnMap:
    """Read a map from TOML; `where` names its file. Raises UnusableRule, with what to change."""
    try:
        values = tomllib.loads(text)
        for section in filter(lambda one: isinstance(one, dict), values.values()):
            section["ignored"] = tuple(section.get("ignored", ()))
        found = ColumnMap.model_validate(values)
    except tomllib.TOMLDecodeError as error:
        raise UnusableRule(f"The column map {where} is not valid TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UnusableRule(f"The column map {where}: {place}: {first['msg']}.") from None
    for problem in _problems(found):
        raise UnusableRule(f"The column map {where}: {problem}.")
    return found


def _problems(found: ColumnMap) -> Iterator[str]:
    for name, one in found.tables.items():
        if not (one.table or one.files):
            yield f"[{name}] needs table, for a database, or files, for CSV files"
        yield from _problems_of_fields(name, one, {one.name: one for one in FIELDS[name]})


def _problems_of_fields(
    name: str, one: TableMap, fields: Mapping[str, SalesField]
) -> Iterator[str]:
    for kind in ("columns", "values", "constants"):
        for unknown in getattr(one, kind).keys() - fields.keys():
            yield f"[{name}] has no field {unknown}: its fields are {', '.join(fields)}"
    known = one.columns.keys() | one.constants.keys()
    for field in fields.values():
        if field.is_required and field.name not in known:
            yield f"[{name}.columns] lacks {field.name}"
        given = {*one.values.get(field.name, {}).values(), *_constant(one, field)}
        if wrong := sorted(given - {*field.choices}):
            allowed = ", ".join(field.choices)
            yield f"[{name}] {field.name} can't be {wrong[0]}: it is one of {allowed}"


def _constant(one: TableMap, field: SalesField) -> list[str]:
    """Return the constant of a choice."""
    return [one.constants[field.name]] if field.choices and field.name in one.constants else []
