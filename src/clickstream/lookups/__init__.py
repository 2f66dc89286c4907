"""Lookups for `clean`: the places of addresses.

    database = PlaceDatabase.open([Path("var/geoip")])
    place = place_at("192.0.2.7", database.record)

`step_config` passes such functions to `clean`, which does not read the files itself.
"""

from clickstream.lookups.places import PlaceDatabase

__all__ = ["PlaceDatabase"]
