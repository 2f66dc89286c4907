"""Which skips and which empty test tiers are acceptable; imported by tests/conftest.py.

A test skips, and names what to install, where a program or the shared data is absent. With
CLICKSTREAM_TESTS_REQUIRE=all, which CI sets, such a skip fails the run, except for the programs in
CLICKSTREAM_TESTS_WITHOUT (names separated by commas) and for the shared data, which only the
project's own machines have. Both variables are taken out of the environment: the settings of the
pipeline refuse variables with their prefix that they do not know.
"""

from __future__ import annotations

import os
import shutil

import pytest

EMPTY_TIERS: tuple[str, ...] = ()
"""Tiers that have no test yet. Remove a tier here together with its first test."""

REQUIRED = os.environ.pop("CLICKSTREAM_TESTS_REQUIRE", "")
WITHOUT = os.environ.pop("CLICKSTREAM_TESTS_WITHOUT", "")

SHARED_DATA_IS_ABSENT = ("the shared data is not here", "the real logs are not here")


def require_program(name: str, package: str) -> str:
    """Return the path of a program; skip the test where it is absent, naming its Debian package."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not found:
        pytest.skip(f"{name} is missing: install the package {package}")
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each skip that is a failure, and a tier without tests."""
    for skipped in _unexpected_skips(terminalreporter):
        terminalreporter.write_line(f"UNEXPECTED SKIP: {skipped}", red=True)
    tier = terminalreporter.config.option.markexpr
    if tier in EMPTY_TIERS and not terminalreporter.stats.get("passed"):
        terminalreporter.write_line(f"The tier {tier!r} has no tests yet: nothing was checked.")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for an unexpected skip; accept that an empty tier collects no test."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.exitstatus == pytest.ExitCode.OK and reporter and _unexpected_skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    is_empty = session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if is_empty and session.config.option.markexpr in EMPTY_TIERS:
        session.exitstatus = pytest.ExitCode.OK


def _unexpected_skips(reporter: pytest.TerminalReporter) -> list[str]:
    if REQUIRED != "all":
        return []
    without = [f"{name} is missing" for name in WITHOUT.split(",") if name]
    expected = [*SHARED_DATA_IS_ABSENT, *without]
    skips = [f"{r.nodeid}: {r.longrepr[2]}" for r in reporter.stats.get("skipped", [])]
    return [skip for skip in skips if not any(reason in skip for reason in expected)]
