"""What the transforms look up: where addresses are.

    database = PlaceDatabase.open([Path("var/geoip")])
    place = place_at("192.0.2.7", database.record)

The transforms are given functions and know nothing of the files behind them.
"""

from clickstream.lookups.places import PlaceDatabase

__all__ = ["PlaceDatabase"]
