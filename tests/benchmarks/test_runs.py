"""Each benchmark, except that of age, ends with its figures at its smallest size."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import matches, run, sales

pytestmark = pytest.mark.deep

COMMANDS = {
    "dashboard": "--days 7 --history 7 --page-views 50 --rounds 1",
    "live_hour": "--lines 500 --rounds 1",
    "matches": "",
    "people": "--sites café --kinds nothing --rates 1 --history 1 --days 1",
    "run": "--lines 500 --rounds 1",
    "sales": "",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_benchmark_prints_its_figures(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(run, "BENCH", tmp_path)
    monkeypatch.setattr(matches, "SESSIONS", 60)
    monkeypatch.setattr(matches, "ORDERS_OF_A_DAY", 6)
    monkeypatch.setattr(matches, "HOURS", 3)
    monkeypatch.setattr(sales, "ORDERS", 50)
    monkeypatch.setattr(sys, "argv", [name, *COMMANDS[name].split()])
    package = Path(run.__file__).parent / name
    module = f"benchmarks.{name}" + ".__main__" * package.is_dir()
    import_module(module).main()
    assert capsys.readouterr().out
