"""Log files without AWS and without a lake: `clickstream open`, `try` and `bots check`.

    files ─▶ parsed lines by UTC date ─▶ rows of the tables ─▶ the fact views, in DuckDB

Lines pass through the pipeline's own steps, some dates after the other, and the views are those of
include/sql. So every figure is the one that a lake of the same lines would give.
"""
