"""Free ports for a local stack that a test starts."""

from __future__ import annotations

import socket

from clickstream.demo.stack import Ports
from clickstream.demo.stack.layout import HOST


def free_ports() -> Ports:
    """Find ports that nothing listens on now, for each part of a stack."""
    with socket.socket() as first, socket.socket() as second, socket.socket() as third:
        probes = (first, second, third)
        for probe in probes:
            probe.bind((HOST, 0))
        return Ports(*(probe.getsockname()[1] for probe in probes))
