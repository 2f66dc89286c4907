"""The verdicts on the signatures of parsed requests, as codes; most logs have no signatures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream import dictionary_encoding
from clickstream.clean.bots import SignatureRules, Verdict
from clickstream.clean.dictionary_columns import Codes, Distinct

_TEXTS = (
    *("method", "target", "host", "user_agent", "referrer"),
    *("signature", "signature_input", "signature_agent"),
)


class Signatures:
    """All distinct verdicts by signature so far; the code 0 is None, for no signed agent."""

    def __init__(self, rules: SignatureRules) -> None:
        self._rules = rules
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
            if len(rows):
                signed = parsed.take(pa.array(rows))
                codes[rows] = self._verdicts.codes(_verdicts(signed, self._rules))
        return codes


def _verdicts(signed: pa.Table, rules: SignatureRules) -> Iterator[Verdict | None]:
    # They import cryptography and the parsers of signatures, which takes 0.02 s.
    from clickstream.clean.bots.signatures import SignatureVerifier
    from clickstream.clean.bots.signed_request import SignedRequest

    verifier = SignatureVerifier(rules.keys, rules.own_hosts)
    seconds = signed["at"].to_numpy().astype("M8[s]").astype(np.int64).tolist()
    names = [name for name in _TEXTS if name in signed.column_names]
    texts = [[text or None for text in signed[name].to_pylist()] for name in names]
    columns = dict.fromkeys(_TEXTS)
    for at, *row in zip(seconds, *texts, strict=True):
        request = SignedRequest(at=at, **{**columns, **dict(zip(names, row, strict=True))})
        yield verifier.verdict(request)
