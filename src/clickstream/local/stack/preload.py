"""Imports the scheduler makes before it forks the LocalExecutor's workers.

A task is a fork of a fork of the scheduler and inherits what is imported there; without this, each
task would import pandas, pyarrow and pyiceberg again, which takes longer than most tasks' work.
Airflow reads this through `airflow_local_settings.py`, in each of its processes; only the scheduler
has workers to spare the imports. After a change of the library, start the stack anew.
"""

import sys

if "scheduler" in sys.argv[1:2]:
    import clickstream.pipeline  # noqa: F401  which needs them all
    from clickstream.lake import warm_up

    warm_up()
