"""Process of one contestant: does its work once and prints the result as JSON."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def contest(work: str, log: Path, out: Path) -> dict[str, Any]:
    """Run MODULE:FUNCTION, and return its counts, and CPU seconds if the function returns them."""
    module, name = work.split(":")
    if name.startswith("clickstream"):
        importlib.import_module("clickstream")  # before Arrow, as in our commands
    imported = importlib.import_module(f"benchmarks.{module}")
    function = getattr(imported, name)
    if module == "parsing":
        return {"counts": [function(log)]}
    if module == "whole_way":
        return {"counts": function(log, out)}
    if name == "clickstream_again":
        counts, cpu = function(log, out)
        return {"counts": counts, "cpu": cpu}
    stages = imported.Stages()
    return {"counts": function(log, out, stages), "stages": stages.seconds}


if __name__ == "__main__":
    print(json.dumps(contest(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
