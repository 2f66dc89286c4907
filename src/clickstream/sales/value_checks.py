"""Single values of a source as values of the tables. A value that can't be used raises BadValue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from zoneinfo import ZoneInfo

from clickstream.sales.fields import Kind, SalesField

MOST_CENTS = 10**15
"""Largest amount; a larger one is a mistake, and sums of a year stay within 64 bits."""

NumberStyle = Literal["", "1234.56", "1,234.56", "1.234,56"]
"""How numbers are written, shown by one of them; if empty, `1.234` can be read in two ways."""

_SEPARATORS: Mapping[str, tuple[str, str]] = {"1,234.56": (",", "."), "1.234,56": (".", ",")}
_NUMBERS = ("money", "quantity", "number", "whole number")
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_SEPARATED = re.compile(r"[+-]?([1-9]\d{0,2}\.\d{3}|[\d.]*,[\d.,]*)", re.ASCII)
"""A number in which a point or comma may separate thousands, or decimals."""

_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)|\s+(?=(UTC|Z)$)")
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class BadValue(ValueError):
    """A value can't be used; its text is the reason."""


@dataclass(frozen=True)
class UtcTime:
    """A time in UTC (naive), and whether its local time occurs twice."""

    at: datetime
    is_ambiguous: bool


@dataclass(frozen=True)
class ValueRules:
    """How values of a source are read.

    `zone` is that of times without one; without it, they can't be used. `has_units` says whether
    amounts are units of the currency, and not hundredths, and `decimals` how many an amount can
    have. `time_format` and `date_format` are the formats of texts with a time or a date, as in
    `strptime`; ISO 8601 if empty. `numbers` shows how texts of numbers are written. The text
    `no_value` is a missing value, as an empty one is.
    """

    zone: ZoneInfo | None = None
    has_units: bool = True
    time_format: str = ""
    date_format: str = ""
    numbers: NumberStyle = "1234.56"
    no_value: str = ""
    decimals: int = 2

    def read(self, value: Any, field: SalesField, names: Mapping[str, str]) -> Any:
        """Return the value of a field; None if there is none. `names` translate texts.

        Raises BadValue.
        """
        if _is_empty(value) or (self.no_value and str(value).strip() == self.no_value):
            if field.is_required:
                raise BadValue("no value")
            return None
        if field.kind == "choice":
            return _choice(str(value).strip(), field, names)
        if field.kind == "text":
            text = _text(value)
            return names.get(text) or names.get("*") or text
        if isinstance(value, str) and field.kind in _NUMBERS:
            is_coordinate = field.kind == "number" and not self.numbers  # or another measure
            value = _plain_number(value, "1234.56" if is_coordinate else self.numbers)
        return self._readers[field.kind](value)

    def date_of(self, value: Any, is_calendar_date: bool = False) -> date:
        """Return the UTC date of a time, also of a local time that does not exist.

        A calendar date has no time zone, and is returned as it is written. Raises BadValue.
        """
        if is_calendar_date:
            return _date(value, self.date_format)
        at = self._time(value)
        return (at if at.tzinfo else at.replace(tzinfo=self.zone)).astimezone(UTC).date()

    @property
    def _readers(self) -> Mapping[Kind, Callable[[Any], Any]]:
        return {
            "money": lambda value: cents(value, self.has_units, self.decimals),
            "time": self._moment,
            "date": lambda value: _date(value, self.date_format),
            "quantity": lambda value: float(_decimal(value)),
            "number": lambda value: float(_decimal(value)),
            "whole number": _whole_number,
            "yes or no": _yes_or_no,
        }

    def _moment(self, value: Any) -> UtcTime:
        at = self._time(value)
        if at.tzinfo or self.zone is None:
            return UtcTime(at.astimezone(UTC).replace(tzinfo=None), is_ambiguous=False)
        return local_moment(at, self.zone)

    def _time(self, value: Any) -> datetime:
        """Return a time with its zone, or one that has that of the source; else raise BadValue."""
        text = str(value).strip()
        try:
            if isinstance(value, datetime):
                at = value
            elif isinstance(value, date):
                raise BadValue("date without a time")
            elif self.time_format:
                at = datetime.strptime(text, self.time_format)
            else:
                at = datetime.fromisoformat(_SPACE_BEFORE_OFFSET.sub("", text))
        except ValueError as error:
            if isinstance(error, BadValue):
                raise
            known = f"as {self.time_format}" if self.time_format else "in ISO 8601"
            zone = "" if self.zone else ", and time_zone in [[sales]] if times have no zone"
            cure = f"set time_format in the column map{zone}"
            raise BadValue(f"value that is no time {known}: {cure}") from None
        if not at.tzinfo and self.zone is None:
            raise BadValue("time without a zone: set time_zone in [[sales]]")
        return at


