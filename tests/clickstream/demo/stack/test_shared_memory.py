"""A container without shared memory is told what Airflow needs, and can still build hours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from clickstream.demo.stack.stack import check_shared_memory

LOCKED = "mount -t tmpfs -o ro tmpfs /dev/shm && exec "
CHECK = "from clickstream.demo.stack.stack import check_shared_memory as check; check()"


def test_this_machine_has_shared_memory() -> None:
    check_shared_memory()


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="only root can hide /dev/shm"
)
@pytest.mark.parametrize(
    "command", [CHECK, "import clickstream.pipeline.hour.build"], ids=["check", "build"]
)
def test_without_it_the_stack_says_what_airflow_needs(command: str) -> None:
    python = f"{LOCKED}{sys.executable} -c '{command}'"
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", python], capture_output=True, text=True, check=False
    )
    if command == CHECK:
        assert "StackError: Airflow needs shared memory, and /dev/shm can't be used" in run.stderr
    else:
        assert (run.returncode, run.stderr) == (0, "")
