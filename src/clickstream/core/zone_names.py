"""Names of time zones for SQL and for people; settings have those of the IANA database."""

from __future__ import annotations


def sql_zone(key: str) -> str:
    """Return a zone as Athena knows it: `+01:00` for Etc/GMT-1.

    The signs of the zones of a fixed offset are those of POSIX, which are the reverse.
    """
    hours = key.removeprefix("Etc/GMT")
    return f"{-int(hours):+03}:00" if hours and hours != key and int(hours) else key


def name_zone(key: str) -> str:
    """Return the name of a zone for people, such as `UTC+01:00` and `Europe/Isle of Man`."""
    name = sql_zone(key)
    return f"UTC{name}" if name[0] in "+-" else name.replace("_", " ")
