"""Times of access logs, `29/Mar/2026:01:59:59 +0100`, to Unix seconds; many at once, exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Years that a web server's clock can have meant; a time outside is refused as impossible."""

WIDTH = 26
_DIGITS = (0, 1, 7, 8, 9, 10, 12, 13, 15, 16, 18, 19, 22, 23, 24, 25)
_SEPARATORS = (2, 6, 11, 14, 17, 20)
_SEPARATED = np.frombuffer(b"//::: ", np.uint8)
_SIGN = 21
_MONTHS = np.frombuffer(b"JanFebMarAprMayJunJulAugSepOctNovDec", np.uint8).reshape(12, 3)
_SPELLING = np.array([1 << 16, 1 << 8, 1])  # three letters as one number
_SPELLED = _MONTHS @ _SPELLING
_IN_ORDER = np.argsort(_SPELLED)


def unix_seconds(times: list[bytes]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Unix time in seconds of each time, and whether it is one.

    A time is `dd/Mon/yyyy:HH:MM:SS +zzzz`; text of another width is none. A leap second (second 60)
    counts as second 59, so that it stays in its own minute and hour. Impossible are: a month or day
    that the calendar lacks, hour 24, minute 60, an offset of a day or more, and years outside
    FIRST_YEAR..LAST_YEAR.
    """
    wide = b"".join(time if len(time) == WIDTH else bytes(WIDTH) for time in times)
    text = np.frombuffer(wide, np.uint8).reshape(len(times), WIDTH)
    month, month_ok = _month(text[:, 3:6])
    digits = text.astype(np.int64) - ord("0")
    day, year = _number(digits, 0, 2), _number(digits, 7, 4)
    hour, minute, second = (_number(digits, column, 2) for column in (12, 15, 18))
    offset_hour, offset_minute = _number(digits, 22, 2), _number(digits, 24, 2)

    possible = month_ok & ((digits[:, _DIGITS] >= 0) & (digits[:, _DIGITS] <= 9)).all(axis=1)
    possible &= (text[:, _SEPARATORS] == _SEPARATED).all(axis=1)
    possible &= (text[:, _SIGN] == ord("+")) | (text[:, _SIGN] == ord("-"))
    possible &= (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    possible &= (hour < 24) & (minute < 60) & (second <= 60)
    possible &= (offset_hour < 24) & (offset_minute < 60)

    months = np.where(possible, (year - 1970) * 12 + month, 0).astype("M8[M]")
    first_day = months.astype("M8[D]").astype(np.int64)
    month_length = (months + 1).astype("M8[D]").astype(np.int64) - first_day
    possible &= (day >= 1) & (day <= month_length)

    offset = (offset_hour * 60 + offset_minute) * 60
    east = text[:, _SIGN] == ord("+")
    clock = (hour * 60 + minute) * 60 + np.minimum(second, 59)
    seconds = (first_day + day - 1) * 86_400 + clock - np.where(east, offset, -offset)
    return seconds, possible


def _number(digits: npt.NDArray[np.int64], column: int, width: int) -> npt.NDArray[np.int64]:
    places: npt.NDArray[np.int64] = 10 ** np.arange(width - 1, -1, -1)
    number: npt.NDArray[np.int64] = digits[:, column : column + width] @ places
    return number


def _month(
    names: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The month's index from 0 for each three-letter name, and whether there is such a month."""
    spelled = names @ _SPELLING
    place = np.minimum(np.searchsorted(_SPELLED, spelled, sorter=_IN_ORDER), 11)
    month = _IN_ORDER[place]
    return month, _SPELLED[month] == spelled
