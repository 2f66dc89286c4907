"""Missing sources: the hosts that published hours lack, because no pull reached them afterwards.

An hour is published even if hosts could not be pulled. Its row of the ledger names the hosts that
were not pulled since the hour ended. When a host is reachable again, its lines reopen their hours,
and `complete_hours` removes its name from every hour, also from hours for which it has no line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from clickstream.core.hours import Hour
from clickstream.lake import Lake, aws_errors, hour_ledger
from clickstream.pipeline.hosts.host_freshness import expected_states
from clickstream.tables.hour_ledger import HOSTS_SEPARATOR

LOOK_BACK = timedelta(days=35)
"""The time before the hour of a run in which incomplete hours are searched.

A host that was unreachable for longer has most likely lost its older lines to log rotation; older
hours keep the name until they are built again.
"""


@dataclass(frozen=True)
class ExpectedHosts:
    """The hosts that should be pulled, by name, each with the time up to which it is pulled.

    The times are Unix seconds; a host that was never pulled has None.
    """

    pulled_to: Mapping[str, int | None]

    def missing(self, hour: Hour) -> list[str]:
        """Return the names of the hosts that were not pulled since the hour ended, sorted."""
        end = hour.end.timestamp()
        return sorted(n for n, pulled in self.pulled_to.items() if pulled is None or pulled < end)

    def missing_names(self, hour: Hour) -> str | None:
        """Return the missing names as the ledger stores them; None if no host is missing."""
        return HOSTS_SEPARATOR.join(self.missing(hour)) or None


def expected_hosts(lake: Lake) -> ExpectedHosts:
    """Read which hosts should be pulled, and up to when each is pulled; no request to EC2."""
    states = expected_states(lake) if lake.settings.sources else []
    return ExpectedHosts({state.host: state.pulled_at for state in states})


@dataclass(frozen=True)
class Completed:
    """An hour that lacks fewer hosts than its row of the ledger recorded.

    `arrived` are the hosts that are no longer missing, `still_missing` those that are.
    """

    hour: Hour
    arrived: Sequence[str]
    still_missing: Sequence[str]

    @property
    def sentence(self) -> str:
        """One line for the log."""
        still = (
            f"it still lacks {HOSTS_SEPARATOR.join(self.still_missing)}"
            if self.still_missing
            else "it is complete"
        )
        return f"Hour {self.hour} no longer lacks {HOSTS_SEPARATOR.join(self.arrived)}; {still}."


@aws_errors.translate_errors()
def complete_hours(
    lake: Lake, hour: Hour, due: Collection[Hour] = (), look_back: timedelta = LOOK_BACK
) -> list[Completed]:
    """Remove the names of hosts that are pulled by now from the ledger; return those hours.

    Hours from `look_back` before `hour` on are checked. Only rows of the ledger change, in one
    commit for each date; the hours' own rows stay. Hours that are `due`, that is about to be built,
    are skipped, since their publication writes the names. If another process changes the ledger's
    date meanwhile, the next run does it.
    """
    first = (hour.start - look_back).date()
    hours = sorted(hour_ledger.incomplete_rows(lake, first).keys() - set(due))
    if not hours:
        return []
    expected = expected_hosts(lake)
    dates = groupby(hours, lambda hour: hour.event_date)
    return [
        completed
        for _, of_date in dates
        for completed in _complete_date(lake, [*of_date], expected)
    ]


def _complete_date(
    lake: Lake, hours: Sequence[Hour], expected: ExpectedHosts
) -> Sequence[Completed]:
    """Write what hours of one date still lack; return the changed ones if they were written."""
    changed: list[Completed] = []

    def without_arrived(row: dict[str, Any]) -> dict[str, Any]:
        hour = Hour.at(row["hour_at"])
        if hour not in hours or not row["missing_sources"]:
            return row
        names = row["missing_sources"].split(HOSTS_SEPARATOR)
        missing = set(expected.missing(hour))
        arrived = [name for name in names if name not in missing]
        if not arrived:
            return row
        still_missing = [name for name in names if name in missing]
        changed.append(Completed(hour, arrived, still_missing))
        return {**row, "missing_sources": HOSTS_SEPARATOR.join(still_missing) or None}

    is_written = hour_ledger.rewrite_rows(lake, hours[0], hours[-1], without_arrived)
    return changed if is_written else []
