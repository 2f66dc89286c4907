"""The scheduler imports what tasks import, before it forks them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from clickstream.demo.stack.preload import LOADED_LATE

ROOT = Path(__file__).parents[4]


def modules_of_tasks() -> set[str]:
    """The modules of the pipeline that the functions of the DAGs import."""
    found = set()
    for path in (ROOT / "dags").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and "clickstream.pipeline" in (node.module or ""):
                found |= {f"{node.module}.{name.name}" for name in node.names}
                found.add(str(node.module))
    return found


def test_every_module_that_a_task_imports_is_loaded_before_the_fork() -> None:
    ours = [name for name in LOADED_LATE if name.startswith("clickstream.")]
    code = f"import sys, importlib; [importlib.import_module(n) for n in {ours}]; "
    code += "print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    exist = {
        name
        for name in modules_of_tasks()
        if (ROOT / "src" / f"{name.replace('.', '/')}.py").exists()
    }
    assert len(exist) > 5
    assert exist - {*loaded.stdout.split()} == set()
    assert {"pandas", "pyarrow.parquet", "pyiceberg.catalog.glue"} <= {*loaded.stdout.split()}
