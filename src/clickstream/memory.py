"""Memory settings of a process that builds hours; the entry points call them, each at its start."""

from __future__ import annotations

import gc
import os


def use_system_allocator() -> None:
    """Have Arrow take its memory from the C library, as numpy does; before pyarrow is imported.

    Arrow's own allocator keeps a sixth more for the same work (docs/decisions/0022). An allocator
    that the environment chooses stays.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def freeze_imports() -> None:
    """Exclude the objects that exist now from garbage collection, some 200,000 after all imports.

    Searching them for garbage takes a tenth of the time of cleaning. Later calls do nothing, so
    that what is created after the first one is collected.
    """
    if not gc.get_freeze_count():
        gc.freeze()
