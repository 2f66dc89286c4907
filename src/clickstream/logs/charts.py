"""Bar charts for the terminal, in block characters, or in ASCII if it supports nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from rich.console import Console, OverflowMethod
from rich.text import Text

from clickstream.wording import printable

EIGHTHS_UP = " ▁▂▃▄▅▆▇█"
SHADES = "█▓▒░▚▞▖▘▝▗·"
ASCII_SHADES = "#%*+o=x~-:."


@dataclass(frozen=True)
class TimeStep:
    """One unit of the time axis: its seconds, its pandas frequency, and the formats of labels."""

    seconds: int
    frequency: str
    name: str
    fine: str
    coarse: str


STEPS = (
    TimeStep(3_600, "h", "hour", "%H", "%-d %b %Y"),
    TimeStep(86_400, "D", "day", "%-d", "%b %Y"),
    TimeStep(604_800, "W-MON", "week", "%b", "%Y"),
    TimeStep(2_592_000, "MS", "month", "%b", "%Y"),
    TimeStep(31_536_000, "YS", "year", "%Y", ""),
)


@dataclass(frozen=True)
class TerminalAbilities:
    """The abilities of the terminal: its width in columns, colours, and characters beyond ASCII."""

    width: int
    has_colour: bool
    ascii_only: bool

    @classmethod
    def of(cls, console: Console, widest: int) -> TerminalAbilities:
        """Return the look of a console, with at most `widest` columns."""
        return cls(
            width=min(console.width, widest),
            has_colour=console.color_system is not None and not console.no_color,
            ascii_only=console.options.ascii_only,
        )

    @property
    def overflow(self) -> OverflowMethod:
        """How to shorten a text that is too long; an ellipsis is not ASCII."""
        return "crop" if self.ascii_only else "ellipsis"

    def shade(self, number: int) -> str:
        """Return the character of a segment of a stacked bar; without colours, each has its own."""
        if self.ascii_only:
            return ASCII_SHADES[number]
        return "█" if self.has_colour else SHADES[number]

    def safe(self, text: str) -> str:
        """Escape a text from a log, so that it can't send control sequences to the terminal."""
        shown = printable(text)
        return shown.encode("ascii", "backslashreplace").decode() if self.ascii_only else shown


def bar(value: int, peak: int, width: int, style: str, look: TerminalAbilities) -> Text:
    """Draw a horizontal bar, `width` columns long at `peak`, and visible for any value above 0."""
    full, half = divmod(max(round(2 * width * value / peak), 1) if value else 0, 2)
    if look.ascii_only:
        return Text("=" * (full + half), style)
    return Text("━" * full + "╸" * half, style)


def stacked(segments: Sequence[tuple[int, str]], width: int, look: TerminalAbilities) -> Text:
    """Draw one bar of `width` columns with a segment for each (value, style)."""
    ends = np.cumsum([value for value, _ in segments])
    columns = np.round(ends * width / max(ends[-1], 1)).astype(int)
    lengths = np.diff(columns, prepend=0)
    bar_ = Text()
    for number, ((_, style), length) in enumerate(zip(segments, lengths, strict=True)):
        bar_.append(look.shade(number) * int(length), style)
    return bar_


def fold(by_hour: dict[int, int], columns: int) -> tuple[TimeStep, pd.Series]:
    """Sum counts by the finest step that needs at most `columns` columns for the whole span."""
    first, last = min(by_hour), max(by_hour)
    covering = (step for step in STEPS if (last - first) // step.seconds + 2 <= columns)
    step = next(covering, STEPS[-1])
    hours = [datetime.fromtimestamp(hour, UTC).replace(tzinfo=None) for hour in by_hour]
    counts = pd.Series(list(by_hour.values()), index=pd.DatetimeIndex(hours, dtype="M8[s]"))
    return step, counts.resample(step.frequency, label="left", closed="left").sum()


def over_time(
    counts: pd.Series, step: TimeStep, height: int, style: str, look: TerminalAbilities
) -> list[Text]:
    """Draw vertical bars over a time axis, `height` lines high, with up to two lines of labels."""
    margin = len(f"{counts.max():,}") + 1
    cell = max(1, min(6, (look.width - margin) // len(counts)))
    rows = _upright(counts.tolist(), height, cell, look)
    scale = [f"{counts.max():,}", *[""] * (height - 2), "0"]
    lines = [
        Text.assemble((f"{label:>{margin - 1}} ", "dim"), (row, style))
        for label, row in zip(scale, rows, strict=True)
    ]
    axis = [_axis(counts.index, form, cell) for form in (step.fine, step.coarse) if form]
    return lines + [Text(" " * margin + labels, "dim") for labels in axis]


def _upright(values: Iterable[int], height: int, cell: int, look: TerminalAbilities) -> list[str]:
    values = list(values)
    peak = max(values)
    eighths = [max(round(8 * height * v / peak), 1) if v else 0 for v in values]
    bar_width, gap = (cell - 1, " ") if cell > 1 else (1, "")
    glyphs = "    #####" if look.ascii_only else EIGHTHS_UP
    return [
        "".join(glyphs[min(max(e - 8 * level, 0), 8)] * bar_width + gap for e in eighths)
        for level in reversed(range(height))
    ]


def _axis(moments: pd.DatetimeIndex, form: str, cell: int) -> str:
    """Build a line of labels: one at each change of the text, if it fits after the one before."""
    line, previous = "", ""
    for number, label in enumerate(moments.strftime(form)):
        position = number * cell
        if label != previous and (not line or len(line) < position):
            line = line.ljust(position) + label
        previous = label
    return line
