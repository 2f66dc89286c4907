"""Functions of dates and times: fields, units, formats and time zones.

The fields of a timestamp with time zone are those of the local time in its zone.
"""

from __future__ import annotations

from collections.abc import Callable

from trino_duckdb import types
from trino_duckdb.dialect import casts
from trino_duckdb.dialect.typed import Typed, coerce, quote, unify
from trino_duckdb.errors import QueryError, not_supported
from trino_duckdb.functions import formats
from trino_duckdb.functions.call import Call, unexpected_parameters
from trino_duckdb.types import BIGINT, DATE, VARCHAR
from trino_duckdb.zones import duckdb_zone, zone_name

DATE_UNITS = ("day", "week", "month", "quarter", "year")
TIME_UNITS = ("millisecond", "second", "minute", "hour")
FIELDS = {
    **{name: name for name in (*DATE_UNITS, *TIME_UNITS)},
    "day_of_week": "isodow",
    "day_of_year": "dayofyear",
    "year_of_week": "isoyear",
}


def date_field(call: Call) -> Typed:
    """year, hour, day_of_week ...: a field of a moment, in the zone it is shown in."""
    call.count(1)
    value = call.moment(0)
    if value.type == DATE and call.name in TIME_UNITS:
        raise unexpected_parameters(call)
    sql = f"{FIELDS[call.name]}({wall_clock(value)})"
    return Typed(f"({sql} % 1000)" if call.name == "millisecond" else sql, BIGINT)


def to_date(call: Call) -> Typed:
    """date(x), equal to cast(x as date)."""
    call.count(1)
    return casts.cast(call.arguments[0], DATE, False, call.node)


def wall_clock(value: Typed) -> str:
    """Return SQL of a moment's local time in its zone."""
    return casts.local_time(value) if value.type.name == types.TIMESTAMP_TZ else value.sql


def like_moment(value: Typed, local: str) -> Typed:
    """Build a moment of the type of ``value`` from SQL of its local time."""
    if value.type.name == types.TIMESTAMP_TZ:
        zone = quote(duckdb_zone(value.type.zone))
        return Typed(f"trino_moved({zone}, {value.sql}, {local})", value.type)
    return Typed(f"CAST({local} AS {types.duckdb_name(value.type)})", value.type)


def _unit(call: Call, value: Typed) -> str:
    unit = call.constant(0).lower()
    allowed = DATE_UNITS if value.type == DATE else TIME_UNITS + DATE_UNITS
    if unit not in allowed:
        raise QueryError(
            "INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {value.type} field", call.node
        )
    return unit


def date_trunc(call: Call) -> Typed:
    """Truncate to a unit; a date stays a date."""
    call.count(2)
    value = call.moment(1)
    unit, clock = _unit(call, value), wall_clock(value)
    cut = f"date_trunc({quote(unit)}, {clock})"
    if value.type.name == types.TIMESTAMP_TZ and unit in TIME_UNITS:
        return Typed(f"({value.sql} - ({clock} - {cut}))", value.type)
    return like_moment(value, cut)


def date_add(call: Call) -> Typed:
    """Add units: days and longer units in local time, shorter ones in elapsed time."""
    call.count(3)
    value = call.moment(2)
    unit = _unit(call, value)
    amount = coerce(call.arguments[1], BIGINT, call.node).sql
    months = {"quarter": 3}.get(unit, 1)
    step = "month" if unit == "quarter" else unit
    interval = f"(INTERVAL 1 {step} * CAST({amount} * {months} AS INTEGER))"
    if value.type.name == types.TIMESTAMP_TZ and unit in TIME_UNITS:
        return Typed(f"({value.sql} + {interval})", value.type)
    return like_moment(value, f"({wall_clock(value)} + {interval})")


def date_diff(call: Call) -> Typed:
    """Count complete units from one moment to another, not crossed boundaries."""
    call.count(3)
    (start, end), kind = unify([call.moment(1), call.moment(2)], call.node)
    unit = _unit(call, Typed("", kind))
    if kind.name == types.TIMESTAMP_TZ and unit in TIME_UNITS:
        return Typed(f"date_sub({quote(unit)}, {start.sql}, {end.sql})", BIGINT)
    return Typed(f"date_sub({quote(unit)}, {wall_clock(start)}, {wall_clock(end)})", BIGINT)


