"""The dashboard's facts of log files, computed in this process, without AWS and without a lake.

    files ─▶ parsed lines by UTC date ─▶ rows of the tables ─▶ the fact views, in DuckDB

Lines pass through the pipeline's own steps, date after date, and the views are those of
include/sql. So every figure is the one that a lake of the same lines would give.
"""
