"""The operator call in docs/spark.md is one that Airflow takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow

PAGE = Path(__file__).parents[2] / "docs" / "spark.md"


def test_the_example_is_an_operator_that_waits_without_a_worker(airflow_home: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    operator = names["build_on_spark"]
    assert operator.deferrable
    submitted = operator.job_driver["sparkSubmit"]
    assert submitted["entryPoint"].endswith("/src/clickstream/spark.py")
