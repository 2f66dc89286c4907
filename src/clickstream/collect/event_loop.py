"""The process's asyncio event loop for SSH connections, in its own thread.

The pull is synchronous code that runs in several threads; it waits for coroutines by `run`.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

Result = TypeVar("Result")

_lock = threading.Lock()
_running: set[Future[Any]] = set()
_loop: asyncio.AbstractEventLoop | None = None


def start(coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Start a coroutine and return a future of its result."""
    global _loop  # noqa: PLW0603 - one loop for all connections of the process
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="clickstream-ssh", daemon=True).start()
    future = asyncio.run_coroutine_threadsafe(coroutine, _loop)
    _running.add(future)
    future.add_done_callback(_running.discard)
    return future


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine and return its result; cancel it when this thread is interrupted."""
    future = start(coroutine)
    try:
        return future.result()
    except CancelledError:
        raise
    except BaseException:  # also KeyboardInterrupt, and Airflow's end of a task
        future.cancel()
        raise


def cancel_all() -> None:
    """Cancel all running coroutines: threads that wait for one get CancelledError, and end."""
    for future in tuple(_running):
        future.cancel()


def _forget_loop() -> None:
    """Let a forked process start its own loop: a fork does not copy the thread."""
    global _loop, _lock
    _loop, _lock = None, threading.Lock()
    _running.clear()


os.register_at_fork(after_in_child=_forget_loop)
