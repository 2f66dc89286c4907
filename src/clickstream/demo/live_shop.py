"""Process for the café's shop: `python -m clickstream.demo.live_shop ADDRESS LOGS STATE`.

ADDRESS is that of PostgreSQL's superuser. LOGS is the directory of the café's logs, and STATE the
file that describes them (`CafeLogs`): the people in the logs and the web orders are the same. What
the campaigns of finished dates cost is in a file of a directory beside STATE.
"""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from clickstream.demo.cafe.costs import write_costs
from clickstream.demo.cafe_logs import CafeLogs
from clickstream.demo.sales import directory_of_costs
from clickstream.demo.shop_database import ShopDatabase, create_database, shop_engine

PAUSE_SECONDS = 5


def main(address: str, directory: Path, state: Path) -> int:
    """Write the older weeks of the shop, then what is due at its time, until SIGTERM or SIGINT."""
    logs = CafeLogs.load(directory, state)
    if logs is None:
        return 1
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    create_database(address, logs.first_of_shop)
    shop = ShopDatabase(shop_engine(address), logs.rules)
    written = None
    while not stop.is_set():
        now = datetime.now(UTC)
        if written != now.date():
            written = now.date()
            write_costs(directory_of_costs(state), logs.rules, written - timedelta(days=1))
        if shop.advance(now):
            stop.wait(PAUSE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
