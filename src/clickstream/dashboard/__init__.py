"""The owner's dashboard: pages about the café's visitors, and about how far to trust them.

    metrics + view ─▶ questions ─▶ answers (local copy, or Athena) ─▶ panels ─▶ HTML, CSV

A page is a pure function of its URL and of the version of the fact tables.
"""
