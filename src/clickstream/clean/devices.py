"""Device, browser and operating system from a user agent.

ua-parser recognizes browsers and systems. Its different names for a browser's phone and desktop
editions are mapped to one, because the device is a separate column. A short table of tokens
decides the kind of device. Bots are recognized in `clean.bots`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from ua_parser import load_lazy_builtins
from ua_parser.regex import Resolver

DEVICES = ("desktop", "mobile", "tablet", "tv", "console", "watch", "other")
"""All kinds of device; `other` if the user agent names none, or none of these."""


class Device(NamedTuple):
    """Device, browser and system of a user agent; None for what it does not name.

    `browser_version` is the major version only. There is no version of the system, because browsers
    report a fixed one: every Windows is 10, every macOS 10.15.
    """

    device: str
    browser: str | None
    browser_version: str | None
    os: str | None


# The first of these tokens that the user agent contains decides. "Tablet PC" is not listed: it is
# a version of Windows, also on desktops.
_TOKENS: dict[str, tuple[str, ...]] = {
    "console": ("PlayStation", "Nintendo", "Xbox;"),
    "other": ("OculusBrowser", " VR "),
    "watch": (
        "Apple Watch",
        "AppleWatch",
        "watchOS",
        "Watch OS",
        "Wear OS",
        "Galaxy Watch",
        "SM-R8",
        "SM-R9",
    ),
    "tv": (
        "SmartTV",
        "SMART-TV",
        "Smart TV",
        "SmartHub",
        "HbbTV",
        "AppleTV",
        "Apple TV",
        " TV ",
        "GoogleTV",
        "Google TV",
        "AndroidTV",
        "Android TV",
        "Nexus Player",
        "Web0S",
        "NetCast",
        "BRAVIA",
        "VIERA",
        "CrKey",
        "Chromecast",
        "Roku",
        "; AFT",
    ),
    "tablet": ("iPad", "Tablet;", "Tablet)", "Kindle", "; KF", "PlayBook"),
}
_DEVICE_OF_TOKEN = [(token, device) for device, tokens in _TOKENS.items() for token in tokens]

_TELEPHONES = (
    "Mobi",
    "iPhone",
    "iPod",
    "Phone",
    "Android",
    "BlackBerry",
    "BB10",
    "Opera Mini",
    "Symb",
    "Series60",
    "Series40",
    "Nokia",
    "MIDP",
    "J2ME",
    "KAIOS",
    "Maemo",
    "Bada",
    "UP.Browser",
    "FBAN/",
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

# Apps with a built-in browser that ua-parser reports as that browser.
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


_UNKNOWN = "Other"
"""The family that ua-parser returns if it recognizes a user agent, but not its system."""


@cache
def _resolver() -> Resolver:
    """Return the compiled patterns of browsers and systems, without those of device models."""
    browsers, systems, _models = load_lazy_builtins()
    return Resolver((browsers, systems, []))


def device_of(user_agent: str) -> Device:
    """Return device (one of DEVICES), browser, its version, and system of a user agent."""
    text = user_agent.encode("utf-8", "replace").decode()  # UTF-8 can't encode lone surrogates
    browser: str | None = None
    version: str | None = None
    system: str | None = None
    if app := _IN_APP_TOKEN.search(text):
        browser, version = _IN_APP[app[1]], app[2]
    elif browser_match := _resolver().ua.extract(text):
        browser = _BROWSERS.get(browser_match.family, browser_match.family)
        version = browser_match.major
    os_match = _resolver().os.extract(text)
    if os_match and os_match.family != _UNKNOWN:
        system = _SYSTEMS.get(os_match.family, os_match.family)
    return Device(_device(text, system), browser, version, system)


def _device(user_agent: str, system: str | None) -> str:
    for token, device in _DEVICE_OF_TOKEN:
        if token in user_agent:
            return device
    if _is_tablet(user_agent):
        return "tablet"
    for token in _TELEPHONES:
        if token in user_agent:
            return "mobile"
    return _DEVICE_OF_OS.get(system or "", "other")


def _is_tablet(user_agent: str) -> bool:
    """Return whether a user agent is a tablet's, although it does not contain the word.

    On Android, browsers on phones write Mobile, and browsers on tablets do not. Apps without a
    browser engine never write it, and count as phones. An iPad that requests desktop pages calls
    itself a Macintosh, but apps on it still write Mobile.
    """
    if "Mobile" in user_agent:
        return "Macintosh" in user_agent
    return "Android" in user_agent and "AppleWebKit" in user_agent
