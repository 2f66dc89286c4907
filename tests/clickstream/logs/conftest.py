"""The small log as a file, and the trial as tests run it."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.clickstream.logs.builders import LINES, SETTINGS
from tests.support.open_command import OpenCommand

from clickstream.core.terminal import SafeConsole
from clickstream.logs.log_set import LogSet
from clickstream.logs.read_logs import print_problems
from clickstream.logs.trial import CountedLines, read_figures, run_trial
from clickstream.settings import Settings


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("".join(LINES))
    return path


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run the trial on files; returns the exit code, the JSON report (or None) and stderr."""

    def run(*paths: Path | str, log_format: str = "auto") -> tuple[int, Any, str]:
        out = io.StringIO()
        code = run_trial([*map(str, paths)], log_format, True, Console(file=out), SETTINGS)
        text = out.getvalue()
        return code, json.loads(text) if text else None, capsys.readouterr().err

    return run


@pytest.fixture
def reading(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Read files as the trial does, without its other figures, which take most of its time.

    Returns the exit code, the counts of lines as in the JSON report (or None), and stderr.
    """

    def run(*paths: Path | str, log_format: str = "auto") -> tuple[int, Any, str]:
        errors = SafeConsole(stderr=True)
        with closing(CountedLines()) as lines:
            read = LogSet([*map(str, paths)], SETTINGS, log_format).read(errors, lines).read
            pieces = [piece for day in lines.days for piece in lines.of_day(day)]
            reasons = Counter(
                one for piece in pieces for one in piece.rejects["reason"].to_pylist()
            )
            counts = {
                "lines": lines.lines,
                "parsed": lines.lines - reasons.total(),
                "rejected": {"total": reasons.total(), "by_reason": dict(reasons)},
                "by_status": lines.by_status,
                "bytes": lines.bytes,
                "clients": len(lines.clients),
                "span": (lines.first_at, lines.last_at),
            }
        code = print_problems(read, errors)
        return code, counts if lines.lines else None, capsys.readouterr().err

    return run


@pytest.fixture
def figures_of(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return the figures of lines; `options` are those of Settings."""

    def run(lines: Iterable[str], log_format: str = "combined", **options: Any) -> dict[str, Any]:
        path = tmp_path / "lines.log"
        path.write_text("".join(lines))
        settings = SETTINGS.model_copy(update=options)
        figures, logs = read_figures([str(path)], log_format, settings, Console(file=io.StringIO()))
        assert figures
        assert not logs.read.complaints
        return figures

    return run


@pytest.fixture
def page() -> Callable[..., str]:
    """Run the trial on files; returns the page as plain text, or with colours."""

    def run(
        *paths: Path | str, width: int = 80, settings: Settings = SETTINGS, **console: Any
    ) -> str:
        out = io.StringIO()
        shown = Console(file=out, width=width, **console)
        run_trial([*map(str, paths)], "auto", False, shown, settings)
        return out.getvalue()

    return run


@pytest.fixture
def command(tmp_path: Path) -> OpenCommand:
    """`clickstream open` with a cache and temporary files of its own."""
    return OpenCommand(tmp_path / "open")
