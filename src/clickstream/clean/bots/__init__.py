"""Bot detection: which visitors are programs, of which class, and for what reason.

There are four layers: the signature of a request (`SignatureRules`), the user agent
(`agent_verdict`), the network that a request comes from (`Networks`), and the visitor's requests in
an hour (`behaviour`). A verdict is only a label; no request is dropped. See docs/bots.md.
"""

from clickstream.clean.bots.agent_keys import SignatureRules
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
    "SignatureRules",
    "Verdict",
    "agent_verdict",
    "behaviour",
    "is_scanner_path",
]
