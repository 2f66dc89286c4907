"""A real log, read once: what parsing, cleaning and session cutting make of it.

The known figures count page views by a simpler rule than ours; `KINDS_AS_COUNTED` is that rule in
our settings, so that both count the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.clean import Cleaner, CleanRules, KindRules, RequestTable, VisitorKeys
from clickstream.parse import Format, concat, event_hours, header_after, parse
from clickstream.parse.frames import Parsed
from clickstream.sessions import SessionRules, cut, make_parts

KINDS_AS_COUNTED = replace(
    KindRules(),
    asset_extensions=(*KindRules().asset_extensions, "pdf", "txt", "xml"),
    asset_files=("favicon.ico",),
    download_extensions=(),
    health_paths=(),
    api_prefixes=(),
    api_extensions=(),
    robots_files=("robots.txt",),
    robots_prefixes=(),
)
"""A page is what is asked for with GET, answered with 200 or 304 and without a static extension."""


@dataclass(frozen=True)
class RealLog:
    """Files of one site in the order of their time, all in one format.

    `without_offset` is their format, but for one UTC offset that every line has and that is not
    applied; None where the format has no offsets.
    """

    paths: Sequence[Path]
    log_format: str
    without_offset: Format | None = None

    @cached_property
    def texts(self) -> dict[str, bytes]:
        """Each file's bytes, by its name."""
        return {path.name: path.read_bytes() for path in self.paths}

    @cached_property
    def files(self) -> dict[str, Parsed]:
        """What each file holds, by its name."""
        return {name: parse(text, self.log_format) for name, text in self.texts.items()}

    @cached_property
    def parsed(self) -> Parsed:
        """What all files hold."""
        return concat(self.files.values())

    @cached_property
    def logged_at(self) -> pd.Series:
        """The times as they stand in the lines, in whatever offset that is."""
        if self.without_offset is None:
            return self.parsed.requests["at"]
        texts = self.texts.values()
        return concat(parse(text, self.without_offset) for text in texts).requests["at"]

    @cached_property
    def headers(self) -> set[str]:
        """The columns that the files' last headers name."""
        found = {header_after(text, self.log_format) for text in self.texts.values()}
        return {header.decode().removeprefix("#Fields:").strip() for header in found}

    @cached_property
    def hours(self) -> set[int]:
        """The start of each UTC hour with a line, in Unix seconds."""
        texts = self.texts.values()
        return {int(hour) for text in texts for hour in event_hours(text, self.log_format)}

    @cached_property
    def requests(self) -> RequestTable:
        """The requests, labelled by the rules of the known figures."""
        return self.cleaned(CleanRules("site", kinds=KINDS_AS_COUNTED))

    def cleaned(self, rules: CleanRules) -> RequestTable:
        """The requests, labelled by any rules."""
        cleaner = Cleaner(rules, VisitorKeys(b"key of real logs"))
        for name, parsed in self.files.items():
            cleaner.add(parsed.table, name)
        return cleaner.requests()

    @cached_property
    def labels(self) -> pd.DataFrame:
        """The same as a frame with every column."""
        return self.requests.frame()

    @cached_property
    def pages(self) -> RequestTable:
        """The page views among the requests."""
        return some(self.requests, (self.labels["kind"] == "page").to_numpy())

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row for each session over all requests."""
        return runs_of(self.requests)

    @cached_property
    def page_runs(self) -> pd.DataFrame:
        """One row for each session over page views alone."""
        return runs_of(self.pages)


def some(requests: RequestTable, rows: NDArray[np.bool_]) -> RequestTable:
    """The requests of which `rows` is true."""
    return replace(requests, columns={name: kept[rows] for name, kept in requests.columns.items()})


def runs_of(requests: RequestTable, timeout_seconds: int = 1800) -> pd.DataFrame:
    """One row for each visitor's run of requests without a longer silence than the gap."""
    rules = SessionRules(timeout_seconds, 12)
    return make_parts(requests, cut(requests, rules), rules).to_pandas()


def runs_cut_at(requests: RequestTable, unit: str) -> int:
    """How many runs a careless count finds that looks at each UTC `h` or `D` alone."""
    at = requests.columns["hit_at"].astype(f"M8[{unit}]")
    return sum(
        len(cut(some(requests, at == one), SessionRules(1800, 12)).first) for one in np.unique(at)
    )
