"""What the steps look up and do not work out: where addresses are, and what is known of texts.

    database = PlaceDatabase.open([Path("var/geoip")])
    place = place_at("192.0.2.7", database.record)

    with AnswerCache(Path("var/cache/answers.sqlite")) as cache:
        version = code_version(devices, "ua-parser", "ua-parser-builtins", "ua-parser-rs")
        device = cache.remembering(device_of, Device, version)

The steps are given these functions and know nothing of the files behind them.
"""

from clickstream.lookups.answers import AnswerCache, code_version
from clickstream.lookups.places import PlaceDatabase

__all__ = ["AnswerCache", "PlaceDatabase", "code_version"]
