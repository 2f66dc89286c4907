"""A transaction that takes rows out of a table: pyiceberg's, but for what that costs.

Files that lie within what is taken out are dropped by their metadata. Where a file has other rows,
too, those are written anew. pyiceberg would spell out every text of such a file for that, which
takes four times the time, and 300 MB for a busy day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pyiceberg.expressions import BooleanExpression
from pyiceberg.expressions.visitors import bind
from pyiceberg.io.pyarrow import _expression_to_complementary_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH

from clickstream.lake import data_files
from clickstream.tables import Table


class Replacement(Transaction):
    """A transaction that works out its metadata when they change, and not each time it looks.

    pyiceberg copies them thirty times for a commit, with all that the table remembers.
    """

    _state: tuple[object, object] = (None, None)
    _metadata: TableMetadata

    @property
    def table_metadata(self) -> TableMetadata:
        """The table's metadata with the changes so far."""
        state = self._table.metadata, self._updates
        if any(now is not then for now, then in zip(state, self._state, strict=True)):
            self._metadata = super().table_metadata if self._updates else self._table.metadata
            self._state = state
        return self._metadata

    def remove(self, table: Table, chosen: BooleanExpression, day: date) -> None:
        """Take the chosen rows of a day out. Rows to be put in their place are added afterwards.

        Whoever changes such rows meanwhile makes the commit fail, as with pyiceberg's `delete`.
        """
        with self.update_snapshot().delete() as dropped:
            dropped.delete_by_predicate(chosen)
        rewritten = [*self._rewritten(table, chosen, day)] if dropped.rewrites_needed else []
        if not rewritten:
            return
        with self.update_snapshot().overwrite() as snapshot:
            snapshot.delete_by_predicate(chosen)
            for old, new in rewritten:
                snapshot.delete_data_file(old)
                if new:
                    snapshot.append_data_file(new)

    def _rewritten(
        self, table: Table, chosen: BooleanExpression, day: date
    ) -> Iterator[tuple[DataFile, DataFile | None]]:
        """The files that have chosen rows, each with one of their other rows, if there are any."""
        schema = self.table_metadata.schema()
        is_other = _expression_to_complementary_pyarrow(bind(schema, chosen, True), schema)
        for task in self._scan(row_filter=chosen).use_ref(MAIN_BRANCH).plan_files():
            rows = data_files.read(self._table, table, [task])
            others = rows.filter(is_other)
            if not len(others):
                yield task.file, None
            elif len(others) < len(rows):
                yield task.file, data_files.write(self._table, table, others, day, "published")
