"""Comparisons of parsed logs with each other and with the records that were written."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from tests.clickstream.parse.builders import Record

from clickstream.parse.frames import Parsed


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its categories as texts: how they are numbered is nobody's business."""
    is_category = [isinstance(dtype, pd.CategoricalDtype) for dtype in table.dtypes]
    return table.astype(dict.fromkeys(table.columns[is_category], "str"))


def assert_same(one: Parsed, other: Parsed) -> None:
    assert (one.lines, one.directives) == (other.lines, other.directives)
    pd.testing.assert_frame_equal(plain(one.requests), plain(other.requests))
    pd.testing.assert_frame_equal(plain(one.rejects), plain(other.rejects))


def lines_of(data: bytes) -> list[bytes]:
    """The lines without their ends; a newline ends a line, it does not begin one."""
    lines = data.split(b"\n")
    return [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])]


def assert_read_back(
    parsed: Parsed, written: Sequence[Record], logged: Sequence[str] = ("referrer", "user_agent")
) -> None:
    """Each record is a request again, field by field, and nothing else is.

    `logged` are those of the fields in the default that the format has.
    """
    assert parsed.rejects.empty
    for record, row in zip(written, parsed.requests.itertuples(), strict=True):
        assert row.at == record.utc
        assert pd.isna(row.bytes) if record.size is None else row.bytes == record.size
        for name in ("client", "method", "target", "protocol", "status"):
            assert getattr(row, name) == getattr(record, name)
        for name in ("referrer", "user_agent"):
            assert getattr(row, name) == (getattr(record, name) if name in logged else "")
