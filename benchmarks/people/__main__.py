"""Mix machines and crowds into logs, and compare the estimated people with the truth.

    python -m benchmarks.people --days 3 --sites café "small site" --seed 5

Every mixture goes through the pipeline's own parsing, cleaning and sessions in memory. The truth is
the number of visitors without machines. A row of the table is a site, a kind of machines or crowd,
and its number as a multiple of the people. `undecided` marks days on which no log can decide, and
the interval shows it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random

import pandas as pd

from benchmarks.people.counting import Days
from benchmarks.people.crowds import CROWDS
from benchmarks.people.lines import Line
from benchmarks.people.logs import REAL, SIMULATED, DayOfLog
from benchmarks.people.machines import MACHINES, imitate

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
RATES = (0.2, 1.0, 3.0)
IMITATION, NOTHING = "perfect imitation", "nothing"
KINDS = (NOTHING, *MACHINES, IMITATION, *CROWDS)
CLOSE = 0.05
LARGE = 100


def main(options: Sequence[str] | None = None) -> None:
    """Run the mixtures and print the tables."""
    chosen = _arguments(options)
    results: list[Mixed] = []
    for name in chosen.sites:
        print(f"{name} …", file=sys.stderr)
        results += [*run_site(name, chosen)]
    print_table(results)


def _arguments(options: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Count people in logs with machines.")
    names = [*SIMULATED, *(REAL if SHARED.exists() else ())]
    parser.add_argument("--sites", nargs="+", choices=names, default=names)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    parser.add_argument("--history", type=int, default=14, help="dates before, without machines")
    parser.add_argument("--days", type=int, default=2, help="dates that are mixed")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(options)


@dataclass(frozen=True)
class Mixed:
    """The result of one mixture on one date.

    `wronged` is the expected share of the true people who are suspected, and `decided` whether no
    cohort is undecided.
    """

    site: str
    kind: str
    rate: float
    truth: int
    counted: int
    kept: float
    low: float
    high: float
    wronged: float
    decided: bool

    @property
    def is_close(self) -> bool:
        """Whether the estimate is within 5 %, or within half a person, of the truth."""
        return abs(self.kept - self.truth) <= max(CLOSE * self.truth, 0.5)

    @property
    def holds(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low - 0.5 <= self.truth <= self.high + 0.5


def run_site(name: str, chosen: argparse.Namespace) -> Iterator[Mixed]:
    """Yield the results of all mixtures on the last dates of a site; earlier dates are history."""
    days = Days()
    wanted = chosen.history + chosen.days
    every = SIMULATED[name](chosen.seed) if name in SIMULATED else REAL[name](SHARED)
    with_people = (day for day in every if len(day.people) > 0)
    for number, day in enumerate(islice(with_people, wanted)):
        is_last = number >= min(chosen.history, 1 if name == "Apache 2015" else wanted)
        if is_last:
            for kind in chosen.kinds:
                for rate in chosen.rates if kind != NOTHING else (0.0,):
                    yield mix(name, day, days, kind, rate, chosen.seed)
        days.add(day.event_date, day.people)


def mix(name: str, day: DayOfLog, days: Days, kind: str, rate: float, seed: int) -> Mixed:
    """Mix a kind of machines or a crowd into a date, and return the estimate with the truth."""
    number = max(1, round(rate * len(day.people)))
    lines = [*_lines(day, kind, number, Random(f"{seed} {name} {day.start} {kind} {rate}"))]
    visitors = day.visitors_with(lines)
    suspicion = days.suspects(day.event_date, visitors)
    is_crowd = kind in CROWDS
    people = visitors.index if is_crowd else day.people.index
    share = suspicion.visitors["share"].reindex(people).fillna(1.0)
    estimate = suspicion.people
    return Mixed(
        name,
        kind,
        rate,
        len(people),
        estimate.counted,
        estimate.kept,
        estimate.low,
        estimate.high,
        float((1 - share).mean()),
        all(cohort.is_decided for cohort in suspicion.cohorts),
    )


def _lines(day: DayOfLog, kind: str, number: int, rng: Random) -> Iterator[Line]:
    if kind == NOTHING:
        return iter(())
    if kind == IMITATION:
        return imitate(rng, day.one_page_visits, number)
    make = MACHINES.get(kind) or CROWDS[kind]
    return make(rng, day.site, day.start, number)


def print_table(results: Sequence[Mixed]) -> None:
    """Print a row per site, kind and rate: means over the dates, and shares of good dates."""
    rows = pd.DataFrame(
        [asdict(result) | {"close": result.is_close, "holds": result.holds} for result in results]
    )
    print("| site | mixed in | × people | people | counted | kept | interval | within 5 % | "
          "holds | people suspected | |")  # fmt: skip
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|")
    for (site, kind, rate), group in rows.groupby(["site", "kind", "rate"], sort=False):
        mean = group.mean(numeric_only=True)
        print(
            f"| {site} | {kind} | {rate:g} | {mean['truth']:,.0f} | {mean['counted']:,.0f} "
            f"| {mean['kept']:,.0f} | {mean['low']:,.0f}–{mean['high']:,.0f} "
            f"| {group['close'].sum()} of {len(group)} | {group['holds'].sum()} of {len(group)} "
            f"| {mean['wronged']:.1%} | {'' if group['decided'].all() else 'undecided'} |"
        )
    _print_sums(rows)


def _print_sums(rows: pd.DataFrame) -> None:
    """Print the shares of good dates over all sites: machines, people alone, and imitation."""
    is_machine, is_large = rows["kind"].isin([*MACHINES]), rows["truth"] >= LARGE
    groups = {
        f"machines, {LARGE} people or more": is_machine & is_large,
        f"machines, fewer than {LARGE} people": is_machine & ~is_large,
        "people alone, and crowds": rows["kind"].isin([NOTHING, *CROWDS]),
        IMITATION: rows["kind"] == IMITATION,
    }
    print("\n| all sites | dates | within 5 % | interval holds | people suspected |")
    print("|---|---:|---:|---:|---:|")
    for name, chosen in groups.items():
        group = rows[chosen]
        if len(group):
            wronged = (group["wronged"] * group["truth"]).sum() / group["truth"].sum()
            print(f"| {name} | {len(group)} | {group['close'].mean():.0%} | "
                  f"{group['holds'].mean():.0%} | {wronged:.2%} |")  # fmt: skip


if __name__ == "__main__":
    main()
