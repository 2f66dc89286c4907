"""The steps that build an hour or a range of hours, one package for each part.

    pull ─▶ clean_hits ─▶ build_sessions ─▶ check_hour ─▶ register_tables ─▶ refresh_views
     │          └────────────── hour ─────────────┘        │                      │
    pull                          refresh_facts ◀── publish ─── find_suspects ◀───┘

`hosts` knows the hosts that are pulled, `backfill` plans ranges of hours, and `proof` verifies and
repairs what was published. Only this package connects `parse`, `clean` and `sessions`, which do no
I/O, with the lake. Every step can be killed and run again at any point.
"""
