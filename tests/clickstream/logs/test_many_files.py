"""A log cut into any files has the same figures, and costs hardly more than in one file."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.clickstream.logs.builders import LINES, SETTINGS, line
from tests.clickstream.logs.test_figures import COUNTS

from clickstream.logs import read_logs
from clickstream.logs.read_logs import read_into
from clickstream.logs.trial import CountedLines
from clickstream.parse import parse_together
from clickstream.parse.formats import FORMATS

PLACES = [*LINES, line("192.0.2.9", "05:00:00", "/wp-login.php", status=404), "\n", "GET / cut\n"]


def counts_of(files: Sequence[str]) -> dict[str, Any]:
    """Return the counts of the lines of these files."""
    lines = CountedLines()
    with TemporaryDirectory() as directory:
        paths = [Path(directory) / f"access-{number:03}.log" for number in range(len(files))]
        for path, text in zip(paths, files, strict=True):
            path.write_text(text)
        read_into(lines, [*map(str, paths)], "combined", SETTINGS, Console(file=io.StringIO()))
    return {name: getattr(lines, name) for name in COUNTS}


@given(
    st.lists(st.sampled_from(PLACES), min_size=1, max_size=40),
    st.sets(st.integers(1, 39)),
    st.sampled_from([1, 300, read_logs.TOGETHER]),
)
def test_no_cut_into_files_changes_a_count(lines: list[str], cuts: set[int], together: int) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    files = ["".join(lines[a:b]) for a, b in pairwise(edges)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_logs, "TOGETHER", together)
        found = counts_of(files)
    assert found == counts_of(["".join(lines)])


def test_a_reject_names_its_own_file_and_line(
    tmp_path: Path, page: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = line("192.0.2.1", "05:00:00", "/")
    for name, text in (("a", good * 3), ("b", good + "no line\n" + good), ("c", good * 2)):
        Path(f"{name}.log").write_text(text)
    assert "such as line 2 of b.log" in page("a.log", "b.log", "c.log")


def test_a_format_that_changes_within_a_small_file_is_followed(
    tmp_path: Path, reading: Callable[..., Any]
) -> None:
    good = line("192.0.2.1", "05:00:00", "/")
    common = FORMATS["common"].example + "\n"
    for name, text in (("a", good * 5), ("b", good * 5 + common * 5), ("c", good * 5)):
        (tmp_path / f"access-{name}.log").write_text(text)
    _, figures, _ = reading(tmp_path)
    assert (figures["lines"], figures["rejected"]["total"]) == (20, 0)


def test_many_small_files_are_parsed_by_their_bytes_and_not_by_their_number(
    tmp_path: Path, reading: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []

    def counted(files: Sequence[bytes], *how: Any) -> Any:
        runs.append(len(files))
        return parse_together(files, *how)

    monkeypatch.setattr(read_logs, "parse_together", counted)
    for number in range(100):
        (tmp_path / f"access-{number:03}.log").write_text("".join(LINES[:11]))
    _, figures, _ = reading(tmp_path)
    assert (figures["lines"], runs) == (1100, [99])  # the newest file is read alone
