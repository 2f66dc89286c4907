"""The verdicts on the signatures of parsed requests, as codes; most logs have no signatures."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream import dictionary_encoding
from clickstream.clean.bots import SignatureVerifier, Verdict
from clickstream.clean.bots.signed_request import SignedRequest
from clickstream.clean.dictionary_columns import Codes, Distinct

_TEXTS = (
    *("method", "target", "host", "user_agent", "referrer"),
    *("signature", "signature_input", "signature_agent"),
)


class Signatures:
    """All distinct verdicts by signature so far; the code 0 is None, for no signed agent."""

    def __init__(self, verifier: SignatureVerifier) -> None:
        self._verifier = verifier
        self._verdicts: Distinct[Verdict | None, None] = Distinct()
        self._verdicts[None]

    @property
    def verdicts(self) -> list[Verdict | None]:
        """The verdict of each code."""
        return self._verdicts.ordered

    def codes(self, parsed: pa.Table) -> Codes:
        """Return the code of the verdict on each request of a table of `parse`."""
        codes = np.zeros(len(parsed), np.int32)
        if "signature_input" in parsed.column_names:
            inputs = dictionary_encoding.combine_chunks(parsed["signature_input"])
            is_text = pc.greater(pc.binary_length(inputs.dictionary), 0)
            rows = np.flatnonzero(pc.fill_null(is_text.take(inputs.indices), False).to_numpy(False))
            requests = _requests(parsed.take(pa.array(rows)))
            codes[rows] = self._verdicts.codes(map(self._verifier.verdict, requests))
        return codes


def _requests(signed: pa.Table) -> list[SignedRequest]:
    seconds = signed["at"].to_numpy().astype("M8[s]").astype(np.int64).tolist()
    names = [name for name in _TEXTS if name in signed.column_names]
    texts = [[text or None for text in signed[name].to_pylist()] for name in names]
    columns = dict.fromkeys(_TEXTS)
    return [
        SignedRequest(at=at, **{**columns, **dict(zip(names, row, strict=True))})
        for at, *row in zip(seconds, *texts, strict=True)
    ]
