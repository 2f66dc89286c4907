"""Ends processes of a test run with the process that started them, however that one ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Of Linux's prctl(2): the signal that a process gets when its parent ends."""


def end_with_parent(parent: int, signal_number: int = signal.SIGKILL) -> None:
    """Have this process end when its parent does. Called in a child before it runs its program.

    Without Linux it does nothing: there, a test run that is killed leaves its servers behind.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it ended before Linux knew whose end to tell
            os.kill(os.getpid(), signal_number)
