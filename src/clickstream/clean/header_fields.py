"""Which header fields a request has that browsers send with each page, as a position in SENT.

Browsers name `text/html` in `Accept` (Fetch Standard, 2.2.5), send the languages of their user in
`Accept-Language` and, in encrypted connections, `Sec-Fetch-Mode` (Fetch Metadata, 2.2). Few
machines that copy a browser's user agent also copy these.
"""

from __future__ import annotations

from itertools import compress, product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clickstream.core import dictionary_encoding

_NAMES = ("Accept", "Accept-Language", "Sec-Fetch-Mode")
_PAGES = "text/html"

SENT = tuple(
    ", ".join(compress(_NAMES, chosen[::-1])) for chosen in product((0, 1), repeat=len(_NAMES))
)[1:]
"""The names of the fields that were sent, as session parts store them."""


def sent_codes(parsed: pa.Table) -> NDArray[np.int8]:
    """Return the position in SENT for each request, -1 if it has none of the fields.

    `parsed` has those columns of BROWSER_FIELDS that the log has.
    """
    codes = np.full(len(parsed), -1, np.int8)
    for bit, name in enumerate(_NAMES):
        column = name.lower().replace("-", "_")
        if column in parsed.column_names:
            is_sent = _is_sent(parsed[column], _PAGES if name == "Accept" else "")
            codes += is_sent.astype(np.int8) << bit
    return codes


def _is_sent(logged: pa.ChunkedArray, text: str) -> NDArray[np.bool_]:
    """Return a mask of the requests whose field is not empty and contains a text."""
    column = dictionary_encoding.combine_chunks(logged.dictionary_encode())
    values = column.dictionary.cast(pa.string())
    has_text = pc.match_substring(values, text, ignore_case=True)
    is_sent = pc.and_(has_text, pc.greater(pc.utf8_length(values), 0))
    mask = np.append(is_sent.fill_null(False).to_numpy(zero_copy_only=False), False)
    sent: NDArray[np.bool_] = mask[dictionary_encoding.codes_of(column)]
    return sent
