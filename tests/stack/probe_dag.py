"""A DAG for the tests of the local stack: what a task process has, and how a task fails."""

from __future__ import annotations

from airflow.sdk import dag, task


@dag(schedule=None)
def probe() -> None:
    """A task that passes, one that fails, and one after it."""

    @task
    def is_loaded_before_the_fork() -> None:
        import sys

        loaded = {"pandas", "pyarrow", "pyiceberg", "clickstream.pipeline.hour.build"}
        assert loaded <= set(sys.modules)

    @task
    def refuse() -> None:
        import logging

        logging.getLogger("clickstream").error("No line of error.log has a known format.")
        raise ValueError("Give the source another pattern.")

    @task
    def after() -> None:
        pass

    is_loaded_before_the_fork() >> refuse() >> after()


probe()
