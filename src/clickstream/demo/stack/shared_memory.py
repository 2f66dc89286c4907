"""Check for shared memory, in which Airflow's executor creates semaphores."""

from __future__ import annotations

import multiprocessing

from clickstream.demo.stack.layout import StackError


def check_shared_memory() -> None:
    """Raise StackError if semaphores can't be created, as in containers without /dev/shm.

    `clickstream build` needs no semaphores.
    """
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise StackError(
            f"Airflow needs shared memory, and /dev/shm can't be used ({error.strerror}). In a "
            "container, mount a writable tmpfs there, as `docker run` does by default; without "
            "Airflow, use `clickstream build`."
        ) from None
