"""Ctrl-C and other signals end a command quietly, whenever they come."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN_SECONDS = 0.01


@contextlib.contextmanager
def exit_on(*numbers: signal.Signals) -> Iterator[None]:
    """Raise KeyboardInterrupt in the block on each of the signals that is not ignored.

    If the block ends with an error after a signal, SystemExit is raised, with the signal's exit
    code, such as 130 for Ctrl-C: DuckDB replaces KeyboardInterrupt by an error of its own. Python
    drops errors in callbacks, such as those of imports; then the signal is sent again.
    """
    received: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        received.append(number)
        raise KeyboardInterrupt

    def send_again(dropped: UnraisableHookArgs) -> None:
        if received:
            threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), received[0])).start()
        else:
            hook(dropped)

    hook, sys.unraisablehook = sys.unraisablehook, send_again
    handled = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in handled}
    try:
        yield
    except BaseException:
        if received:
            raise SystemExit(128 + received[0]) from None
        raise
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
