"""Visitor ids: a keyed hash of site, client address and user agent, which nobody can undo.

Without the key an id can't be tied to an address, not even by trying all addresses.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pandas as pd

from clickstream.clean.columns import category, codes_of, texts_of
from clickstream.errors import InputError

_DIGEST_BYTES = 12
_KEY_BYTES = range(16, blake2b.MAX_KEY_SIZE + 1)


def visitor_ids(client: pd.Series, user_agent: pd.Series, site: str, key: bytes) -> pd.Categorical:
    """The id of each row's visitor, 24 hex digits: BLAKE2b (RFC 7693) under the key.

    Rows with the same client and user agent, or the same lack of one, get the same id. Raises
    InputError for a key of another length than 16 to 64 bytes.
    """
    if len(key) not in _KEY_BYTES:
        raise InputError(
            f"A visitor key of {len(key)} bytes was given; make one of 16 to 64 random bytes."
        )
    clients = [*map(_field, texts_of(client)), _field(None)]
    agents = [*map(_field, texts_of(user_agent)), _field(None)]
    # A pair of codes as one number: the pairs that occur are the visitors. Code -1 counts as last.
    pairs = codes_of(client).astype(np.int64) % len(clients) * len(agents)
    pairs += codes_of(user_agent) % len(agents)
    codes, distinct = pd.factorize(pairs)
    keyed = blake2b(_field(site), key=key, digest_size=_DIGEST_BYTES)
    ids = []
    for pair in distinct.tolist():
        client_code, agent_code = divmod(pair, len(agents))
        visitor = keyed.copy()
        visitor.update(clients[client_code] + agents[agent_code])
        ids.append(visitor.hexdigest())
    return category(ids, codes)


def _field(text: str | None) -> bytes:
    """A text after its length, so that no two rows of fields ever make the same bytes."""
    if text is None:
        return b"\xff" * 8
    raw = text.encode()
    return len(raw).to_bytes(8, "big") + raw
