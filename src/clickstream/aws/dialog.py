"""How a command talks to its caller: sentences, progress and questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clickstream.aws.stacks import Say


@dataclass(frozen=True)
class Dialog:
    """The caller's side of a command. `confirm` raises an exception if the answer is no."""

    say: Say
    progress: Say
    confirm: Say
    ask_text: Callable[[str], str]
