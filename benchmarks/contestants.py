"""Table of the contestants, with their requirements and how to install them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.util import find_spec

PARSE, WHOLE, REPORT = "Parse only", "Whole pipeline", "Report in one file"
GROUPS = {
    PARSE: "gzipped log in, fields in memory",
    WHOLE: "gzipped log in, hits and session parts on disk as Parquet",
    REPORT: "gzipped log in, an HTML file",
}


@dataclass(frozen=True)
class Contestant:
    """One way to do a group's work; the first one of a group is ours.

    `work` is MODULE:FUNCTION below `benchmarks`, or a shell command with places for `{log}`,
    `{out}` and `{python}`. `exact` says whether it claims the same counts as ours, and `note` what
    it leaves out.
    """

    name: str
    group: str
    work: str
    module: str = ""
    program: str = ""
    install: str = ""
    exact: bool = True
    note: str = ""

    @property
    def is_command(self) -> bool:
        """Whether it is a separate program, not a function of this package."""
        return " " in self.work

    @property
    def is_missing(self) -> bool:
        """Whether a requirement is missing on this machine."""
        lacks_module = bool(self.module) and find_spec(self.module) is None
        return lacks_module or (bool(self.program) and shutil.which(self.program) is None)


_POLARS = ".venv/bin/uv pip install --editable '.[bench]'"
_DUCKDB = ".venv/bin/uv pip install --requirement requirements.txt"
_UTF8 = "drops lines that are not UTF-8"
_GOACCESS = (
    "zcat '{log}' | goaccess - --log-format=COMBINED --no-global-config --no-progress -o '{out}/"
)
_INSTALL_GOACCESS = "apt-get install goaccess"
_OPEN = (
    "rm -rf '{out}/cache'; XDG_CACHE_HOME='{out}/cache' "
    "'{python}' -m clickstream open '{log}' --html '{out}/overview.html'"
)

CONTESTANTS = (
    Contestant("clickstream", PARSE, "parsing:clickstream"),
    Contestant("zcat", PARSE, "zcat '{log}' > /dev/null", exact=False, note="only decompresses"),
    Contestant("Polars regex", PARSE, "parsing:polars_regex", module="polars", install=_POLARS),
    Contestant(
        "DuckDB regex",
        PARSE,
        "parsing:duckdb_regex",
        module="duckdb",
        install=_DUCKDB,
        exact=False,
        note=_UTF8,
    ),
    Contestant("pyarrow extract_regex", PARSE, "parsing:pyarrow_regex"),
    Contestant("Python re", PARSE, "parsing:python_re"),
    Contestant(
        "GoAccess",
        PARSE,
        f"{_GOACCESS}goaccess.json'",
        program="goaccess",
        install=_INSTALL_GOACCESS,
        exact=False,
        note="also counts",
    ),
    Contestant("clickstream", WHOLE, "ours:clickstream"),
    Contestant(
        "clickstream, warm",
        WHOLE,
        "ours:clickstream_again",
        note="the second hour of a process",
    ),
    Contestant(
        "DuckDB SQL",
        WHOLE,
        "whole_way:duckdb_sql",
        module="duckdb",
        install=_DUCKDB,
        exact=False,
        note=_UTF8,
    ),
    Contestant("Polars", WHOLE, "whole_way:polars_frames", module="polars", install=_POLARS),
    Contestant("clickstream open", REPORT, _OPEN, module="duckdb", install=_DUCKDB, exact=False),
    Contestant(
        "GoAccess",
        REPORT,
        f"{_GOACCESS}report.html'",
        program="goaccess",
        install=_INSTALL_GOACCESS,
        exact=False,
    ),
)
