"""Count whom each rule against bots removes from a log, for `clickstream bots check`.

The lines of each date pass through the pipeline's own cleaning under each of several sets of rules.
All cleaners get the same lines in the same order, so a visitor has the same code in each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from clickstream import dictionary_encoding
from clickstream.clean import Cleaner, CleanRules, LookUps, RequestTable, VisitorKeys
from clickstream.log_facts.lines_by_date import LinesByDate, Piece
from clickstream.log_files.small_files import Source, place_of_line
from clickstream.report.figures import VISITOR_KEY

SAMPLES = 2
"""Sample lines of a reason, each of another visitor."""


@dataclass(frozen=True)
class Removal:
    """The visitors that get a verdict for one reason, and the places of sample lines.

    `visitors` counts different visitor ids, `requests` all requests of them for which the verdict
    applies. `lines` has the path and the line number of the first line of some visitors.
    """

    reason: str
    bot_class: str
    visitors: int
    requests: int
    lines: tuple[tuple[str, int], ...]


def find_verdicts(lines: LinesByDate, rule_sets: Sequence[tuple[CleanRules, LookUps]]) -> Verdicts:
    """Return the verdicts on all visitors under each rule set, date after date."""
    cleaners = [Cleaner(rules, VisitorKeys(VISITOR_KEY), look_ups) for rules, look_ups in rule_sets]
    dates = [
        _visitors_of([_labelled(cleaner, [*lines.of_day(day)]) for cleaner in cleaners])
        for day in lines.days
    ]
    visitors = dictionary_encoding.to_frame(pa.concat_tables(dates).unify_dictionaries())
    return Verdicts(visitors.sort_values(["source", "line_number"]), lines.sources)


def _labelled(cleaner: Cleaner, pieces: Sequence[Piece]) -> RequestTable:
    cleaner.forget()
    for piece in pieces:
        cleaner.add(piece.requests, str(piece.source))
    return cleaner.requests()


def _visitors_of(of_sets: Sequence[RequestTable]) -> pa.Table:
    """Return the visitors of each hour of a date.

    The columns are visitor_id, requests, source and line_number of the first request, and for each
    rule set by its number, such as `reason_0` and `class_0`, the reason and the class of a bot.
    """
    rows, tables = of_sets[0].columns, of_sets[0].tables
    _, first, requests = np.unique(rows["visitor"], return_index=True, return_counts=True)
    sources = np.array([int(name) for name in tables["raw_object"]["raw_object"].to_pylist()])
    columns = {
        "visitor_id": tables["visitor"]["visitor_id"],
        "requests": pa.array(requests),
        "source": pa.array(sources[rows["raw_object"][first]]),
        "line_number": pa.array(rows["line_number"][first]),
    }
    for number, one in enumerate(of_sets):
        columns |= dict(_verdicts(number, one.tables["visitor"]))
    return pa.table(columns)


def _verdicts(number: int, visitors: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    for name in ("reason", "class"):
        yield f"{name}_{number}", visitors[f"bot_{name}"]


class Verdicts:
    """The verdicts on the visitors of a log, under the rule sets of `find_verdicts`.

    `visitors` has the rows of `_visitors_of` for all dates, in the order of the sources.
    """

    def __init__(self, visitors: pd.DataFrame, sources: Mapping[int, Source]) -> None:
        self._visitors, self._sources = visitors, sources

    @property
    def visitors(self) -> int:
        """The number of different visitors."""
        return int(self._visitors["visitor_id"].nunique())

    @property
    def requests(self) -> int:
        """The number of requests."""
        return int(self._visitors["requests"].sum())

    def people(self, rule_set: int) -> int:
        """Count the visitors that have no verdict in any hour."""
        bots = self._visitors[self._is_bot(rule_set)]
        return self.visitors - int(bots["visitor_id"].nunique())

    def _is_bot(self, rule_set: int) -> pd.Series:
        return self._visitors[f"reason_{rule_set}"].notna()

    def removals(self, rule_set: int, but: int | None = None) -> list[Removal]:
        """Count by reason the visitors that a rule set removes, those with most visitors first.

        With `but`, only those that this other rule set does not remove.
        """
        is_chosen = self._is_bot(rule_set)
        if but is not None:
            is_chosen &= ~self._is_bot(but)
        by_reason = self._visitors[is_chosen].groupby(f"reason_{rule_set}", observed=True)
        removals = [
            self._removal(str(reason), rows, f"class_{rule_set}") for reason, rows in by_reason
        ]
        return sorted(removals, key=lambda one: (-one.visitors, -one.requests, one.reason))

    def _removal(self, reason: str, rows: pd.DataFrame, class_column: str) -> Removal:
        distinct = rows.drop_duplicates("visitor_id")
        samples = distinct[["source", "line_number"]].head(SAMPLES)
        return Removal(
            reason,
            str(rows[class_column].iloc[0]),
            len(distinct),
            int(rows["requests"].sum()),
            tuple(
                place_of_line(number, self._sources[source])
                for source, number in samples.itertuples(index=False)
            ),
        )
