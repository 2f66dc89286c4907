"""Numbers, shares, times and dates as the pages show them, in the locale of the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any, Literal

from babel import Locale, dates, localedata, numbers
from babel.core import UnknownLocaleError

from clickstream.core.errors import SettingsError
from clickstream.dashboard.ask.metrics import Format, Metric

NO_VALUE = "–"

LARGE_CENTS = 100_000
"""The amount from which a key figure has no decimals."""

SHORT_FROM_CENTS = 1_000_000
"""The amount from which an axis abbreviates amounts."""

_MONDAY = date(2024, 1, 1)


def machine_language(environment: Mapping[str, str]) -> str:
    """Return English with the numbers and dates of the machine's locale (POSIX), such as en-DE.

    Without a locale that has a country, it is en-GB.
    """
    names = (environment.get(name) for name in ("LC_ALL", "LC_TIME", "LANG"))
    country = next(filter(None, names), "").partition(".")[0].partition("_")[2][:2]
    return f"en-{country}" if country and localedata.exists(f"en_{country}") else "en-GB"


def parse_locale(language: str) -> Locale:
    """Parse the setting `language`. Raises SettingsError for a locale that is not English."""
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = None
    if locale is None or locale.language != "en":
        raise SettingsError(
            f"dashboard.language = {language!r} is not an English locale. The texts of the "
            "dashboard are English; the locale sets the form of numbers, dates and money. "
            "Write one like en-GB, en-US or en-AU."
        )
    return locale


@dataclass(frozen=True)
class Change:
    """A change as text, its direction, and whether it is good (None: neither).

    The direction of an unclear change is `same`, and its text has a sign; it is empty from zero.
    `words` state the verdict with the usual value, and `usual` is this value.
    """

    text: str
    direction: Literal["up", "down", "same"]
    is_good: bool | None
    words: str = ""
    usual: str = ""

    @property
    def signed_text(self) -> str:
        """The text with the sign of the direction."""
        return {"up": "+", "down": "−", "same": ""}[self.direction] + self.text


@dataclass(frozen=True)
class Formats:
    """Formats of one locale.

    `currency` is that of the site's amounts, empty if it has none or several.
    """

    locale: Locale
    currency: str = ""

    @property
    def language(self) -> str:
        """The language as HTML names it (BCP 47), such as en-GB."""
        return str(self.locale).replace("_", "-")

    def plural(self, one: str, many: str, number: int, **values: object) -> str:
        """Choose a text by a number, and replace its `{number}` and `{name}` by values."""
        return (one if number == 1 else many).format(number=self.count(number), **values)

    def count(self, value: float) -> str:
        """Format a whole number with separators."""
        return _count(self.locale, round(value))

    def short_count(self, value: float) -> str:
        """Format a number for the ticks of an axis, such as 1.5K."""
        return _short_count(self.locale, value)

    def share(self, value: float | None, digits: int = 1) -> str:
        """Format a share, 0 to 1, as a percentage; None is a share that is not shown."""
        if value is None:
            return NO_VALUE
        return _share(self.locale, round(value, digits + 2), digits)

    def seconds(self, value: float) -> str:
        """Format a duration as minutes and seconds, such as 1:05, or with hours."""
        minutes, seconds = divmod(round(value), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

    def milliseconds(self, value: float) -> str:
        """Format a short time, such as 180 ms or 1.4 s."""
        if round(value) < 1000:
            return f"{self.count(round(value))} ms"
        return f"{self.decimal(value / 1000)} s"

    def size(self, value: float) -> str:
        """Format a size with units of a thousand bytes, such as 180 B, 1.4 kB or 12.0 GB."""
        for unit in ("B", "kB", "MB", "GB"):
            if round(value) < 1000:
                return f"{self.count(value) if unit == 'B' else self.decimal(value)} {unit}"
            value /= 1000
        return f"{self.decimal(value)} TB"

    def amount(self, cents: float) -> str:
        """Format an amount in hundredths with two decimals, without its currency."""
        return numbers.format_decimal(Decimal(cents) / 100, "#,##0.00", self.locale)

    def money(self, cents: float, currency: str) -> str:
        """Format an amount in hundredths of a currency, with two decimals, such as €12.10."""
        return numbers.format_currency(
            Decimal(cents) / 100, currency, locale=self.locale, currency_digits=False
        )

    def whole_units(self, cents: float) -> str:
        """Format an amount of the site's currency without decimals, such as €1,240."""
        return _whole_units(self.locale, self.currency, round(cents / 100))

    def whole_money(self, cents: float) -> str:
        """Format an amount in hundredths without decimals, such as €12."""
        amount = round(cents / 100)
        if not self.currency:
            return self.count(amount)
        pattern = numbers.parse_pattern(self.locale.currency_formats["standard"].pattern)
        pattern.frac_prec = (0, 0)
        text: str = pattern.apply(
            amount, self.locale, currency=self.currency, currency_digits=False
        )
        return text

    def value(self, metric: Metric, value: Any) -> str:
        """Format a metric's value."""
        if value is None or (isinstance(value, float) and not isfinite(value)):
            return NO_VALUE
        if metric.format == "cents":
            return self.money(value, self.currency) if self.currency else self.amount(value)
        ways: dict[Format, Callable[[Any], str]] = {
            "share": self.share,
            "seconds": self.seconds,
            "milliseconds": self.milliseconds,
            "bytes": self.size,
            "amount": self.amount,
            "decimal": self.decimal,
            "moment": self.moment,
        }
        return ways.get(metric.format, self.count)(value)

    def brief(self, metric: Metric, value: Any) -> str:
        """Format a metric's value as a key figure: large amounts in whole units."""
        is_large = metric.format == "cents" and value is not None and abs(value) >= LARGE_CENTS
        return self.whole_units(value) if is_large else self.value(metric, value)

    def tick(self, metric: Metric, value: float) -> str:
        """Format a metric's value for an axis."""
        if metric.format == "cents":
            return self._money_tick(value)
        if metric.format == "share":
            return self.share(value, 0 if value >= 0.05 else 1)
        return self.seconds(value) if metric.format == "seconds" else self.short_count(value)

    def _money_tick(self, cents: float) -> str:
        """Format an amount for an axis, such as €0.50, €800 or €12.4K."""
        if cents % 100:
            return self.money(round(cents), self.currency)
        if abs(cents) < SHORT_FROM_CENTS:
            return self.whole_units(cents)
        return _short_money(self.locale, self.currency, cents / 100)

    def change(self, metric: Metric, now: float, before: float) -> Change | None:
        """Return a share's change in points, another value's change in percent; None from zero.

        A point is a percentage point, such as from 4 % to 5 %.
        """
        if metric.format == "share":
            points = f"{self.decimal(abs(now - before) * 100)} points"
            return _change(metric, points, now - before, 0.0005)
        if not before:
            return None
        step = now / before - 1
        return _change(metric, self.share(abs(step), 1 if abs(step) < 0.095 else 0), step, 0.0005)

    def decimal(self, value: float) -> str:
        """Format a number with one decimal."""
        return _decimal(self.locale, round(value, 1))

    def significant(self, value: float) -> str:
        """Format a number with two significant digits, such as 0.042."""
        return numbers.format_decimal(value, "@@", self.locale)

    def signed(self, value: int) -> str:
        """Format a difference with its sign."""
        return f"{'+' if value >= 0 else '−'}{self.count(abs(value))}"

    def day(self, day: date, with_weekday: bool = False, with_year: bool = False) -> str:
        """Format a date, such as 7 Nov, Sat 7 Nov or 7 Nov 2026."""
        pattern = f"{'y' if with_year else ''}MMM{'E' if with_weekday else ''}d"
        return _skeleton(self.locale, pattern, day)

    def days(self, first: date, last: date) -> str:
        """Format a range of dates, such as 30 Oct – 26 Nov."""
        if first == last:
            return self.day(first, with_weekday=True)
        if first.year != last.year:
            return f"{self.day(first, with_year=True)} – {self.day(last, with_year=True)}"
        return f"{self.day(first)} – {self.day(last)}"

    def hour(self, hour: int) -> str:
        """Format an hour of the day, such as 14:00."""
        return _hour(self.locale, hour)

    def moment(self, moment: datetime) -> str:
        """Format a date and time to the minute, such as 26 Nov, 14:00."""
        time = dates.format_time(moment, "short", locale=self.locale)
        return f"{self.day(moment.date())}, {time}"

    def time(self, moment: datetime) -> str:
        """Format a time of day to the minute, such as 14:02."""
        return dates.format_time(moment, "short", locale=self.locale)

    def clock(self, moment: datetime) -> str:
        """Format a time of day to the second, such as 14:02:31."""
        return dates.format_time(moment, "medium", locale=self.locale)

    def weekday(self, number: int) -> str:
        """Return the short name of a weekday, 1 for Monday to 7 for Sunday."""
        return dates.format_date(_MONDAY + timedelta(days=number - 1), "EEE", self.locale)

    def long_weekday(self, day: date) -> str:
        """Return the name of a date's weekday, such as Monday."""
        return dates.format_date(day, "EEEE", self.locale)

    def weekdays(self) -> Sequence[int]:
        """Return the weekdays, 1 (Monday) to 7, from the locale's first day of the week."""
        first: int = self.locale.first_week_day
        return [(first + step) % 7 + 1 for step in range(7)]

    def country(self, code: str) -> str:
        """Return the name of a country, or its code if the name is unknown."""
        return str(self.locale.territories.get(code, code))


