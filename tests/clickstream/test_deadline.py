"""The deadline of a command holds whatever its work waits for."""

from __future__ import annotations

import subprocess
import sys
from threading import Event

import pytest

from clickstream.cli.health import run_until
from clickstream.core.errors import AwsUnavailable, SettingsError

STUCK_POOL = """
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from clickstream.cli.health import exit_now
ThreadPoolExecutor(1).submit(Event().wait)
print("unknown")
exit_now(2)
"""


def test_work_that_never_ends_is_an_error_after_the_deadline() -> None:
    never = Event()
    with pytest.raises(AwsUnavailable, match=r"did not answer completely within 0\.01 s"):
        run_until(0.01, never.wait)
    never.set()


def test_the_result_and_the_error_of_the_work_are_those_of_the_caller() -> None:
    assert run_until(60, lambda: "fresh") == "fresh"

    def fail() -> None:
        raise SettingsError("No.")

    with pytest.raises(SettingsError):
        run_until(60, fail)


def test_a_process_ends_while_a_thread_of_a_pool_waits_for_ever() -> None:
    run = subprocess.run([sys.executable, "-c", STUCK_POOL], capture_output=True, check=False)
    assert (run.returncode, run.stdout) == (2, b"unknown\n")
