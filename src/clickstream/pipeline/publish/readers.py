"""Refresh what readers see after hours were published by a command: views, people, and facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from clickstream.lake import Lake
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.publish.suspects import find_suspects


def refresh_readers(lake: Lake, progress: Callable[[str], None]) -> Iterator[str]:
    """Refresh the views, search for suspected machines, and refresh the facts; in this order.

    Yield the result of each step as a sentence. The DAGs have a task for each step.
    """
    yield refresh_views(lake).sentence
    yield find_suspects(lake, progress).sentence
    yield refresh_facts(lake, progress).sentence
