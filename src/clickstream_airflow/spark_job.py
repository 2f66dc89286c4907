"""The job on EMR Serverless that cleans a range, with the settings of `[spark]`.

Only `clickstream_reprocess` imports this module, because the operator imports boto3
(docs/decisions/0023-spark-cleans-airflow-publishes.md).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.operators.emr import EmrServerlessStartJobOperator

if TYPE_CHECKING:
    from clickstream.settings.spark import SparkSettings

LONGEST = timedelta(hours=12)
"""The time limit of a job and of a day's task. It is also the limit of EMR Serverless for a job."""

SETTINGS, PYTHON = "/opt/clickstream/clickstream.toml", "/opt/clickstream/venv/bin/python"
"""The settings, and the Python with this package, in the image of infra/emr.Dockerfile."""

POLL = timedelta(seconds=15)
"""The interval between two requests for the job's state."""


def unset_settings() -> list[str]:
    """Return a sentence for each setting that a job needs and that is not set."""
    spark = _settings()
    needed = {
        "application": "the id of an EMR Serverless application",
        "role": "the ARN of the role of its jobs",
    }
    return [
        f"[spark] {name} is not set: {meaning}."
        for name, meaning in needed.items()
        if not getattr(spark, name)
    ]


def _settings() -> SparkSettings:
    from clickstream.settings import load

    return load().spark


def submit_parameters() -> str:
    """Return the options of `spark-submit`: sizes, the Python of the image, and the lake.

    Lines are cleaned in Python, outside of the JVM, so it gets half of the memory.
    """
    from clickstream_airflow.lake import refer_to_lake

    spark, lake = _settings(), refer_to_lake()
    driver = {
        "AWS_DEFAULT_REGION": lake.region,
        "CLICKSTREAM_LAKE__BUCKET": lake.bucket,
        "CLICKSTREAM_LAKE__DATABASE": lake.settings.lake.database,
        "CLICKSTREAM_SETTINGS": SETTINGS,
        "PYSPARK_DRIVER_PYTHON": PYTHON,
        "PYSPARK_PYTHON": PYTHON,
    }
    options = {
        **_sizes("driver", spark.driver_cores, spark.driver_gb),
        **_sizes("executor", spark.executor_cores, spark.executor_gb),
        "spark.dynamicAllocation.maxExecutors": spark.max_executors,
        **{f"spark.emr-serverless.driverEnv.{name}": value for name, value in driver.items()},
        "spark.executorEnv.AWS_DEFAULT_REGION": lake.region,
        "spark.executorEnv.PYSPARK_PYTHON": PYTHON,
    }
    return " ".join(f"--conf {name}={shlex.quote(str(value))}" for name, value in options.items())


def _sizes(part: str, cores: int, gb: int) -> dict[str, object]:
    half = f"{gb // 2}g"
    name = f"spark.{part}"
    return {f"{name}.cores": cores, f"{name}.memory": half, f"{name}.memoryOverhead": half}


def log_uri() -> str:
    """Return the address in S3 below which EMR Serverless writes the logs of a job."""
    from clickstream_airflow.lake import refer_to_lake

    return f"s3://{refer_to_lake().bucket}/{_settings().log_prefix}"


MACROS: Mapping[str, Callable[[], Any]] = {
    "spark": _settings,
    "spark_submit_parameters": submit_parameters,
    "spark_log_uri": log_uri,
}
"""Functions of the templates below. They read the settings when the task runs, not at a parse."""


def clean_on_spark() -> EmrServerlessStartJobOperator:
    """Return the task that cleans the whole range into staging. Its wait uses no worker.

    Its DAG needs the user-defined macros `MACROS`.
    """
    return EmrServerlessStartJobOperator(
        task_id="clean_on_spark",
        application_id="{{ spark().application }}",
        execution_role_arn="{{ spark().role }}",
        name="clickstream {{ params['from'] }} to {{ params['to'] }}",
        job_driver={
            "sparkSubmit": {
                "entryPoint": "{{ spark().script }}",
                "entryPointArguments": [
                    "{{ params['from'] }}",
                    "{{ params['to'] }}",
                    "--run-id",
                    "{{ run_id }}",
                    "--no-publish",
                    "--{{ '' if params['only_outdated'] else 'no-' }}only-outdated",
                ],
                "sparkSubmitParameters": "{{ spark_submit_parameters() }}",
            }
        },
        configuration_overrides={
            "monitoringConfiguration": {
                "s3MonitoringConfiguration": {"logUri": "{{ spark_log_uri() }}"}
            }
        },
        deferrable=True,
        waiter_delay=int(POLL.total_seconds()),
        waiter_max_attempts=LONGEST // POLL,
        execution_timeout=LONGEST,
        enable_application_ui_links=True,
        doc_md="Cleans the range on Spark and stages the rows. Publishes nothing.",
    )
