"""The table of targets: the page that each distinct request target names, and its tags."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.columns import Codes, Distinct, table
from clickstream.clean.kinds import PATH_KINDS, KindRules, path_kind
from clickstream.clean.urls import Target, TargetRules, split_target

_NO_TARGET = Target("", "")


@dataclass(frozen=True)
class Page:
    """One row of the table of targets; all None where the request line was not HTTP."""

    path: str | None = None
    page: str | None = None
    query: str | None = None


class Targets:
    """Every distinct target so far, and every distinct set of tags among them."""

    def __init__(self, rules: TargetRules, kinds: KindRules) -> None:
        self._rules, self._kinds = rules, kinds
        self._pages: Distinct[str | None, Page] = Distinct(self._page)
        self._path_kinds: list[int] = []
        self._tags: Distinct[Target, Target] = Distinct(lambda tags: tags)
        self._tags_of_page: list[int] = []

    def rows(self, target: pd.Series, is_http: npt.NDArray[np.bool_]) -> Codes:
        """Each row's target; what is not HTTP has none."""
        rows = self._pages.rows(target, None)
        rows[~is_http] = self._pages[None]
        return rows

    def path_kinds(self, rows: Codes) -> Codes:
        """For each row the position of its path's kind in PATH_KINDS, -1 for none."""
        return np.array(self._path_kinds, np.int32)[rows]

    def tags(self, rows: Codes) -> Codes:
        """Each row's set of campaign tags and click id, as its code among `tag_sets`."""
        return np.array(self._tags_of_page, np.int32)[rows]

    @property
    def tag_sets(self) -> list[Target]:
        """The distinct sets of tags, each as a target that has nothing else."""
        return self._tags.made

    @property
    def count(self) -> int:
        """How many distinct targets there are."""
        return len(self._pages)

    def table(self) -> pd.DataFrame:
        """One row for each target, in the order of their codes."""
        return table(Page, self._pages.made)

    def _page(self, text: str | None) -> Page:
        """One call for each distinct target, so the lists beside the table grow with it."""
        target = _NO_TARGET if text is None else split_target(text, self._rules)
        kind = None if text is None else path_kind(target.path, self._kinds)
        self._path_kinds.append(PATH_KINDS.index(kind) if kind else -1)
        self._tags_of_page.append(self._tags[replace(target, path="", page="", query=None)])
        return Page() if text is None else Page(target.path, target.page, target.query)
