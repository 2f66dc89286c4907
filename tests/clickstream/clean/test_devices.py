"""Devices, browsers and systems of user agents that people have."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case
from tests.support.shared_data import shared

from clickstream.clean.devices import DEVICES, Device, device_of
from clickstream.demo.cafe import agents

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
PHONE = f"Mozilla/5.0 (Linux; Android 14; SM-A546B; wv) {WEBKIT} Version/4.0 Chrome/141.0.0.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36"

KNOWN = {
    WINDOWS: Device("desktop", "Chrome", "142", "Windows"),
    f"{WINDOWS} Edg/142.0.0.0": Device("desktop", "Edge", "142", "Windows"),
    f"{WINDOWS} OPR/125.0.0.0": Device("desktop", "Opera", "125", "Windows"),
    "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; Touch; Tablet PC 2.0; rv:11.0) like Gecko": Device(
        "desktop", "Internet Explorer", "11", "Windows"
    ),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": Device(
        "desktop", "Firefox", "140", "Linux"
    ),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/141.0.0.0 Safari/537.36": Device(
        "desktop", "Chrome", "141", "Chrome OS"
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Safari/605.1.15": Device("desktop", "Safari", "18", "macOS"),
    f"{IPHONE.replace('Mobile', 'Version/18.6 Mobile')} Safari/604.1": Device(
        "mobile", "Safari", "18", "iOS"
    ),
    f"{IPHONE} CriOS/141.0.7390.54 Safari/604.1": Device("mobile", "Chrome", "141", "iOS"),
    f"{IPHONE} FxiOS/145.0 Safari/605.1.15": Device("mobile", "Firefox", "145", "iOS"),
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36": Device(
        "mobile", "Chrome", "142", "Android"
    ),
    "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0": Device(
        "mobile", "Firefox", "145", "Android"
    ),
    "Mozilla/5.0 (Android 15; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0": Device(
        "tablet", "Firefox", "145", "Android"
    ),
    f"Mozilla/5.0 (Linux; Android 13; SM-X200) {WEBKIT} Chrome/140.0.0.0 Safari/537.36": Device(
        "tablet", "Chrome", "140", "Android"
    ),
    IPHONE.replace("iPhone; CPU iPhone", "iPad; CPU"): Device("tablet", "iOS WebView", None, "iOS"),
    f"Mozilla/5.0 (Linux; Android 9; KFMAWI) {WEBKIT} Silk/108.5 like Chrome/108.0 Safari/537.36": (
        Device("tablet", "Amazon Silk", "108", "Android")
    ),
    f"Mozilla/5.0 (Linux; Android 9; AFTKA) {WEBKIT} Silk/120.3 like Chrome/120.0 Safari/537.36": (
        Device("tv", "Amazon Silk", "120", "Android")
    ),
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/79.0.3945.79 Safari/537.36": Device(
        "tv", "Chrome", "79", "webOS"
    ),
    "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/13.0 Safari/605.1.15": Device("console", "Safari", "13", None),
    "Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4": Device(
        "console", None, None, None
    ),
    "atc/1.0 watchOS/10.1 model/Watch6,1 hwp/t8301": Device(
        "watch", "Apple Watch App", "6", "watchOS"
    ),
    "Mozilla/5.0 (Mobile; Nokia_2720_Flip; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.2.2": Device(
        "mobile", "Firefox", "48", "KaiOS"
    ),
    "-": Device("other", None, None, None),
}

IN_APP = {
    "[LinkedInApp]/9.31.5": ("LinkedIn", "9"),
    "Barcelona 300.0.0.1": ("Threads", "300"),
    "GSA/390.0.812 Safari/604.1": ("Google app", "390"),
    "Instagram 400.0.0.20.75 (iPhone15,2)": ("Instagram", "400"),
    "Line/14.1.0": ("LINE", "14"),
    "MicroMessenger/8.0.42(0x18002a2f) NetType/WIFI": ("WeChat", "8"),
    "NAVER(inapp; search; 2000; 12.3.0)": ("Naver", None),
    "Reddit/Version 2024.10": ("Reddit", None),
    "Snapchat/12.70.0.38": ("Snapchat", "12"),
    "Twitter for iPhone/10.30": ("Twitter", "10"),
    "[FBAN/FBIOS;FBAV/520.0.0.45.90;]": ("Facebook", "520"),
    "[FBAN/MessengerForiOS;FBAV/400.0]": ("Facebook Messenger", "400"),
    "[Pinterest/iOS]": ("Pinterest", None),
    "musical_ly_34 BytedanceWebview/d8a21c6": ("TikTok", None),
}


@each_case("agent, device", KNOWN.items())
def test_a_known_user_agent_has_its_device_browser_and_system(agent: str, device: Device) -> None:
    assert device_of(agent) == device


@pytest.mark.parametrize(("token", "browser"), IN_APP.items(), ids=IN_APP)
def test_a_browser_inside_an_app_has_the_app_s_name(
    token: str, browser: tuple[str, str | None]
) -> None:
    assert device_of(f"{IPHONE} {token}") == Device("mobile", *browser, "iOS")


@pytest.mark.parametrize(
    ("token", "browser"),
    [("KAKAOTALK 2410", "KakaoTalk"), ("[FB_IAB/Orca-Android;FBAV/4;]", "Facebook Messenger")],
)
def test_a_browser_inside_an_app_on_android_has_the_app_s_name(token: str, browser: str) -> None:
    assert device_of(f"{PHONE} Mobile Safari/537.36 {token}").browser == browser


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_has_a_device(agent: str) -> None:
    device = device_of(agent)
    assert device.device in DEVICES
    assert device.browser_version is None or device.browser is not None


@given(name=st.sampled_from(sorted(KNOWN)), language=st.sampled_from(["de-DE", "pt-BR", "ja"]))
def test_a_language_in_the_user_agent_changes_no_device(name: str, language: str) -> None:
    assert device_of(name.replace("(", f"({language}; ", 1)) == KNOWN[name]


@each_case("agent", [*agents.BROWSERS, agents.TABLET])
def test_the_cafe_s_customers_have_all_three(agent: str) -> None:
    device = device_of(agent)
    assert device.browser
    assert device.browser_version
    assert device.os
    assert (device.device == "desktop") == ("Mobile" not in agent and agent != agents.TABLET)
    assert (device.device == "tablet") == (agent == agents.TABLET)


@pytest.mark.shared_data
def test_nearly_all_browsers_of_people_have_a_device() -> None:
    """Those without one are of systems that few have: Amiga, BeOS, text browsers."""
    browsers = yaml.safe_load(shared("user-agents-people", "browsers.yml").read_text())
    devices = Counter(device_of(agent).device for group in browsers.values() for agent in group)
    assert devices["other"] < 0.1 * devices.total()
    assert min(devices["desktop"], devices["mobile"]) > 200
    assert min(devices["tablet"], devices["tv"], devices["console"]) > 5


def test_a_system_that_is_not_known_is_null() -> None:
    bot = "Mozilla/5.0 (compatible;PetalBot;+https://webmaster.petalsearch.com/site/petalbot)"
    assert device_of(bot).os is None
    assert device_of("Other").os is None
