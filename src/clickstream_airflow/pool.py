"""The pool that publications share, made by Airflow's own processes when they start.

Airflow never starts a task whose pool does not exist, and says so in a warning only. So the pool
comes with the DAGs that use it, on any Airflow: nobody has to make it by hand.
"""

from __future__ import annotations

import contextlib
from typing import Any

from airflow.listeners import hookimpl

from clickstream_airflow.defaults import PUBLISH_POOL, PUBLISH_SLOTS

DESCRIPTION = (
    "At most so many tasks write to the clickstream tables at once; more only wait longer."
)


class MakesThePool:
    """Waits for scheduler, triggerer and DAG processor, the processes that have the database."""

    @hookimpl
    def on_starting(self, component: Any) -> None:
        """Make the pool, unless it is there: how many slots it has is the operator's to change."""
        if type(component).__name__ != "Job":  # a task's process
            return
        from airflow.models.pool import Pool
        from sqlalchemy.exc import IntegrityError

        if Pool.get_pool(PUBLISH_POOL) is None:
            with contextlib.suppress(IntegrityError):  # another process was faster
                Pool.create_or_update_pool(
                    PUBLISH_POOL, PUBLISH_SLOTS, DESCRIPTION, include_deferred=False
                )
