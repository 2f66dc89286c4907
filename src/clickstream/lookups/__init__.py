"""Lookups for `clean`: the places of addresses, and the operators of their networks.

    database = PlaceDatabase.open([Path("var/geoip")])
    place = place_at("192.0.2.7", database.record)
    numbers = open_asn_database(Path("var/geoip/asn.arrow")).numbers(["192.0.2.7"])

`step_config` passes such functions to `clean`, which does not read the files itself.
"""

from clickstream.lookups.asn import AsnDatabase, open_asn_database
from clickstream.lookups.place_database import PlaceDatabase

__all__ = ["AsnDatabase", "PlaceDatabase", "open_asn_database"]
