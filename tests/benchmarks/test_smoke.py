"""The benchmarks can still be imported and started; what they measure is tested in test-deep."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from benchmarks.age.__main__ import main
from benchmarks.run import IMPORTED
from tests.support.cases import each_case

import benchmarks

ROOT = Path(benchmarks.__file__).parent
NAMES = [
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in sorted(ROOT.rglob("*.py"))
]


@each_case("name", NAMES)
def test_every_module_is_importable(name: str) -> None:
    import_module(name)


@pytest.mark.parametrize("module", IMPORTED.values())
def test_the_measured_imports_are_those_of_the_hourly_dag(module: str) -> None:
    package, _, name = module.rpartition(".")
    of_task = ("dags/clickstream_hourly.py", "src/clickstream_airflow/shared_tasks.py")
    dag = "".join((ROOT.parent / path).read_text(encoding="utf-8") for path in of_task)
    assert f"from {package} import {name}\n" in dag or f"from {module} import " in dag


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--days", "2"], "give 3 or more"),
        (["--lines-per-hour", "0"], "not positive"),
        (["--trino", "http://127.0.0.1:9"], "needs --aws-port"),
        (["--only", "everything"], "invalid choice"),
    ],
)
def test_wrong_options_are_refused_with_the_reason(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(options)
    assert message in capsys.readouterr().err
