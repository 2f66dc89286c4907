"""`CleanRules` and `LookUps`: the options of `Cleaner`, which `step_config` builds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from clickstream.clean.bots import (
    BehaviourRules,
    Networks,
    OwnEquipment,
    SignatureRules,
    Verdict,
)
from clickstream.clean.channels import DEFAULT_CHANNELS, ChannelRules
from clickstream.clean.devices import Device, device_of
from clickstream.clean.orders import OrderRules
from clickstream.clean.places import NOWHERE, Place
from clickstream.clean.request_kinds import KindRules
from clickstream.clean.urls import TargetRules
from clickstream.core.networks import NetworkSet


@dataclass(frozen=True)
class CleanRules:
    """The rules for labelling requests.

    `site` is the name of the site in the tables, `domains` are its own domains, and `hosts` its
    virtual hosts (see `hosts.requests_of_site`). `hosting` has the verdicts of hosting networks, by
    the number of their autonomous system (AS).
    """

    site: str
    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    targets: TargetRules = field(default_factory=TargetRules)
    kinds: KindRules = field(default_factory=KindRules)
    orders: OrderRules = field(default_factory=OrderRules)
    channels: ChannelRules = DEFAULT_CHANNELS
    trusted: NetworkSet = field(default_factory=NetworkSet)
    networks: Networks = field(default_factory=Networks)
    hosting: Mapping[int, Verdict] = field(default_factory=dict)
    own_equipment: OwnEquipment = field(default_factory=OwnEquipment)
    signatures: SignatureRules = field(default_factory=SignatureRules)
    behaviour: BehaviourRules = field(default_factory=BehaviourRules)


def _nowhere(_address: str) -> Place:
    return NOWHERE


def _unknown(addresses: Sequence[str | None]) -> npt.NDArray[np.int64]:
    return np.zeros(len(addresses), np.int64)


@dataclass(frozen=True)
class LookUps:
    """The functions that look up each distinct address and user agent.

    `asns` returns the number of the autonomous system of each address, 0 if it is unknown. The
    defaults return no places and no systems, and parse each user agent without a cache.
    """

    place: Callable[[str], Place] = _nowhere
    asns: Callable[[Sequence[str | None]], npt.NDArray[np.int64]] = _unknown
    device: Callable[[str], Device] = device_of
