"""`CleanRules` and `LookUps`: the options of `Cleaner`, which `step_config` builds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from clickstream.clean.bots import BehaviourRules, Networks, OwnEquipment, SignatureVerifier
from clickstream.clean.channels import DEFAULT_CHANNELS, ChannelRules
from clickstream.clean.devices import Device, device_of
from clickstream.clean.places import NOWHERE, Place
from clickstream.clean.request_kinds import KindRules
from clickstream.clean.urls import TargetRules
from clickstream.networks import NetworkSet


@dataclass(frozen=True)
class CleanRules:
    """The rules for labelling requests.

    `site` is the name of the site in the tables, `domains` are its own domains, and `hosts` its
    virtual hosts (see `hosts.requests_of_site`).
    """

    site: str
    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    targets: TargetRules = field(default_factory=TargetRules)
    kinds: KindRules = field(default_factory=KindRules)
    channels: ChannelRules = DEFAULT_CHANNELS
    trusted: NetworkSet = field(default_factory=NetworkSet)
    networks: Networks = field(default_factory=Networks)
    own_equipment: OwnEquipment = field(default_factory=OwnEquipment)
    signatures: SignatureVerifier = field(default_factory=SignatureVerifier)
    behaviour: BehaviourRules = field(default_factory=BehaviourRules)


def _nowhere(_address: str) -> Place:
    return NOWHERE


@dataclass(frozen=True)
class LookUps:
    """The functions that look up each distinct address and user agent.

    The defaults return no places, and parse each user agent without a cache.
    """

    place: Callable[[str], Place] = _nowhere
    device: Callable[[str], Device] = device_of
