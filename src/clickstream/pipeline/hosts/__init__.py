"""The hosts of the settings' sources: list, open and check them, and trust their keys.

Their states say what pulls observed, and `missing` which hosts a published hour lacks.
"""

from clickstream.pipeline.hosts.check import HostCheck, check_hosts
from clickstream.pipeline.hosts.freshness import HostFreshness
from clickstream.pipeline.hosts.listing import find_host, list_hosts
from clickstream.pipeline.hosts.missing import Completed, complete_hours
from clickstream.pipeline.hosts.opening import login_of
from clickstream.pipeline.hosts.states import HostState, list_states, retire
from clickstream.pipeline.hosts.trusted_keys import ShownKey, ask_for_key, known_hosts_of, trust

__all__ = [
    "Completed",
    "HostCheck",
    "HostFreshness",
    "HostState",
    "ShownKey",
    "ask_for_key",
    "check_hosts",
    "complete_hours",
    "find_host",
    "known_hosts_of",
    "list_hosts",
    "list_states",
    "login_of",
    "retire",
    "trust",
]
