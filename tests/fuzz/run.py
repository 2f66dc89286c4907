"""Fuzz one target: `python -m tests.fuzz.run TARGET DIRECTORY`, then options of libFuzzer.

What it finds interesting is kept in the directory, and is where the next run goes on; an input that
breaks a check is kept beside it, as `crash-…`. `make fuzz` runs every target for a while.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["clickstream"]):
    from tests.fuzz import seeds
    from tests.fuzz.targets import TARGETS, in_time

_TOKENS = Path(__file__).parent / "tokens.dict"


def main() -> None:
    """Fuzz until something breaks or the time is up."""
    program, name, directory, *options = sys.argv
    corpus = Path(directory)
    target = TARGETS[name]
    seeds.write(name, corpus)
    for seed in seeds.seeds(name):
        target(seed)  # what is compiled or loaded at its first use shall not look slow
    options = [f"-artifact_prefix={corpus.parent}/", f"-dict={_TOKENS}", *options]
    atheris.Setup([program, str(corpus), *options], in_time(target))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
