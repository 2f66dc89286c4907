"""Own equipment of the site, such as menu tablets and status pages, as the settings name it."""

from __future__ import annotations

from dataclasses import dataclass, field

from clickstream.clean.addresses import NetworkSet
from clickstream.clean.bots.verdict import OWN_EQUIPMENT, Verdict

_BY_NETWORK = Verdict(OWN_EQUIPMENT, "network: own equipment")


@dataclass(frozen=True)
class OwnEquipment:
    """Devices of the site's owner: those in `networks`, and those whose user agent has a part.

    `user_agents` are the parts, compared without case. What they ask for counts under bots.
    """

    networks: NetworkSet = field(default_factory=NetworkSet)
    user_agents: tuple[str, ...] = ()

    @property
    def has_networks(self) -> bool:
        """Whether there is a network to compare addresses with."""
        return self.networks != NetworkSet()

    def by_agent(self, user_agent: str) -> Verdict | None:
        """The verdict by a user agent; None if it has none of the parts."""
        text = user_agent.casefold()
        for part in self.user_agents:
            if part.casefold() in text:
                return Verdict(OWN_EQUIPMENT, f"user agent: own equipment, {part}")
        return None

    def by_address(self, address: str) -> Verdict | None:
        """The verdict by an address as `address_in` gives it; None outside of the networks."""
        return _BY_NETWORK if address in self.networks else None
