"""What a user agent says of the machine and the program behind it: device, browser, system.

ua-parser knows browsers and systems; names that differ between a browser's phone and desktop
editions are made one, since the device is a column of its own. What kind of device it is, a short
table of tokens decides. Whether it is a bot is judged elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ua_parser import Domain, PartialResult, load_lazy_builtins
from ua_parser.regex import Resolver

DEVICES = ("desktop", "mobile", "tablet", "tv", "console", "watch", "other")
"""Every kind of device; `other` is what gives nothing away, or is none of these."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a user agent says; None for what it does not.

    Of the browser's version only the first number is kept. The system has none: browsers have
    frozen what they say of it (every Windows is 10, every macOS 10.15).
    """

    device: str
    browser: str | None
    browser_version: str | None
    os: str | None


# The first that matches decides. An iPad that asks for desktop pages calls itself a Macintosh, in
# which apps still say Mobile. On Android, browsers on telephones say Mobile, those on tablets
# do not; apps without a browser in them say it nowhere, so they count as telephones.
_DEVICE_TOKENS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("console", re.compile(r"PlayStation|Nintendo|Windows NT.*Xbox")),
    ("other", re.compile(r"OculusBrowser|\bVR\b")),
    ("watch", re.compile(r"(?i:apple ?watch|watch ?os|wear ?os|galaxy watch)|\bSM-R[89]\d\d")),
    (
        "tv",
        re.compile(
            r"\bTV\b|(?i:smart|apple|google|android|hbb)TV|Web0S|NetCast|BRAVIA|VIERA|CrKey"
            r"|Chromecast|Roku|\bAFT[A-Z]|Nexus Player"
        ),
    ),
    ("tablet", re.compile(r"iPad|Macintosh.*Mobile|Tablet(?! PC)|Kindle|\bKF[A-Z]{3,}|PlayBook")),
    ("tablet", re.compile(r"^(?!.*Mobile).*Android.*AppleWebKit", re.DOTALL)),
    (
        "mobile",
        re.compile(
            r"Mobi|iPhone|iPod|Phone|Android|BlackBerry|BB10|Opera Mini|Symb|Series ?[46]0|Nokia"
            r"|MIDP|J2ME|KAIOS|Maemo|Bada|UP\.Browser|FBAN/"
        ),
    ),
)

_DEVICE_OF_OS = {
    "iOS": "mobile",
    "Chrome OS": "desktop",
    "FreeBSD": "desktop",
    "Linux": "desktop",
    "NetBSD": "desktop",
    "OpenBSD": "desktop",
    "Solaris": "desktop",
    "Windows": "desktop",
    "Mac OS": "desktop",
    "macOS": "desktop",
}

# Apps with a browser in them that ua-parser takes for the browser.
_IN_APP = {
    "[LinkedInApp]": "LinkedIn",
    "Barcelona": "Threads",
    "Discord": "Discord",
    "GSA": "Google app",
    "KAKAOTALK": "KakaoTalk",
    "NAVER(inapp": "Naver",
    "Orca-Android": "Facebook Messenger",
    "Reddit": "Reddit",
}
_IN_APP_TOKEN = re.compile(
    rf"(?<![\w-])({'|'.join(map(re.escape, _IN_APP))})(?:[ /](\d+))?(?![A-Za-z])"
)

_BROWSERS = {
    "Android": "Android Browser",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Android WebView",
    "Chrome Mobile iOS": "Chrome",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Ecosia Android": "Ecosia",
    "Ecosia iOS": "Ecosia",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Google": "Google app",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "iOS WebView",
    "MobileSafari": "Safari",
    "Opera Mobile": "Opera",
    "QQ Browser Mobile": "QQ Browser",
    "WeChat Browser": "WeChat",
}

_SYSTEMS = {
    "ATV OS X": "tvOS",
    "Mac OS X": "macOS",
    "WatchOS": "watchOS",
    "Web0S": "webOS",
    **dict.fromkeys(("CentOS", "Debian", "Fedora", "Gentoo", "Kubuntu", "Mandriva"), "Linux"),
    **dict.fromkeys(("Linux Mint", "Mint", "Red Hat", "SUSE", "Slackware", "Ubuntu"), "Linux"),
    **dict.fromkeys(("Chromecast Android", "Chromecast Fuchsia", "Chromecast Linux"), "Chromecast"),
}


@cache
def _resolver() -> Resolver:
    """The compiled patterns of browsers and systems. Those of single models are not needed."""
    browsers, systems, _models = load_lazy_builtins()
    return Resolver((browsers, systems, []))


def device_of(user_agent: str) -> Device:
    """Device (one of DEVICES), browser, its version, and operating system of a user agent."""
    text = user_agent.encode("utf-8", "replace").decode()  # lone surrogates are no UTF-8
    found = _resolver()(text, Domain.USER_AGENT | Domain.OS)
    family = found.os.family if found.os else None
    system = _SYSTEMS.get(family, family) if family else None
    browser, version = _in_app(text) or _browser(found)
    return Device(_device(text, system), browser, version, system)


def _device(user_agent: str, system: str | None) -> str:
    for device, tokens in _DEVICE_TOKENS:
        if tokens.search(user_agent):
            return device
    return _DEVICE_OF_OS.get(system or "", "other")


def _in_app(user_agent: str) -> tuple[str, str | None] | None:
    found = _IN_APP_TOKEN.search(user_agent)
    return (_IN_APP[found[1]], found[2]) if found else None


def _browser(found: PartialResult) -> tuple[str | None, str | None]:
    if not found.user_agent:
        return None, None
    family = found.user_agent.family
    return _BROWSERS.get(family, family), found.user_agent.major