def local_moment(at: datetime, zone: ZoneInfo) -> UtcTime:
    """Return a local time (naive) in UTC; the first one, if it occurs twice.

    Raises BadValue for a time that does not exist, because clocks were set forward.
    """
    first, second = (at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    utc = first.astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) != at:
        raise BadValue("local time that does not exist")
    is_ambiguous = first.utcoffset() != second.utcoffset()
    return UtcTime(utc.replace(tzinfo=None), is_ambiguous)


def cents(value: Any, has_units: bool = True, decimals: int = 2) -> int:
    """Return an amount as whole hundredths; its currency has `decimals`. Raises BadValue.

    A float counts as the decimal with six places that is nearest, because sums of floats have
    more: 0.1 + 0.2 = 0.30000000000000004.
    """
    number = _decimal(value)
    hundredths = number.scaleb(2) if has_units else number
    if abs(hundredths) > MOST_CENTS:
        raise BadValue("amount that is too large")
    if isinstance(value, float):
        hundredths = round(hundredths, 4)
    if hundredths % Decimal(1).scaleb(2 - decimals):
        raise BadValue("amount with more decimals than its currency has")
    return int(hundredths)


def _is_empty(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _plain_number(text: str, style: NumberStyle) -> str:
    """Return a number without separators of thousands, and with a decimal point.

    Raises BadValue for other texts than digits with the separators of the style at their places,
    such as 1e3 and 1_000.
    """
    number = text.strip()
    if not style and _SEPARATED.fullmatch(number):
        raise BadValue("number with unknown separators: set numbers in the column map")
    if style not in _SEPARATORS:
        if not _PLAIN.fullmatch(number):
            raise BadValue("value that is no number")
        return number
    group, point = _SEPARATORS[style]
    groups = rf"\d{{1,3}}({re.escape(group)}\d{{3}})+|\d+"
    if not re.fullmatch(rf"[+-]?({groups})({re.escape(point)}\d+)?", number, re.ASCII):
        raise BadValue("value that is no number")
    return number.replace(group, "").replace(point, ".")


def _decimal(value: Any) -> Decimal:
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        raise BadValue("value that is no number") from None
    if not number.is_finite():
        raise BadValue("value that is no number")
    return number


def _whole_number(value: Any) -> int:
    number = _decimal(value)
    if abs(number) > MOST_CENTS:
        raise BadValue("number that is too large")
    if number != int(number):
        raise BadValue("value that is no whole number")
    return int(number)


def _yes_or_no(value: Any) -> bool:
    answer = _YES.get(str(value).strip().lower())
    if answer is None:
        raise BadValue("value that is neither yes nor no")
    return answer


def _choice(value: str, field: SalesField, names: Mapping[str, str]) -> str:
    choice = names.get(value) or names.get("*") or (value if value in field.choices else None)
    if choice is None:
        raise BadValue(f"{field.name} {value[:40]} that the column map does not know")
    return choice


def _date(value: Any, date_format: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        if date_format:
            return datetime.strptime(str(value).strip(), date_format).date()
        return date.fromisoformat(str(value).strip())
    except ValueError:
        known = f"as {date_format}" if date_format else "in ISO 8601"
        cure = "set date_format in the column map"
        raise BadValue(f"value that is no date {known}: {cure}") from None
