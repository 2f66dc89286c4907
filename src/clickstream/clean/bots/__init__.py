"""Bots: who is no person, what sort of program it is, and what gave it away.

Three layers look for them: the user agent (`agent_verdict`), the network it comes from
(`Networks`), and what it did in an hour (`behaviour`). A verdict only labels; no request is lost.
"""

from clickstream.clean.bots.agents import agent_verdict
from clickstream.clean.bots.behaviour import (
    BEHAVIOURS,
    SCANNER_PATHS,
    BehaviourRules,
    HourOfRequests,
    behaviour,
    is_scanner_path,
)
from clickstream.clean.bots.networks import ROLES, Networks, OwnEquipment
from clickstream.clean.bots.verdict import (
    BOT_CLASSES,
    NO_USER_AGENT,
    OWN_EQUIPMENT,
    Verdict,
)

__all__ = [
    "BEHAVIOURS",
    "BOT_CLASSES",
    "NO_USER_AGENT",
    "OWN_EQUIPMENT",
    "ROLES",
    "SCANNER_PATHS",
    "BehaviourRules",
    "HourOfRequests",
    "Networks",
    "OwnEquipment",
    "Verdict",
    "agent_verdict",
    "behaviour",
    "is_scanner_path",
]
