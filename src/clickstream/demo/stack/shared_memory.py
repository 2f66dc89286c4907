"""Checks what Airflow's executor needs of the system: semaphores, which live in shared memory."""

from __future__ import annotations

import multiprocessing

from clickstream.demo.stack.layout import StackError


def check_shared_memory() -> None:
    """Raise StackError if no semaphore can be made, as in containers without a writable /dev/shm.

    Building hours by `clickstream build` needs none.
    """
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise StackError(
            f"Airflow needs shared memory, and /dev/shm can't be used ({error.strerror}). In a "
            "container, mount a writable tmpfs there, as `docker run` does by default; without "
            "Airflow, use `clickstream build`."
        ) from None
