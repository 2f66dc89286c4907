"""Real logs and lists that are too private or too foreign for the repository."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[2].parent / "shared" / "data"


def shared(*names: str) -> Path:
    """A file of the shared data; skips the test where it is absent."""
    path = SHARED_DATA.joinpath(*names)
    if not path.exists():
        pytest.skip(f"the shared data is not here: {'/'.join(names)} is missing")
    return path
