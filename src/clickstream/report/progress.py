"""A progress bar over the bytes of all files, on stderr, and only where somebody watches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

WORTH_IT = 20_000_000  # bytes; less is read before a bar could be looked at


@contextmanager
def progress_over(files: Sequence[str], console: Console) -> Iterator[Callable[[str, int], None]]:
    """Show a bar while the block runs; it is handed a function of a file and its bytes read."""
    sizes = [_size(path) for path in files]
    before = dict(zip(files, accumulate(sizes, initial=0), strict=False))
    columns = (
        TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    is_seen = console.is_terminal and sum(sizes) >= WORTH_IT
    with Progress(*columns, console=console, transient=True, disable=not is_seen) as progress:
        task = progress.add_task("", total=sum(sizes))
        yield lambda path, done: progress.update(task, completed=before[path] + done)


def _size(path: str) -> int:
    """The file's size; 0 where there is no telling, as with a pipe or stdin."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
