"""Imports modules in Airflow's scheduler before it forks the LocalExecutor's workers.

A task is a fork of a fork of the scheduler and inherits its imports. Otherwise, each task would
import pandas, pyarrow and pyiceberg, which takes longer than the work of most tasks. Airflow loads
this module by `airflow_local_settings.py` in each of its processes; only the scheduler has workers
that profit. After a change of the package `clickstream`, restart the stack.
"""

import sys
from importlib import import_module

LOADED_LATE = (
    # What the tasks of our DAGs import, with pandas, pyarrow and pyiceberg.
    "clickstream.alerts.check",
    "clickstream.alerts.runs",
    "clickstream.lake.iceberg.catalog",
    "clickstream.lake.iceberg.table_schemas",
    "clickstream.pipeline.backfill.new_visitor_ids",
    "clickstream.pipeline.hour.build",
    "clickstream.alerts.metrics",
    "clickstream.pipeline.proof.verify",
    "clickstream.pipeline.publish.facts",
    "clickstream.pipeline.publish.maintenance",
    "clickstream.pipeline.publish.publish",
    "clickstream.pipeline.publish.suspects",
    "clickstream.pipeline.pull.host",
    "clickstream.pipeline.sales.listings",
    "clickstream.pipeline.sales.location_runs",
    "clickstream.pipeline.sales.matches",
    "clickstream.pipeline.sales.pull",
    # Modules that Airflow and pyiceberg import inside functions that a task calls.
    "airflow.dag_processing.bundles.local",
    "airflow.providers.standard.operators.empty",
    "airflow.sdk.definitions.asset.metadata",
    "airflow.sdk.definitions.decorators",
    "jinja2.ext",
    "pyiceberg.avro.decoder_fast",
)

if "scheduler" in sys.argv[1:2]:
    memory = import_module("clickstream.core.memory")
    memory.use_system_allocator()
    for name in LOADED_LATE:
        import_module(name)
    import_module("clickstream.lake").warm_up()
    memory.freeze_imports()