def date_format(call: Call) -> Typed:
    """Text of a moment by a MySQL or Joda format."""
    call.count(2)
    read = formats.mysql_format if call.name == "date_format" else formats.joda_format
    return Typed(
        f"strftime({wall_clock(call.moment(0))}, {quote(read(call.constant(1)))})", VARCHAR
    )


def date_parse(call: Call) -> Typed:
    """A timestamp from text by a MySQL format."""
    call.count(2)
    text = coerce(call.arguments[0], VARCHAR, call.node)
    pattern = formats.mysql_format(call.constant(1))
    date, date_format = formats.missing_date(pattern)
    function = "trino_parse_short_year" if "%y" in pattern else "trino_parse"
    parsed = f"{function}({quote(date)} || {text.sql}, {quote(date_format + pattern)})"
    return Typed(casts.round_time(parsed, 3), types.timestamp(3))


def at_timezone(call: Call) -> Typed:
    """The same moment, shown in another zone."""
    call.count(2)
    zone = zone_of(call)
    value = call.moment(0)
    precision = value.type.precision
    moment = coerce(value, types.timestamp_tz(precision, value.type.zone), call.node)
    return Typed(moment.sql, types.timestamp_tz(precision, zone))


def with_timezone(call: Call) -> Typed:
    """The moment whose local time in a zone is a timestamp."""
    call.count(2)
    zone = zone_of(call)
    value = call.moment(0)
    if value.type.name == types.TIMESTAMP_TZ:
        raise unexpected_parameters(call)
    local = f"CAST({value.sql} AS TIMESTAMP)"
    kind = types.timestamp_tz(value.type.precision, zone)
    return Typed(f"timezone({quote(duckdb_zone(zone))}, {local})", kind)


def zone_of(call: Call) -> str:
    """Return the zone in the second argument. Raises QueryError (INVALID_FUNCTION_ARGUMENT)."""
    text = call.constant(1)
    try:
        return zone_name(text)
    except ValueError:
        message = f"'{text}' is not a valid time zone"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", message, call.node) from None


def sequence(call: Call) -> Typed:
    """Numbers, dates or timestamps at equal steps."""
    call.count(2, 3)
    if {value.type.name for value in call.arguments} <= {*types.INTEGERS, "unknown"}:
        numbers = ", ".join(coerce(value, BIGINT, call.node).sql for value in call.arguments)
        name = "trino_sequence" if len(call.arguments) == 2 else "trino_steps"
        return Typed(f"trino_checked_sequence({name}({numbers}))", types.array(BIGINT))
    (start, end), kind = unify([call.moment(0), call.moment(1)], call.node)
    if kind.name == types.TIMESTAMP_TZ or (kind != DATE and len(call.arguments) == 2):
        raise unexpected_parameters(call)
    bounds = f"CAST({start.sql} AS TIMESTAMP), CAST({end.sql} AS TIMESTAMP)"
    step = f"trino_day_step({bounds})"
    if len(call.arguments) == 3:
        step = call.arguments[2].sql
        if call.arguments[2].type.name != types.DAY_TIME_INTERVAL:
            raise not_supported(f"sequence with steps of {call.arguments[2].type}", call.node)
    series = f"trino_checked_sequence(trino_moment_steps({bounds}, {step}))"
    cast = f"list_transform({series}, lambda moment: CAST(moment AS DATE))"
    return Typed(cast if kind == DATE else series, types.array(kind))


TIMES: dict[str, Callable[[Call], Typed]] = {
    "date": to_date,
    "date_trunc": date_trunc,
    "date_add": date_add,
    "date_diff": date_diff,
    "date_format": date_format,
    "format_datetime": date_format,
    "date_parse": date_parse,
    "at_timezone": at_timezone,
    "with_timezone": with_timezone,
    **dict.fromkeys(FIELDS, date_field),
}
