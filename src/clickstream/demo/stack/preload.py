"""Imports the scheduler makes before it forks the LocalExecutor's workers.

A task is a fork of a fork of the scheduler and inherits what is imported there; without this, each
task would import pandas, pyarrow and pyiceberg again, which takes longer than most tasks' work.
Airflow reads this through `airflow_local_settings.py`, in each of its processes; only the scheduler
has workers to spare the imports. After a change of the library, start the stack anew.
"""

import sys
from importlib import import_module

LOADED_LATE = (
    "clickstream.pipeline",  # which needs pandas, pyarrow and pyiceberg
    # Airflow's and pyiceberg's own imports inside functions, as a task comes to them.
    "airflow.dag_processing.bundles.local",
    "airflow.providers.standard.operators.empty",
    "airflow.sdk.definitions.asset.metadata",
    "airflow.sdk.definitions.decorators",
    "jinja2.ext",
    "pyiceberg.avro.decoder_fast",
)

if "scheduler" in sys.argv[1:2]:
    memory = import_module("clickstream.memory")
    memory.use_system_allocator()
    for name in LOADED_LATE:
        import_module(name)
    import_module("clickstream.lake").warm_up()
    memory.freeze_imports()
