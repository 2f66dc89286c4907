"""Count whom each rule against bots removes from a log, for `clickstream bots check`.

The lines pass through the pipeline's own cleaning under each of several sets of rules. All cleaners
get the same lines in the same order, so a visitor has the same code in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clickstream import dictionary_encoding
from clickstream.clean import Cleaner, CleanRules, LookUps, VisitorKeys
from clickstream.clean.hosts import requests_of_site
from clickstream.log_files.reading import SmallFile
from clickstream.log_files.small_files import Source, place_of_line, source_of
from clickstream.parse.frames import Parsed
from clickstream.report.rows import ROWS_AT_ONCE, LogRequests, LogRows, Numbers
from clickstream.report.tally import VISITOR_KEY

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


class VerdictTally:
    """Takes the lines of any number of files; `removals` counts the verdicts."""

    def __init__(self, rule_sets: Sequence[tuple[CleanRules, LookUps]]) -> None:
        """Prepare the rule sets; the first has the site's hosts."""
        self.lines = self.parsed = 0
        self._hosts = rule_sets[0][0].hosts
        self._sets = [
            (Cleaner(rules, VisitorKeys(VISITOR_KEY), look_ups), LogRows(_PLACE))
            for rules, look_ups in rule_sets
        ]
        self._sources: list[Source] = []
        self._waiting = 0

    def add(self, parsed: Parsed, *files: str | SmallFile) -> None:
        """Add parsed lines of one file, given by its path, or of small files parsed together."""
        table = requests_of_site(parsed.table, self._hosts)
        self.lines += parsed.lines
        self.parsed += len(table)
        for cleaner, _ in self._sets:
            cleaner.add(table, str(len(self._sources)))
        self._sources.append(source_of(files))
        self._waiting += len(table)
        if self._waiting >= ROWS_AT_ONCE:
            self._label()

    def _label(self) -> None:
        for cleaner, rows in self._sets:
            rows.add(cleaner.rows())
        self._waiting = 0

    def verdicts(self) -> Verdicts:
        """Return the verdicts under each rule set. Afterwards, nothing can be added."""
        self._label()
        found = []
        for cleaner, rows in self._sets:
            requests = rows.with_tables(cleaner.tables())
            cleaner.forget()
            requests.add_behaviour_verdicts(cleaner)
            found.append(requests)
        return Verdicts(found, self._sources)


_PLACE = ("line_number", "raw_object")


class Verdicts:
    """The verdicts on the visitors of a log, under the rule sets of a `VerdictTally`."""

    def __init__(self, requests: Sequence[LogRequests], sources: Sequence[Source]) -> None:
        self._of_set, self._sources = requests, sources
        ids = requests[0].table("visitor")["visitor_id"]
        self._id = dictionary_encoding.codes_of(ids)
        self._requests = requests[0].count("visitor")

    @property
    def visitors(self) -> int:
        """The number of different visitors."""
        return len(np.unique(self._id))

    @property
    def requests(self) -> int:
        """The number of requests."""
        return len(self._of_set[0])

    def people(self, rule_set: int) -> int:
        """Count the visitors that have no verdict in any hour."""
        return self.visitors - len(np.unique(self._id[self._is_bot(rule_set)]))

    def _is_bot(self, rule_set: int) -> npt.NDArray[np.bool_]:
        is_bot = self._of_set[rule_set].table("visitor")["is_bot"]
        mask: npt.NDArray[np.bool_] = is_bot.to_numpy(zero_copy_only=False)
        return mask

    def removals(self, rule_set: int, but: int | None = None) -> list[Removal]:
        """Count by reason the visitors that a rule set removes, those with most visitors first.

        With `but`, only those that this other rule set does not remove.
        """
        visitors = self._of_set[rule_set].table("visitor")
        is_chosen = self._is_bot(rule_set)
        if but is not None:
            is_chosen = is_chosen & ~self._is_bot(but)
        reasons, classes = (visitors[name] for name in ("bot_reason", "bot_class"))
        code = np.where(is_chosen, dictionary_encoding.codes_of(reasons), -1)
        found = [
            (reasons.dictionary[number].as_py(), np.flatnonzero(code == number))
            for number in np.unique(code[is_chosen]).tolist()
        ]
        places = self._places([self._samples(rows) for _, rows in found])
        removals = [
            Removal(
                reason,
                classes[int(rows[0])].as_py(),
                len(np.unique(self._id[rows])),
                int(self._requests[rows].sum()),
                lines,
            )
            for (reason, rows), lines in zip(found, places, strict=True)
        ]
        return sorted(removals, key=lambda one: (-one.visitors, -one.requests, one.reason))

    def _samples(self, rows: Numbers) -> list[int]:
        """Return the first rows of different visitors."""
        _, first = np.unique(self._id[rows], return_index=True)
        return [int(row) for row in rows[np.sort(first)[:SAMPLES]]]

    def _places(self, samples: Sequence[Sequence[int]]) -> list[tuple[tuple[str, int], ...]]:
        """Return the path and the number of the first line of each sampled row of visitors."""
        place_of = self._first_lines({row for some in samples for row in some})
        return [tuple(place_of[row] for row in some if row in place_of) for some in samples]

    def _first_lines(self, wanted: set[int]) -> Mapping[int, tuple[str, int]]:
        found: dict[int, tuple[str, int]] = {}
        names = self._of_set[0].table("raw_object")["raw_object"]
        for _, rows in self._of_set[0].slices():
            visitor, first = np.unique(rows["visitor"], return_index=True)
            for row in (wanted - found.keys()).intersection(visitor.tolist()):
                at = first[np.searchsorted(visitor, row)]
                source = self._sources[int(names[int(rows["raw_object"][at])].as_py())]
                found[row] = place_of_line(int(rows["line_number"][at]), source)
        return found
