"""A log cut into any files has the same figures, and costs hardly more than in one file."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.clickstream.report.builders import LINES, SETTINGS, line

from clickstream.log_files import small_files
from clickstream.parse import parse_together
from clickstream.parse.formats import LINE_FORMATS
from clickstream.report import run_trial

PLACES = [*LINES, line("192.0.2.9", "05:00:00", "/wp-login.php", status=404), "\n", "GET / cut\n"]
BYTES_PER_LINE = 60
"""Memory that one more line of a long log may take. Keeping every column took 190 bytes."""


def figures_of(files: Sequence[str], log_format: str) -> dict[str, Any]:
    """The JSON report on these files, without the time it took."""
    out = io.StringIO()
    with TemporaryDirectory() as directory:
        paths = [Path(directory) / f"access-{number:03}.log" for number in range(len(files))]
        for path, text in zip(paths, files, strict=True):
            path.write_text(text)
        run_trial([*map(str, paths)], log_format, True, Console(file=out), SETTINGS)
    report: dict[str, Any] = json.loads(out.getvalue())
    del report["cpu_seconds"]
    return report


@given(
    st.lists(st.sampled_from(PLACES), min_size=1, max_size=40),
    st.sets(st.integers(1, 39)),
    st.sampled_from([1, 300, small_files.TOGETHER]),
)
def test_no_cut_into_files_changes_a_figure(
    lines: list[str], cuts: set[int], together: int
) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    files = ["".join(lines[a:b]) for a, b in pairwise(edges)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_files, "TOGETHER", together)
        found = figures_of(files, "combined")
    assert found == figures_of(["".join(lines)], "combined")


def test_a_reject_names_its_own_file_and_line(
    tmp_path: Path, page: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = line("192.0.2.1", "05:00:00", "/")
    for name, text in (("a", good * 3), ("b", good + "no line\n" + good), ("c", good * 2)):
        Path(f"{name}.log").write_text(text)
    assert "such as line 2 of b.log" in page("a.log", "b.log", "c.log")


def test_a_format_that_changes_within_a_small_file_is_followed(
    tmp_path: Path, report: Callable[..., Any]
) -> None:
    good = line("192.0.2.1", "05:00:00", "/")
    common = LINE_FORMATS["common"].example + "\n"
    for name, text in (("a", good * 5), ("b", good * 5 + common * 5), ("c", good * 5)):
        (tmp_path / f"access-{name}.log").write_text(text)
    _, figures, _ = report(tmp_path)
    assert (figures["lines"], figures["rejected"]["total"]) == (20, 0)


def test_many_small_files_are_parsed_by_their_bytes_and_not_by_their_number(
    tmp_path: Path, report: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []

    def counted(files: Sequence[bytes], *how: Any) -> Any:
        runs.append(len(files))
        return parse_together(files, *how)

    monkeypatch.setattr(small_files, "parse_together", counted)
    for number in range(100):
        (tmp_path / f"access-{number:03}.log").write_text("".join(LINES[:11]))
    _, figures, _ = report(tmp_path)
    assert (figures["lines"], runs) == (1100, [100])


def test_memory_grows_by_few_bytes_a_line(tmp_path: Path) -> None:
    """Compare the peak of a process that reads 0.3 million lines and one that reads 0.9 million."""
    short, long = (peak_bytes(tmp_path, hours) for hours in (200, 575))
    assert (long - short) / (375 * 1600) < BYTES_PER_LINE


def peak_bytes(directory: Path, hours: int) -> int:
    """The memory that `clickstream try` takes at most, over so many hours of 1,600 lines."""
    log = directory / f"{hours}.log"
    with log.open("w") as file:
        file.writelines(map(busy_hour, range(hours)))
    code = (
        "import sys, resource; from clickstream.cli import app\n"
        f"app(['try', '--json', {str(log)!r}], standalone_mode=False)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=directory
    )
    assert json.loads(done.stdout)["lines"] == hours * 1600
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stderr.splitlines()[-1]) * unit


def busy_hour(hour: int) -> str:
    """The lines of an hour: 100 visitors with 16 requests each, all of them new."""
    day = f"{1 + hour // 24 % 28:02}/{('Jan', 'Feb')[hour // 672]}/2026:{hour % 24:02}"
    return "".join(
        f"203.{hour >> 8}.{hour & 255}.{number % 100} - - "
        f'[{day}:{number // 27:02}:{number % 60:02} +0000] "GET /page/{number % 40} HTTP/1.1" 200 '
        f'{number} "-" "Mozilla/5.0 (X11; Linux x86_64; rv:{100 + number % 100 % 7}.0) Firefox"\n'
        for number in range(1600)
    )
