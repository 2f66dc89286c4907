"""Characters that no page, mail, file or terminal may contain, by Unicode's own lists."""

from __future__ import annotations

import re

_CONTROLS = "\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
"""C0 and C1 (ECMA-48) without the line end, Unicode's line ends, and halves of surrogate pairs."""

_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Bidi_Control in PropList.txt."""

_INVISIBLE = "\xad\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f"
_JOINED_TO_LATIN = "(?<![\u0600-\U0010ffff])[\u200b-\u200d]"

_HIDDEN = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_INVISIBLE}]|{_JOINED_TO_LATIN}")


def hidden_in(text: str) -> list[str]:
    """The hidden characters of a text; line ends are none."""
    return _HIDDEN.findall(text)
