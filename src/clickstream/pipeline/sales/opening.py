"""Open the source of a section `[[sales]]`, with the rules by which its rows are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from clickstream.collect.sales.csv_files import CsvReader, DateOf
from clickstream.collect.sales.file_places import (
    S3,
    files_of_directory,
    files_of_prefix,
)
from clickstream.collect.sales.reader import SalesReader, TableToRead
from clickstream.core.errors import IncompleteConnection, InputError, UnusableRule
from clickstream.sales.campaign_tags import CampaignTags, parse_campaign_tags
from clickstream.sales.column_maps import ColumnMap
from clickstream.sales.fields import (
    FIELDS,
    KEYS,
    LISTINGS,
    TIMES,
    UNIQUE_OVER_DATES,
    field_of,
)
from clickstream.sales.row_reader import SalesRules
from clickstream.sales.value_checks import BadValue, ValueRules
from clickstream.settings import Settings
from clickstream.settings.sales import WITHOUT_HUNDREDTHS, SalesSettings
from clickstream.step_config import load_map

if TYPE_CHECKING:
    from clickstream.lake import Lake

FindConnection = Callable[[str], str]
"""Returns the address, with its password, of an Airflow connection."""


def find_source(settings: Settings, name: str) -> SalesSettings:
    """Return a source by its name. Raises InputError if the settings have none of that name."""
    for source in settings.sales:
        if source.name == name:
            return source
    names = ", ".join(source.name for source in settings.sales) or "none"
    raise InputError(f"There is no source of sales {name}: the settings have {names}.")


def rules_of(settings: Settings, source: SalesSettings) -> SalesRules:
    """Return the rules of a source. Raises UnusableRule for a column map that can't be used."""
    columns = load_map(source.columns, settings.directory).with_currency(source.currency)
    for name, table in columns.tables.items():
        if not (table.table if source.kind == "sql" else table.files):
            missing = "table" if source.kind == "sql" else "files"
            raise UnusableRule(
                f"The column map {source.columns} of {source.name} lacks {missing} in [{name}], "
                f"which kind = '{source.kind}' needs."
            )
    if columns.amounts == "hundredths" and source.currency in WITHOUT_HUNDREDTHS:
        raise UnusableRule(
            f"The column map {source.columns} of {source.name} has amounts in hundredths, and "
            f'{source.currency} has none. Set amounts = "units" in it if the amounts are whole '
            f"{source.currency}; if they are 100 times that, divide them in a view or in the files."
        )
    return SalesRules(
        source.name,
        columns,
        source.currency,
        ZoneInfo(source.time_zone) if source.time_zone else None,
        ZoneInfo(source.store_time_zone or settings.site.time_zone),
        campaign_tags=_campaign_tags(settings, source),
    )


def _campaign_tags(settings: Settings, source: SalesSettings) -> CampaignTags:
    if not source.campaign_tags:
        return {}
    path = settings.resolve(source.campaign_tags)
    try:
        return parse_campaign_tags(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UnusableRule(
            f"The file {path} can't be read ({reason}): check campaign_tags of {source.name} in "
            "[[sales]]."
        ) from None


def rules_of_lake(lake: Lake, source: SalesSettings) -> SalesRules:
    """Return the rules of a source, with the lake's secret if the source names its customers."""
    from clickstream.lake import aws_errors
    from clickstream.lake.customer_secret import customer_secret

    rules = rules_of(lake.settings, source)
    if not rules.columns.has_customers:
        return rules
    with aws_errors.translate_errors():
        return replace(rules, customer_secret=customer_secret(lake))


@contextmanager
def open_source(
    settings: Settings,
    source: SalesSettings,
    rules: SalesRules,
    find: FindConnection | None = None,
    names: Collection[str] = tuple(FIELDS),
) -> Iterator[SalesReader]:
    """Open a source in one state, until the block ends, to read the tables `names` of its map.

    `find` looks up an Airflow connection; by default it is in the environment. Raises
    ShopUnreachable, ShopRefused and UnusableSales.
    """
    tables = [table for table in _tables_to_read(rules.columns, source.kind) if table.name in names]
    if source.kind == "csv":
        yield _open_files(settings, source, tables, _date_of(rules.values))
        return
    from clickstream.collect.sales.sql import open_database

    address, password = _address(source, find or connection_of_environment)
    with open_database(
        address, password, tables, rules.zone, source.wait_seconds, source.name
    ) as reader:
        yield reader


def _open_files(
    settings: Settings, source: SalesSettings, tables: Sequence[TableToRead], date_of: DateOf
) -> CsvReader:
    if not source.path.startswith(S3):
        files = files_of_directory(settings.resolve(source.path), source.name)
        return CsvReader(files, tables, date_of, source.name)
    from clickstream.lake import aws_errors, refer_to_lake  # boto3, which a directory does not need

    with aws_errors.translate_errors():
        files = files_of_prefix(refer_to_lake(settings).s3, source.path)
        return CsvReader(files, tables, date_of, source.name)


def _tables_to_read(columns: ColumnMap, kind: str) -> Iterator[TableToRead]:
    for name, table in columns.tables.items():
        yield TableToRead(
            name,
            table.table if kind == "sql" else table.files,
            table.all_columns,
            table.columns.get("order_id", ""),
            table.columns[TIMES[name]] if name in TIMES else "",
            table.columns.get(KEYS[name][0], "") if name in UNIQUE_OVER_DATES else "",
            table.only_with,
            table.ignored,
            is_calendar_date=name in TIMES and field_of(name, TIMES[name]).kind == "date",
            is_listing=name in LISTINGS,
            is_optional=table.is_optional,
            title_lines=table.title_lines,
            sums=table.sums,
        )


def _date_of(values: ValueRules) -> DateOf:
    """Return the function for the date of a row in a file."""

    def date_of(text: str, is_calendar_date: bool) -> date | str:
        try:
            return values.date_of(text, is_calendar_date)
        except BadValue as error:
            return str(error)

    return date_of


def _address(source: SalesSettings, find: FindConnection) -> tuple[str, str]:
    if source.connection:
        return find(source.connection), ""
    if not source.password_variable:
        return source.url, ""
    password = os.environ.get(source.password_variable)
    if password is None:
        raise InputError(
            f"The environment has no variable {source.password_variable}, which password_variable "
            f"of the sales source {source.name} names: set it to the password."
        )
    return source.url, password


def connection_of_environment(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the address of an Airflow connection that a variable of the environment has.

    Raises IncompleteConnection without the variable.
    """
    variable = f"AIRFLOW_CONN_{name.upper()}"
    if not (address := environment.get(variable)):
        raise IncompleteConnection(
            f"The environment has no variable {variable}: set it to the address of the connection "
            f"{name}, such as mysql://reader:PASSWORD@db.example/shop."
        )
    return address
