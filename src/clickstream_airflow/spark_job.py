"""The job on EMR Serverless that cleans a range, and the Airflow Variables that it needs.

Only `clickstream_reprocess` imports this module, because the operator imports boto3
(docs/decisions/0023-spark-cleans-airflow-publishes.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from airflow.providers.amazon.aws.operators.emr import EmrServerlessStartJobOperator
from airflow.sdk import Variable

VARIABLES: Mapping[str, str] = {
    "clickstream_emr_application": "the id of an EMR Serverless application",
    "clickstream_emr_role": "the ARN of the role of its jobs",
}
"""The Airflow Variables that a job requires."""

LONGEST = timedelta(hours=12)
"""The time limit of a job and of a day's task. It is also the limit of EMR Serverless for a job."""

IMAGE_SCRIPT = "local:///opt/clickstream/src/clickstream/spark.py"
SCRIPT = "{{ var.value.get('clickstream_emr_script', '" + IMAGE_SCRIPT + "') }}"
"""The script of the job: a file in the application's image or an object in S3."""

POLL = timedelta(seconds=15)
"""The interval between two requests for the job's state."""


def unset_variables() -> list[str]:
    """Return a sentence for each required Variable that is not set."""
    return [
        f"The Variable {name} is not set: {meaning}."
        for name, meaning in VARIABLES.items()
        if not Variable.get(name, default=None)
    ]


def clean_on_spark() -> EmrServerlessStartJobOperator:
    """Return the task that cleans the whole range into staging. Its wait uses no worker."""
    return EmrServerlessStartJobOperator(
        task_id="clean_on_spark",
        application_id="{{ var.value.clickstream_emr_application }}",
        execution_role_arn="{{ var.value.clickstream_emr_role }}",
        name="clickstream {{ params['from'] }} to {{ params['to'] }}",
        job_driver={
            "sparkSubmit": {
                "entryPoint": SCRIPT,
                "entryPointArguments": [
                    *("{{ params['from'] }}", "{{ params['to'] }}"),
                    *("--run-id", "{{ run_id }}", "--no-publish"),
                    "--{{ '' if params['only_outdated'] else 'no-' }}only-outdated",
                ],
            }
        },
        deferrable=True,
        waiter_delay=int(POLL.total_seconds()),
        waiter_max_attempts=LONGEST // POLL,
        execution_timeout=LONGEST,
        enable_application_ui_links=True,
        doc_md="Cleans the range on Spark and stages the rows. Publishes nothing.",
    )
