"""Objects of later than the first call stay in sight of the garbage collection."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from clickstream.core import memory


class Node:
    """What is only found by looking for it: it refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_frozen() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_objects_in_use_survive_freezing_the_imports() -> None:
    there = weakref.ref(Node())
    memory.freeze_imports()
    gc.collect()
    assert there() is not None


def test_garbage_of_later_is_found_however_often_one_asks() -> None:
    memory.freeze_imports()
    left = weakref.ref(Node())
    memory.freeze_imports()
    gc.collect()
    assert left() is None


@pytest.mark.parametrize(("chosen", "pool"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_takes_its_memory_from_the_c_library_unless_somebody_has_chosen(
    chosen: str | None, pool: str
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
    if chosen:
        environment["ARROW_DEFAULT_MEMORY_POOL"] = chosen
    asked = (
        "from clickstream.core.memory import use_system_allocator; use_system_allocator(); "
        "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    )
    answer = subprocess.check_output([sys.executable, "-c", asked], env=environment, text=True)
    assert answer.strip() == pool
