"""Reads the settings of the proxies and load balancers in front of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from clickstream.core.networks import is_loopback
from clickstream.dashboard.access.guard import Surroundings
from clickstream.dashboard.access.load_balancer import LoadBalancerLogin
from clickstream.dashboard.access.proxies import HeaderLogin, ProxyLogin
from clickstream.settings import DashboardSettings

_WIDE = {4: 8, 6: 32}
"""By IP version, the shortest prefix of a proxy network that gives no warning."""


def surroundings_of(chosen: DashboardSettings, scrapers: Sequence[str] = ()) -> Surroundings:
    """Return the dashboard's addresses, and the proxies whose logins it accepts.

    `scrapers` are the networks whose clients read the metrics without a login.
    """
    login: ProxyLogin | None = None
    if chosen.load_balancer:
        login = LoadBalancerLogin(chosen.load_balancer)
    elif chosen.proxy_header:
        login = HeaderLogin.of(chosen.proxy_header, chosen.proxy_networks)
    return Surroundings(chosen.url, chosen.hosts, chosen.proxy_networks, login, scrapers)


def describe_logins(chosen: DashboardSettings) -> str:
    """Name the ways to log in, for the operator who starts the dashboard."""
    ways = ["accounts and one-time links"]
    if chosen.load_balancer:
        ways.insert(0, f"the load balancer {chosen.load_balancer}")
    elif chosen.proxy_header:
        networks = ", ".join(chosen.proxy_networks)
        ways.insert(0, f"the header {chosen.proxy_header} from {networks}")
    return f"Logins: {', then '.join(ways)}."


def login_warnings(chosen: DashboardSettings, host: str) -> Iterator[str]:
    """Yield warnings about these logins, for the operator who starts the dashboard."""
    if chosen.load_balancer and chosen.proxy_header:
        yield (
            f"The header {chosen.proxy_header} is ignored, because load_balancer is set. Remove "
            "one of them from [dashboard]."
        )
    if chosen.load_balancer or not chosen.proxy_header:
        return
    wide = [network for network in chosen.proxy_networks if _is_wide(network)]
    if wide:
        yield (
            f"Any computer in {', '.join(wide)} that reaches this port can log in under any name "
            f"by sending {chosen.proxy_header}. List only the addresses of the proxies in "
            "proxy_networks of [dashboard]."
        )
    elif not is_loopback(host):
        yield (
            f"It listens on {host}. Any program in {', '.join(chosen.proxy_networks)} that reaches "
            f"this port can log in under any name by sending {chosen.proxy_header}. Let only the "
            "proxy connect, by a firewall or a security group."
        )


def _is_wide(network: str) -> bool:
    parsed = ip_network(network)
    return parsed.prefixlen < _WIDE[parsed.version]
