"""The table of targets: path, page, kept query parameters, campaign tags and order of targets.

Many targets have the same path, and links in mails and ads have the same parameters. Paths and
parameters are therefore processed separately, each distinct one once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream import dictionary_encoding
from clickstream.clean.dictionary_columns import Codes, Distinct, Texts
from clickstream.clean.orders import OrderRules, ShownOrder, find_order
from clickstream.clean.request_kinds import PATH_KINDS, KindRules, path_kind
from clickstream.clean.urls import (
    CampaignTags,
    TargetRules,
    path_and_page,
    path_and_parameters,
    query_and_tags,
)


class _Path(NamedTuple):
    """The results for a path. If the request line was not HTTP: None, None and the kind -1.

    `kind` is a position in PATH_KINDS, -1 for none.
    """

    path: str | None = None
    page: str | None = None
    kind: int = -1


class _Target(NamedTuple):
    """A target, as the codes of its path and of its parameters, and the order that it confirms."""

    path: int
    parameters: int
    order: ShownOrder = ShownOrder()


class Targets:
    """All distinct targets so far, and all distinct sets of tags in them."""

    def __init__(self, rules: TargetRules, kinds: KindRules, orders: OrderRules) -> None:
        self._rules, self._kinds, self._orders = rules, kinds, orders
        self._paths: Distinct[str | None, _Path] = Distinct(self._path)
        self._tags: Distinct[CampaignTags, None] = Distinct()
        self._parameters: Distinct[str, tuple[str | None, int]] = Distinct(self._query)
        self._targets: Texts[_Target] = Texts(self._target)

    def rows(self, target: pa.ChunkedArray, is_http: npt.NDArray[np.bool_]) -> Codes:
        """Return the code of each request's target, 0 if the request line was not HTTP."""
        return self._targets.codes(target) * is_http

    def path_kinds(self, rows: Codes) -> Codes:
        """Return the kind of the path of each target code, as position in PATH_KINDS or -1."""
        kinds = np.array([path.kind for path in self._paths.made], np.int32)
        return kinds[self._codes("path")[rows]]

    def tags(self, rows: Codes) -> Codes:
        """Return the tags and click platform of each target code, as code of `tag_sets`."""
        tags = np.array([tags for _, tags in self._parameters.made], np.int32)
        return tags[self._codes("parameters")[rows]]

    @property
    def tag_sets(self) -> list[CampaignTags]:
        """The distinct sets of tags, in the order of their codes."""
        return self._tags.ordered

    def __len__(self) -> int:
        return len(self._targets)

    def table(self) -> pa.RecordBatch:
        """Return the table with the columns of each target, in the order of the codes."""
        path, parameters = pa.array(self._codes("path")), pa.array(self._codes("parameters"))
        paths, queries = self._paths.made, self._parameters.made
        orders = [target.order for target in self._targets.made]
        return pa.record_batch(
            {
                "path": dictionary_encoding.encode(one.path for one in paths).take(path),
                "page": dictionary_encoding.encode(one.page for one in paths).take(path),
                "query": dictionary_encoding.encode(query for query, _ in queries).take(parameters),
                "order_number": dictionary_encoding.encode(one.number for one in orders),
                "shown_cents": pa.array([one.cents for one in orders], pa.int64()),
            }
        )

    def _codes(self, name: str) -> Codes:
        """Return one of the two codes of each target."""
        codes = [getattr(target, name) for target in self._targets.made]
        return np.array(codes, np.int32)

    def _target(self, text: str | None) -> _Target:
        if text is None:
            return _Target(self._paths[None], self._parameters[""])
        path, parameters = path_and_parameters(text)
        order = find_order(path, parameters, self._orders)
        return _Target(self._paths[path], self._parameters[parameters], order)

    def _path(self, text: str | None) -> _Path:
        if text is None:
            return _Path()
        path, page = path_and_page(text, self._rules)
        kind = path_kind(path, self._kinds)
        return _Path(path, page, PATH_KINDS.index(kind) if kind else -1)

    def _query(self, parameters: str) -> tuple[str | None, int]:
        query, tags = query_and_tags(parameters, self._rules)
        return query, self._tags[tags]
