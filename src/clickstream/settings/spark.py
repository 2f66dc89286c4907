"""The settings of jobs on EMR Serverless, which the DAG clickstream_reprocess starts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from clickstream.settings.values import Section

Cores = Literal[1, 2, 4, 8, 16]

_GB: dict[int, tuple[int, int]] = {1: (2, 8), 2: (4, 16), 4: (8, 30), 8: (16, 60), 16: (32, 120)}
"""The least and the largest memory that EMR Serverless has for a number of cores."""


class SparkSettings(Section):
    """Jobs on EMR Serverless, which clean long ranges. No setting affects the rows of an hour."""

    application: str = Field("", description="Id of the application of EMR Serverless.")
    role: str = Field("", description="ARN of the role of the jobs.")
    script: str = Field(
        "local:///opt/clickstream/src/clickstream/spark.py",
        description="The script of the job: a file in the image of the application, or in S3.",
    )
    driver_cores: Cores = Field(2, description="Processors of the driver.")
    driver_gb: Annotated[int, Field(ge=2, le=120)] = Field(
        8, description="Memory of the driver in GB, half of it for Python; an even number."
    )
    executor_cores: Cores = Field(
        4, description="Processors of an executor; each of them cleans one hour at a time."
    )
    executor_gb: Annotated[int, Field(ge=2, le=120)] = Field(
        8, description="Memory of an executor in GB, half of it for Python; an even number."
    )
    max_executors: Annotated[int, Field(ge=1, le=1000)] = Field(
        8, description="Limit of the executors of a job, and so of its cost per hour."
    )
    log_prefix: str = Field(
        "logs/spark/",
        description="Prefix of the logs of the jobs in the lake's bucket.",
        pattern=r"^[a-z0-9_/-]+/$",
    )

    @model_validator(mode="after")
    def _check_sizes(self) -> SparkSettings:
        """Refuse a memory that EMR Serverless does not have for the number of cores."""
        for part, cores, memory in (
            ("driver", self.driver_cores, self.driver_gb),
            ("executor", self.executor_cores, self.executor_gb),
        ):
            least, largest = _GB[cores]
            if memory % 2 or not least <= memory <= largest:
                message = (
                    "with {part}_cores = {cores}, set {part}_gb to an even number of {least} to "
                    "{largest}"
                )
                limits = {"least": least, "largest": largest}
                raise PydanticCustomError(
                    "spark_size", message, {"part": part, "cores": cores, **limits}
                )
        return self
