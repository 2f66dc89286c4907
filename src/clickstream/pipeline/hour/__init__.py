"""One hour, from raw lines to checked rows in the staging area, and a range of hours in memory.

    clean_hits ─▶ build_sessions ─▶ check_hour

Each step passes a `CleanedHour` or a `StitchedHour` to the next one: keys and counts, no rows.
"""