def _change(metric: Metric, text: str, step: float, smallest: float) -> Change:
    if abs(step) < smallest:
        return Change(text, "same", None)
    is_up = step > 0
    is_good = None if metric.good == "neither" else is_up == (metric.good == "up")
    return Change(text, "up" if is_up else "down", is_good)


@lru_cache(4096)
def _decimal(locale: Locale, value: float) -> str:
    return numbers.format_decimal(value, "#,##0.0", locale)


@lru_cache(4096)
def _count(locale: Locale, value: int) -> str:
    return numbers.format_decimal(value, locale=locale)


@lru_cache(1024)
def _short_count(locale: Locale, value: float) -> str:
    if abs(value) < 10_000:
        return numbers.format_decimal(round(value, 1), locale=locale)
    return numbers.format_compact_decimal(value, locale=locale, fraction_digits=1)


@lru_cache(4096)
def _whole_units(locale: Locale, currency: str, units: int) -> str:
    pattern = locale.currency_formats["standard"].pattern.replace("0.00", "0")
    return numbers.format_currency(units, currency, pattern, locale, currency_digits=False)


@lru_cache(1024)
def _short_money(locale: Locale, currency: str, units: float) -> str:
    return numbers.format_compact_currency(units, currency, locale=locale, fraction_digits=1)


@lru_cache(4096)
def _share(locale: Locale, value: float, digits: int) -> str:
    return numbers.format_percent(
        value, f"0.{'0' * digits}%" if digits else "0%", locale, decimal_quantization=True
    )


@lru_cache(4096)
def _skeleton(locale: Locale, pattern: str, day: date) -> str:
    return dates.format_skeleton(pattern, day, locale=locale)


@lru_cache(64)
def _hour(locale: Locale, hour: int) -> str:
    return dates.format_time(datetime(2024, 1, 1, hour), "short", locale=locale)
