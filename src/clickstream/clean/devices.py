"""What a user agent says of the machine and the program behind it: device, browser, system.

ua-parser knows browsers and systems; names that differ between a browser's phone and desktop
editions are made one, since the device is a column of its own. What kind of device it is, a short
table of tokens decides. Whether it is a bot is judged elsewhere.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from ua_parser import load_lazy_builtins
from ua_parser.regex import Resolver

DEVICES = ("desktop", "mobile", "tablet", "tv", "console", "watch", "other")
"""Every kind of device; `other` is what gives nothing away, or is none of these."""


class Device(NamedTuple):
    """What a user agent says; None for what it does not.

    Of the browser's version only the first number is kept. The system has none: browsers have
    frozen what they say of it (every Windows is 10, every macOS 10.15).
    """

    device: str
    browser: str | None
    browser_version: str | None
    os: str | None


# The first of these that is in the user agent decides. "Tablet PC" is Windows, which desktops have.
_TOKENS: dict[str, tuple[str, ...]] = {
    "console": ("PlayStation", "Nintendo", "Xbox;"),
    "other": ("OculusBrowser", " VR "),
    "watch": (
        *("Apple Watch", "AppleWatch", "watchOS", "Watch OS", "Wear OS", "Galaxy Watch"),
        *("SM-R8", "SM-R9"),
    ),
    "tv": (
        *("SmartTV", "SMART-TV", "Smart TV", "SmartHub", "HbbTV", "AppleTV", "Apple TV", " TV "),
        *("GoogleTV", "Google TV", "AndroidTV", "Android TV", "Nexus Player", "Web0S", "NetCast"),
        *("BRAVIA", "VIERA", "CrKey", "Chromecast", "Roku", "; AFT"),
    ),
    "tablet": ("iPad", "Tablet;", "Tablet)", "Kindle", "; KF", "PlayBook"),
}
_DEVICE_OF_TOKEN = [(token, device) for device, tokens in _TOKENS.items() for token in tokens]

_TELEPHONES = (
    *("Mobi", "iPhone", "iPod", "Phone", "Android", "BlackBerry", "BB10", "Opera Mini", "Symb"),
    *("Series60", "Series40", "Nokia", "MIDP", "J2ME", "KAIOS", "Maemo", "Bada", "UP.Browser"),
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


_UNKNOWN = "Other"
"""The family that ua-parser names where it knows a user agent, but not its system."""


@cache
def _resolver() -> Resolver:
    """The compiled patterns of browsers and systems. Those of single models are not needed."""
    browsers, systems, _models = load_lazy_builtins()
    return Resolver((browsers, systems, []))


def device_of(user_agent: str) -> Device:
    """Device (one of DEVICES), browser, its version, and operating system of a user agent."""
    text = user_agent.encode("utf-8", "replace").decode()  # lone surrogates are no UTF-8
    found = _resolver().os.extract(text)
    system = _SYSTEMS.get(found.family, found.family) if found else None
    system = None if system == _UNKNOWN else system
    browser, version = _in_app(text) or _browser(text)
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
    """Whether it is one of the tablets that do not say so.

    On Android, browsers on telephones say Mobile and those on tablets do not; apps without a
    browser in them say it nowhere and count as telephones. An iPad that asks for desktop pages
    calls itself a Macintosh; apps on it still say Mobile.
    """
    if "Mobile" in user_agent:
        return "Macintosh" in user_agent
    return "Android" in user_agent and "AppleWebKit" in user_agent


def _in_app(user_agent: str) -> tuple[str, str | None] | None:
    found = _IN_APP_TOKEN.search(user_agent)
    return (_IN_APP[found[1]], found[2]) if found else None


def _browser(user_agent: str) -> tuple[str | None, str | None]:
    found = _resolver().ua.extract(user_agent)
    return (_BROWSERS.get(found.family, found.family), found.major) if found else (None, None)
