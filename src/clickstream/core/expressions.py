"""Regular expressions from the settings, matched by RE2 in time linear in the text.

The matched texts come from log lines, which any client on the internet can write: with Python's own
`re`, an expression such as `^/(a+)+$` takes seconds for one path of 40 characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import re2

from clickstream.core.errors import InputError


@dataclass(frozen=True)
class Expression:
    r"""An expression in the syntax of RE2. Raises InputError, with the reason, for any other text.

    RE2 has no look-around and no back-references; `\d` and `\w` match ASCII only.
    """

    text: str
    ignores_case: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InputError("it is no text")
        try:
            _ = self._compiled
        except re2.error as error:
            reason = error.args[0] if error.args else error
            text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            raise InputError(text) from None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the text; the compiled expression of RE2 can't leave its process."""
        return (Expression, (self.text, self.ignores_case))

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self._compiled.fullmatch(_encodable(text)) is not None

    def search(self, text: str) -> dict[str, str | None] | None:
        """Return the texts of the named groups of the first match; None without a match."""
        match = self._compiled.search(_encodable(text))
        return None if match is None else dict(match.groupdict())

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the named groups."""
        return (*self._compiled.groupindex,)

    def replace(self, replacement: str, text: str) -> str:
        """Replace every match, as `re.sub` does, by a replacement that was checked before."""
        replaced: str = self._compiled.sub(replacement, _encodable(text))
        return replaced

    def check_replacement(self, replacement: str) -> None:
        """Raise InputError if the replacement names a group that the expression lacks.

        `re` parses the replacement, applied to an empty text.
        """
        try:
            re.sub(self.text, replacement, "")
        except (re.error, IndexError) as error:
            raise InputError(str(error)) from None

    @cached_property
    def _compiled(self) -> Any:
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not self.ignores_case
        return re2.compile(self.text, options)


def _encodable(text: str) -> str:
    """Escape halves of surrogate pairs, which UTF-8 can't encode."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
